"""`vitcnn adapt`: adapts a pretrained model to a task, and keeps it where plain peft and vitcnn can load it."""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

from vitcnn.commands.adapted_words import readme_of, summary
from vitcnn.commands.output import say, warn_if_crowded
from vitcnn.commands.paths import GivenPath
from vitcnn.errors import UserError
from vitcnn.folders import require_writable
from vitcnn.spec import Precision

if TYPE_CHECKING:
    from vitcnn.bench import Bench
    from vitcnn.bench.adapting import Adapted
    from vitcnn.questions.adaptation import AdaptationCase

LORA = "lora"
MOST_SEED = 2**31 - 1
FEW_TEST_IMAGES = 8
"""Test images on which the merged model is compared with the adapted one."""


def add_to(commands: Any) -> None:
    """Add the grammar of `vitcnn adapt` to the subparsers of `vitcnn`."""
    adapt = commands.add_parser("adapt", help="adapt a pretrained model to a task, and keep the adapter and a card")
    adapt.add_argument("arch", metavar="ARCH", help="an architecture of the catalogue, timm/NAME or FILE.py:NAME")
    adapt.add_argument("--task", required=True, metavar="NAME", help="a data set, folder:PATH or FILE.py:NAME")
    method = (
        "what trains: full, head, head_viewsK, loraR_TARGETS such as lora16_qv, or lora: rank 16 on query and value, "
        "or on the convolutions of a model without attention; default: lora"
    )
    adapt.add_argument("--method", default=LORA, metavar="NAME", help=method)
    weights = "the weights to start from: random, hub, file:PATH or the name of a task; default: those of the recipe"
    adapt.add_argument("--weights", metavar="VALUE", help=weights)
    recipe = (
        "a training recipe, a variant such as transfer_lora_vit,epochs=3, or changes alone, such as epochs=3; "
        "default: the transfer_* recipe that fits"
    )
    adapt.add_argument("--recipe", metavar="NAME", help=recipe)
    few = "train on N images, balanced over the classes; default: all"
    adapt.add_argument("--num-train", type=int, metavar="N", help=few)
    seed = "the seed of the head, the updates and the order of the images; default: 0"
    adapt.add_argument("--seed", type=int, default=0, metavar="N", help=seed)
    device = "the device to train on: auto, cpu, cuda or cuda:N; default: auto"
    adapt.add_argument("--device", default="auto", metavar="NAME", help=device)
    adapt.add_argument("--precision", choices=get_args(Precision), default="fp32", help="default: fp32")
    data_root = "the folder for data sets; default: $VITCNN_DATA, or vitcnn/data in the user's cache folder"
    adapt.add_argument("--data-root", action=GivenPath, metavar="DIR", help=data_root)
    out = "the folder to write the adapter and its card to; it must be absent or empty"
    adapt.add_argument("--out", action=GivenPath, required=True, metavar="DIR", help=out)
    merge = "also write all weights with the updates added to them, as merged.safetensors in timm's layout"
    adapt.add_argument("--merge", action="store_true", help=merge)
    adapt.set_defaults(run=run_adapt)


