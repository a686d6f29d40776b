"""The options of the plugin, which are checked before any case runs."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

import pytest

from vitcnn import recipes
from vitcnn.architectures import architecture, ask_for
from vitcnn.bench.obstacles import require_weights
from vitcnn.device import Device, resolve
from vitcnn.errors import UnknownName, UserError
from vitcnn.folders import OWN, given_path, require_writable
from vitcnn.gate import baseline
from vitcnn.gate.verdict import MODES, Mode
from vitcnn.input_sizes import with_article
from vitcnn.measuring.instructions import OPTION, require_valgrind
from vitcnn.processes.fresh import RERUN, RUN_JSON, Request
from vitcnn.pytest_plugin.journal import JOURNAL
from vitcnn.pytest_plugin.resuming import SAVING, Resumed, resumed_run
from vitcnn.pytest_plugin.tracing import asked_folder
from vitcnn.recipes.own import shown
from vitcnn.record import Selection
from vitcnn.report.step_summary import GATE_MD
from vitcnn.spec import PRESETS
from vitcnn.suite import is_borrowed
from vitcnn.tasks import FOLDER, Tasks, data_root

Value = TypeVar("Value", str, int, tuple[str, ...])

OF_A_RUN = (JOURNAL, RUN_JSON, GATE_MD, f"{RERUN}*")
"""The files that a run leaves in its folder. Two runs in one folder would mix their verdicts."""

ENERGY = "--energy"

MOST_RERUNS = 20
"""A larger number of reruns per round is taken for a typing error."""

MOST_SEEDS = 1000
"""A larger number of seeds is taken for a typing error."""

DEFAULT_STORAGE = "file://./.benchmarks"
"""pytest-benchmark's own default, replaced by benchmarks/baselines/<device>."""


@dataclass(frozen=True, kw_only=True)
class Options:
    """The checked options of one run; `selection` holds those that were given on the command line.

    If `architectures`, `tasks.asked`, `recipes` or `weights` are empty, or `num_seeds` is 0, those of the cases are
    used. `trace` is the folder for traces, None without --trace and in sessions that vitcnn asked for. `gate` is None
    without --gate; `gate_reruns` is the number of processes of each round that measures suspects again. `request` says
    what vitcnn asked this session to measure, and is None if a user started the session. `resumed` is None if the run
    does not continue an interrupted one. Reruns of suspects do not count instructions.
    """

    device: Device
    preset: str
    architectures: tuple[str, ...]
    tasks: Tasks
    recipes: tuple[str, ...]
    weights: str
    num_seeds: int
    out: Path
    selection: Selection
    gate: Mode | None
    gate_reruns: int
    request: Request | None
    resumed: Resumed | None
    count_instructions: bool
    energy: bool
    trace: Path | None


SCHEMES = ("file", "elasticsearch+http", "elasticsearch+https")
"""The places in which pytest-benchmark can store runs."""


