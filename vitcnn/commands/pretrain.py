"""`vitcnn pretrain`: trains an architecture on a task, and keeps its weights for whoever starts from them."""

from __future__ import annotations

import argparse
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vitcnn.commands.output import say, warn_if_crowded
from vitcnn.commands.paths import GivenPath
from vitcnn.errors import UserError
from vitcnn.folders import require_writable, short
from vitcnn.references import is_reference

if TYPE_CHECKING:
    from vitcnn.bench.pretraining import Pretrained


def add_to(commands: Any) -> None:
    """Add the grammar of `vitcnn pretrain` to the subparsers of `vitcnn`."""
    pretrain = commands.add_parser(
        "pretrain", help="train an architecture on a task, and keep its weights to start from"
    )
    pretrain.add_argument("arch", metavar="ARCH", help="an architecture of the catalogue, timm/NAME or FILE.py:NAME")
    task = "a data set such as glyphs62 or shapes, folder:PATH or FILE.py:NAME"
    pretrain.add_argument("--task", required=True, metavar="NAME", help=task)
    recipe = (
        "a training recipe, a variant, or changes alone, such as epochs=3; "
        "default: one epoch of the recipe that fits the task and the architecture"
    )
    pretrain.add_argument("--recipe", metavar="NAME", help=recipe)
    device = "the device to train on: auto, cpu, cuda or cuda:N; default: auto"
    pretrain.add_argument("--device", default="auto", metavar="NAME", help=device)
    data_root = "the folder for data sets, and for weights; default: $VITCNN_DATA, or vitcnn/data in the user's cache"
    pretrain.add_argument("--data-root", action=GivenPath, metavar="DIR", help=data_root)
    out = "also copy the weights to this file, which must not exist"
    pretrain.add_argument("--out", action=GivenPath, metavar="FILE", help=out)
    pretrain.set_defaults(run=run_pretrain)


def run_pretrain(options: argparse.Namespace) -> int:
    """Train unless the weights are here, and say what they reach, where they are and how to start from them."""
    from vitcnn import architectures, recipes
    from vitcnn.bench import Bench
    from vitcnn.bench.pretraining import default_recipe, kept, plan, pretrained, require_can_be_made
    from vitcnn.device import numerics, out_of_memory_as_case_error, resolve
    from vitcnn.progress import ProgressBar
    from vitcnn.tasks import Tasks, data_root

    if options.out is not None:
        require_new_file(options.out)
    (name,) = architectures.ask_for([options.arch], "ARCH")
    tasks = Tasks(data_root(options.data_root), asked=[options.task])
    entry, task = architectures.architecture(name), tasks.task(tasks.asked[0])
    require_can_be_made(task)
    asked = recipes.ask_for([options.recipe])[0] if options.recipe else None
    by = recipes.recipe(recipes.instead_of(default_recipe(entry, task).name, asked)) if asked else None
    require_writable("--data-root", tasks.data_root, "Name another folder with --data-root or $VITCNN_DATA.")
    device = resolve(options.device)
    bench = Bench(device=device, tasks=tasks, progress=ProgressBar())
    were_here = kept(plan(entry, task, bench, by)) is not None
    if not were_here:
        warn_if_crowded(device)
    with numerics(device), out_of_memory_as_case_error(device):
        made = pretrained(entry, task, bench, by)
    path = made.path if options.out is None else copied(made.path, options.out)
    say(summary(made, path, options.arch, options.task, were_here=were_here, is_default=by is None))
    return 0


def require_new_file(out: Path) -> None:
    """Raise UserError where there is something in the place of the file, or it cannot be written."""
    if out.exists():
        raise UserError(field="--out", value=str(out), allowed="a file that is not there yet", do="Name another file.")
    require_writable("--out", out.absolute().parent)


def copied(path: Path, out: Path) -> Path:
    """Copy the weights whole or not at all, and return where they are now."""
    out.parent.mkdir(parents=True, exist_ok=True)
    unfinished = out.with_name(f".{out.name}.partial")
    try:
        shutil.copyfile(path, unfinished)
        return unfinished.replace(out)
    finally:
        unfinished.unlink(missing_ok=True)


def summary(made: Pretrained, path: Path, entry: str, task: str, *, were_here: bool, is_default: bool) -> str:
    """Return what the command prints: what the weights reach, what they cost, where they are, how to use them.

    `entry` and `task` are what the user called them, so that the lines can be used again. The name of a task stands for
    the weights where the default recipe made them.
    """
    here = "were here already; they" if were_here else "are made; they"
    card = made.card
    reach = f"answer {100 * made.accuracy:.1f} % of {card['num_test_images']:,} test images right"
    cost = f"after {made.training_time_s:.1f} s of training on {card['num_train_images']:,} images"
    suite = f"  pytest benchmarks -k adaptation --arch {entry} --weights {task}"
    lines = (
        f"Weights of {entry} on {task} {here} {reach}, {cost}.",
        f"They lie in {short(path)}; their identity is {made.made_as}.",
        "Start from them with:",
        *([suite] if is_default and not is_reference(task) else []),
        f"  pytest benchmarks -k adaptation --arch {entry} --weights file:{short(path)}",
        f"  vitcnn adapt {entry} --task TASK --weights file:{short(path)} --out DIR",
    )
    return "\n".join(lines)