def run_adapt(options: argparse.Namespace) -> int:
    """Check all that was asked for, train, write the folder and say what came of it."""
    from vitcnn.bench.adapting import adapt, ready_to_adapt
    from vitcnn.device import numerics, out_of_memory_as_case_error

    require_new_folder(options.out)
    wanted = wanted_by(options)
    device = wanted.bench.device
    with numerics(device), out_of_memory_as_case_error(device):
        setup, train_of = ready_to_adapt(wanted.case, wanted.bench, wanted.case.num_train)
        warn_if_crowded(device)
        found = adapt(setup, train_of, wanted.bench)
        card = write(found, options.out, merge=options.merge)
    say(summary(card, options.out))
    return 0


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What is trained, and with what."""

    case: AdaptationCase
    bench: Bench


def wanted_by(options: argparse.Namespace) -> Wanted:
    """Return what the options ask for; UserError where a name is unknown or two do not go together."""
    from vitcnn import architectures, recipes
    from vitcnn.adaptations import adaptation
    from vitcnn.bench import Bench
    from vitcnn.bench.obstacles import require_input, require_weights
    from vitcnn.device import resolve
    from vitcnn.progress import ProgressBar
    from vitcnn.questions.adaptation import AdaptationCase
    from vitcnn.tasks import Tasks, data_root

    require_whole("--seed", options.seed, at_least=0)
    if options.num_train is not None:
        require_whole("--num-train", options.num_train, at_least=1)
    (architecture,) = architectures.ask_for([options.arch])
    tasks = Tasks(data_root(options.data_root), asked=[options.task])
    (task,) = tasks.asked
    kind = LORA if options.method == LORA else adaptation(options.method, "--method").kind
    suited = recipes.recipe_of_set(f"transfer_{kind}", architectures.architecture(architecture)).name
    (asked,) = recipes.ask_for([options.recipe or suited])
    recipe = recipes.instead_of(suited, asked)
    if options.weights is not None:
        require_weights("--weights", options.weights, tasks)
        recipe = recipes.starting_from(recipe, options.weights)
    weights = recipes.recipe(recipe).weights
    require_weights("weights of the recipe", weights, tasks)
    require_pretrained(weights, kind)
    case = AdaptationCase(
        architecture=architecture,
        task=task,
        recipe=recipe,
        adaptation="full" if options.method == LORA else options.method,
        num_train=options.num_train,
        num_seeds=1,
        precision=options.precision,
    )
    require_input(case, tasks)
    bench = Bench(device=resolve(options.device), tasks=tasks, progress=ProgressBar(), seed_block=options.seed)
    return Wanted(case=with_default_lora(case, bench) if options.method == LORA else case, bench=bench)


def with_default_lora(case: AdaptationCase, bench: Bench) -> AdaptationCase:
    """Return the case with the LoRA that suits its architecture."""
    from dataclasses import replace

    from vitcnn.adaptation.lora import default_lora
    from vitcnn.architectures import architecture
    from vitcnn.bench.setup import on_meta
    from vitcnn.bench.weights import at_px
    from vitcnn.recipes import recipe

    task = bench.tasks.task(case.task)
    entry = at_px(architecture(case.architecture), recipe(case.recipe), task)
    return replace(case, adaptation=str(default_lora(on_meta(entry, task.shape))))


def require_whole(field: str, value: int, *, at_least: int) -> None:
    """Raise UserError where a number is too small or too large."""
    if not at_least <= value <= MOST_SEED:
        raise UserError(field=field, value=value, allowed=f"whole numbers from {at_least}", do="Correct it.")


def require_new_folder(out: Path) -> None:
    """Raise UserError where a folder holds something, is a file, or cannot be made."""
    if out.exists() and not (out.is_dir() and not any(out.iterdir())):
        do = "Name another folder."
        raise UserError(field="--out", value=str(out), allowed="a folder that is absent or empty", do=do)
    require_writable("--out", out.absolute().parent)


def require_pretrained(weights: str, kind: str) -> None:
    """Raise UserError where a head or LoRA would train beside random weights, which no file could be loaded onto."""
    from vitcnn.recipes.parts import RANDOM, WEIGHTS

    if weights == RANDOM and kind != "full":
        do = f"Name pretrained weights: {WEIGHTS.removeprefix('random, ')}. Or train all: --method full."
        raise UserError(field="--weights", value=weights, allowed=f"pretrained weights for {kind}", do=do)


def write(found: Adapted, out: Path, *, merge: bool) -> dict[str, Any]:
    """Write the folder, all of it or none, and return its card."""
    from vitcnn.adaptation.files import write_adapted
    from vitcnn.bench.adapting import card_of

    card, images = card_of(found), next(found.setup.test.in_order(FEW_TEST_IMAGES))
    readme = readme_of(card, merged=merge)
    merged_on = images if merge else None
    write_adapted(out, found.model, found.setup.adaptation, card, readme=readme, merged_on=merged_on)
    return card