def add_options(parser: pytest.Parser) -> None:
    """Add every option of the plugin."""
    more = "--trace DIR, behind the path, records a trace of each case: pytest's own --trace takes no value"
    group = parser.getgroup("vitcnn", f"vitcnn: Vision Transformers against CNNs ({more})")
    group.addoption(
        "--device",
        default="auto",
        metavar="NAME",
        help="The device to measure: auto, cpu, cuda or cuda:N. Default: auto, which is CUDA if torch finds a GPU.",
    )
    group.addoption(
        "--preset",
        metavar="NAME",
        help=f"How many cases to run: {', '.join(PRESETS)}. Default: smoke on a CPU, standard on CUDA.",
    )
    group.addoption(
        "--arch",
        action="append",
        default=[],
        metavar="NAME",
        help="Measure only this architecture: a name of `vitcnn list architectures`, timm/NAME for any timm model, or "
        "FILE.py:NAME for your own. If the suite has no cases for it, it replaces the architecture in all cases. "
        "Repeat the option, or separate names by commas.",
    )
    group.addoption(
        "--task",
        action="append",
        default=[],
        metavar="NAME",
        help="Use only this data set in the cases that have one: a name of `vitcnn list tasks`, folder:PATH for a "
        "folder that contains a folder of images for each class, or FILE.py:NAME for a function that returns a "
        "training and a test data set. Repeat the option, or separate names by commas.",
    )
    group.addoption(
        "--recipe",
        action="append",
        default=[],
        metavar="NAME",
        help="Train with this recipe instead of those of the cases: a name of `vitcnn list recipes`, FILE.py:NAME for "
        "your own, a variant such as digits_cnn,epochs=3,batch=64, or changes to the recipes of the cases, such as "
        "epochs=3. Repeat the option for several recipes.",
    )
    group.addoption(
        "--weights",
        metavar="VALUE",
        help="Start from these weights in the cases that start from pretrained ones: random, hub for timm's of the "
        "Hugging Face hub, file:PATH for a safetensors file in timm's layout, or the name of a task, such as glyphs62, "
        "on which the architecture is trained first.",
    )
    group.addoption(
        "--seeds",
        metavar="N",
        help="Train N seeds in each case that trains. Default: the number of each case, usually 3.",
    )
    group.addoption(
        "--data-root",
        metavar="DIR",
        help="The folder for data sets, in the layout of torchvision. Default: $VITCNN_DATA, or vitcnn/data in the "
        "user's cache folder.",
    )
    group.addoption(
        "--out",
        metavar="DIR",
        help="The folder for the results of this run; it must not contain another run. Default: .vitcnn/runs/<time> in "
        "the root directory.",
    )
    group.addoption(
        "--resume",
        metavar="RUN",
        help="Continue an interrupted run of the same command. RUN is its folder or its journal. Cases that passed are "
        "not measured again.",
    )
    group.addoption(
        "--gate",
        nargs="?",
        const="on",
        metavar="MODE",
        help="Compare this run with the stored baseline, and fail if a case got worse, is missing or new, or cannot be "
        "judged. MODE is on (default), allow-new (accept new cases), strict (also fail for better or inconclusive "
        "results) or counts (compare only counts, which have no noise, for a runner that others share).",
    )
    group.addoption(
        "--gate-reruns",
        default="2",
        metavar="N",
        help="The number of processes that measure suspected regressions again in each of up to four rounds. "
        "Default: 2.",
    )
    group.addoption(
        ENERGY,
        action="store_true",
        help="Also measure the energy of an image in inference, training and reading frames, in a pass of its own that "
        "takes about 4 s a case: of the whole GPU board by NVML, or of the processors by RAPL.",
    )
    group.addoption(
        OPTION,
        action="store_true",
        help="Also count the CPU instructions of small cases on a CPU with Callgrind, which takes one to two minutes.",
    )


def check_options(config: pytest.Config) -> Options:
    """Return the checked options; UserError if one is not valid."""
    is_worker = hasattr(config, "workerinput")
    trace = asked_folder(config)  # before others read what is left of the arguments
    device = resolve(config.getoption("--device"))
    preset = device.default_preset if config.getoption("--preset") is None else config.getoption("--preset")
    if preset not in PRESETS:
        raise UnknownName(field="--preset", value=preset, known=PRESETS)
    architectures = ask_for(_names(config, "--arch"))
    tasks = Tasks(data_root(config.getoption("--data-root")), asked=_names(config, "--task"))
    require_that_some_fit(architectures, tasks)
    out = _out(config)
    if not is_worker and any(True for name in OF_A_RUN for _ in out.glob(name)):
        do = "Name another folder, or omit the option to use a folder named by the time."
        raise UserError(field="--out", value=str(out), allowed="a folder that holds no run yet", do=do)
    require_writable("--out", out)
    if config.getoption(OPTION):
        require_valgrind(device)
    request = next((entry for entry in config.pluginmanager.get_plugins() if isinstance(entry, Request)), None)
    if config.getoption(ENERGY) and request is not None and request.turns is not None:
        do = "The counter of the energy would count the work of both revisions: leave it out."
        raise UserError(field=ENERGY, value="with vitcnn compare", allowed="a run that measures alone", do=do)
    storage_folder(config)  # refuses what cannot be one
    asked_recipes, num_seeds = recipes.ask_for(config.getoption("--recipe")), _num_seeds(config.getoption("--seeds"))
    weights = _weights(config.getoption("--weights"), asked_recipes, tasks)
    selection = Selection(
        preset=preset,
        architectures=_on_command_line(config, "--arch", architectures),
        tasks=_on_command_line(config, "--task", tasks.asked),
        recipes=_on_command_line(config, "--recipe", asked_recipes),
        weights=_on_command_line(config, "--weights", str(shown(weights))),
        num_seeds=_on_command_line(config, "--seeds", num_seeds),
        keyword=_on_command_line(config, "-k", config.option.keyword),
        markers=_on_command_line(config, "-m", config.option.markexpr),
        paths=_narrow_paths(config),
    )
    return Options(
        device=device,
        preset=preset,
        architectures=architectures,
        tasks=tasks,
        recipes=asked_recipes,
        weights=weights,
        num_seeds=num_seeds,
        out=out,
        selection=selection,
        gate=_gate(config),
        gate_reruns=_gate_reruns(config.getoption("--gate-reruns")),
        request=request,
        resumed=resumed_run(config, device, selection, out),
        count_instructions=config.getoption(OPTION) and (request is None or request.cases is None) and not is_worker,
        energy=config.getoption(ENERGY),
        trace=trace if request is None else None,
    )


def require_that_some_fit(architectures: Sequence[str], tasks: Tasks) -> None:
    """Raise UserError if a task is asked for and no asked architecture takes its inputs, or the other way round."""
    kinds = {name: architecture(name).sizes.kind for name in architectures}
    of_tasks = {name: tasks.task(name).kind for name in tasks.asked}
    if not kinds or not of_tasks:
        return
    for field, asked, given in (("--task", of_tasks, kinds), ("--arch", kinds, of_tasks)):
        for name, kind in asked.items():
            if kind not in given.values():
                others = ", ".join(given)
                do = f"One input of {name} is {with_article(kind)}, which does not fit {others}."
                raise UserError(field=field, value=name, allowed="tasks and architectures that fit each other", do=do)


def _on_command_line(config: pytest.Config, option: str, value: Value) -> Value:
    """Return the value of an option if it was given on the command line, otherwise an empty value.

    An option in `addopts` is part of the suite: cases that it leaves out are missing if the baseline has them, as with
    cases that a conftest leaves out.
    """
    given = [str(argument) for argument in config.invocation_params.args]
    form = f"{option}(=|$)" if option.startswith("--") else rf"-\w*{option[1:]}"
    return value if any(re.match(form, argument) for argument in given) else type(value)()


def _out(config: pytest.Config) -> Path:
    asked: str | None = config.getoption("--out")
    return (config.rootpath / OWN / "runs" / _stamp() if asked is None else given_path("--out", asked)).absolute()


def _gate(config: pytest.Config) -> Mode | None:
    mode: Mode | None = config.getoption("--gate")
    if mode is None:
        return None
    if mode not in MODES:
        do = "Put the path first: pytest benchmarks --gate."
        raise UserError(field="--gate", value=mode, allowed=", ".join(MODES), do=do)
    if config.option.collectonly:
        why = "--collect-only measures nothing, so there is nothing to judge. Leave out one of the two."
        raise UserError(field="--collect-only", value="with --gate", allowed="one of the two", do=why)
    named = config.option.benchmark_compare
    if isinstance(named, str):
        do = "The gate always uses the newest recording. Leave out the name, or --gate."
        raise UserError(field="--benchmark-compare", value=named, allowed="no name, with --gate", do=do)
    saving = next((name for name in SAVING if config.getoption(name)), None)
    if saving:
        why = "The run would become part of the baseline before it is judged."
        do = f"{why} Leave out the option, and record baselines with `vitcnn baseline record`."
        raise UserError(field=saving, value="with --gate", allowed="one of the two", do=do)
    if storage_folder(config) is None:
        do = "Leave out the option, or name a folder: file://PATH."
        value = config.option.benchmark_storage
        raise UserError(field="--benchmark-storage", value=value, allowed="a folder, with --gate", do=do)
    return mode


def _gate_reruns(text: str) -> int:
    if text not in map(str, range(MOST_RERUNS + 1)):
        do = "2 are sufficient on a quiet machine."
        raise UserError(field="--gate-reruns", value=text, allowed=f"0 to {MOST_RERUNS}", do=do)
    return int(text)


def _num_seeds(text: str | None) -> int:
    if text is None:
        return 0
    if not text.isdecimal() or not 1 <= int(text) <= MOST_SEEDS:
        do = "With three seeds the report shows how much seeds differ; with one it cannot."
        raise UserError(field="--seeds", value=text, allowed=f"1 to {MOST_SEEDS}", do=do)
    return int(text)


def _weights(asked: str | None, named_recipes: Sequence[str], tasks: Tasks) -> str:
    """Return the weights that were asked for, or none; UserError where they, or those of a recipe, cannot be used."""
    for name in named_recipes:
        base, _, changes = name.partition(",")
        found = recipes.recipe(name if base else recipes.changed(next(iter(recipes.recipes())), changes))
        require_weights(f"weights of {base or 'the recipes'}", found.weights, tasks)
    if asked is not None:
        require_weights("--weights", asked.strip(), tasks)
    return (asked or "").strip()


def _narrow_paths(config: pytest.Config) -> tuple[str, ...]:
    """Return the files, node ids and subfolders of a suite among the arguments, relative to the root.

    Return none if a whole suite is among the arguments, or an argument that is not on the command line.
    """
    found, given = [], set(map(str, config.invocation_params.args))
    for argument in config.args:
        name, separator, rest = argument.partition("::")
        path = Path(os.path.normpath(config.invocation_params.dir / name))
        is_file = os.path.isfile(path)  # noqa: PTH113  # Path.is_file raises where the name is too long
        is_whole = not separator and not is_file and not _is_in_a_suite(path, config.rootpath)
        if is_whole or argument not in given:
            return ()
        place = os.path.relpath(path, config.rootpath).replace(os.sep, "/")
        found.append(f"{place}{separator}{rest}")
    return tuple(found)


def _is_in_a_suite(folder: Path, root: Path) -> bool:
    """Whether a folder has no baselines of its own and lies below one that has."""
    above = (parent for parent in folder.parents if parent.is_relative_to(root))
    return not (folder / baseline.FOLDER).is_dir() and any((parent / baseline.FOLDER).is_dir() for parent in above)


def _names(config: pytest.Config, option: str) -> tuple[str, ...]:
    values = config.getoption(option)
    # a folder's path may hold commas
    split = (name for value in values for name in ([value] if value.startswith(FOLDER) else value.split(",")))
    names = (name.strip() for name in split)
    found = tuple(dict.fromkeys(name for name in names if name))
    if config.getoption(option) and not found:
        raise UserError(
            field=option, value="", allowed="a name, or names separated by commas", do="Or leave out the option."
        )
    return found


def _stamp() -> str:
    return f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}-{os.getpid()}"


def prepare_json_folder(config: pytest.Config) -> None:
    """Create the folder of --benchmark-json: pytest-benchmark does not, and would lose the results at the end."""
    path: Path | None = config.option.benchmark_json
    if path is not None:
        if given_path("--benchmark-json", path).is_dir():
            do = f"Name a file in this folder, such as {path / RUN_JSON}."
            raise UserError(field="--benchmark-json", value=str(path), allowed="the path of a file", do=do)
        require_writable("--benchmark-json", path.absolute().parent)
        path.parent.mkdir(parents=True, exist_ok=True)


def storage_folder(config: pytest.Config) -> Path | None:
    """Return the folder of stored runs, or None if they are not stored in files; UserError as `given_path`."""
    storage: str = config.option.benchmark_storage
    scheme, separator, path = storage.rpartition("://")
    if separator and scheme not in SCHEMES:
        do = "Name a folder."
        raise UserError(field="--benchmark-storage", value=storage, allowed=", ".join(SCHEMES), do=do)
    if separator and scheme != "file":
        return None
    return config.invocation_params.dir / given_path("--benchmark-storage", path)


def set_default_storage(config: pytest.Config, device: Device) -> None:
    """Make pytest-benchmark store runs in benchmarks/baselines/<device>, unless the user named another place.

    If a folder among the arguments has its own baselines, as `vitcnn baseline record --suite` creates them, these are
    used; UserError if two folders have.
    """
    if config.option.benchmark_storage == DEFAULT_STORAGE:
        named = [Path(argument.partition("::")[0]) for argument in config.args]
        suites = [config.invocation_params.dir / path for path in named if not is_borrowed(path, config.rootpath)]
        own = list(
            dict.fromkeys(s.resolve() / baseline.FOLDER for s in suites if os.path.isdir(s / baseline.FOLDER))  # noqa: PTH112
        )
        if len(own) > 1:
            value, do = " ".join(str(folder.parent) for folder in own), "Run pytest once for each of them."
            raise UserError(field="paths", value=value, allowed="one folder with baselines of its own", do=do)
        folder = own[0] if own else config.rootpath / "benchmarks" / baseline.FOLDER
        config.option.benchmark_storage = f"file://{folder / device.key}"


def require_outside_stores(config: pytest.Config, options: Options) -> None:
    """Raise UserError if this run would write into the baselines: it would become a baseline itself."""
    stores = [config.rootpath / "benchmarks" / baseline.FOLDER]
    named = storage_folder(config)
    if named is not None:
        stores.append(named.parent if named.parent.name == baseline.FOLDER else named)
    written = {"--out": options.out, "--benchmark-json": config.option.benchmark_json, "--trace": options.trace}
    for field, path in written.items():
        if path is not None and any(Path(path).resolve().is_relative_to(store.resolve()) for store in stores):
            do = "The run would become a baseline without being recorded as one."
            raise UserError(field=field, value=str(path), allowed="a place outside the stored baselines", do=do)
