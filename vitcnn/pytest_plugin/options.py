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
from vitcnn.processes.fresh import RERUN, RUN_JSON, UNJUDGED, Request
from vitcnn.pytest_plugin.grammar import ENERGY
from vitcnn.pytest_plugin.journal import JOURNAL
from vitcnn.pytest_plugin.resuming import SAVING, Resumed, resumed_run
from vitcnn.pytest_plugin.storage import storage_folder
from vitcnn.pytest_plugin.tracing import asked_folder
from vitcnn.recipes.own import shown
from vitcnn.record import Selection
from vitcnn.report.step_summary import GATE_MD
from vitcnn.spec import PRESETS, Preset
from vitcnn.tasks import FOLDER, Tasks, data_root

Value = TypeVar("Value", str, int, tuple[str, ...])

OF_A_RUN = (JOURNAL, RUN_JSON, UNJUDGED, GATE_MD, f"{RERUN}*")
"""The files that a run leaves in its folder. Two runs in one folder would mix their verdicts."""

MOST_RERUNS = 20
"""A larger number of reruns per round is taken for a typing error."""

MOST_SEEDS = 1000
"""A larger number of seeds is taken for a typing error."""


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


def check_options(config: pytest.Config) -> Options:
    """Return the checked options; UserError if one is not valid."""
    is_worker = hasattr(config, "workerinput")
    trace = asked_folder(config)  # before others read what is left of the arguments
    device = resolve(config.getoption("--device"))
    preset = _preset(config.getoption("--preset"), device)
    architectures = ask_for(_names(config, "--arch"))
    tasks = Tasks(data_root(config.getoption("--data-root")), asked=_names(config, "--task"))
    require_that_some_fit(architectures, tasks)
    out = _out(config, is_worker=is_worker)
    if config.getoption(OPTION):
        require_valgrind(device)
    request = next((entry for entry in config.pluginmanager.get_plugins() if isinstance(entry, Request)), None)
    energy = _energy(config, request)
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
        energy=energy,
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


def _preset(asked: Preset | None, device: Device) -> Preset:
    preset = device.default_preset if asked is None else asked
    if preset not in PRESETS:
        raise UnknownName(field="--preset", value=preset, known=PRESETS)
    return preset


def _out(config: pytest.Config, *, is_worker: bool) -> Path:
    """Return the folder of the run; a worker of xdist is given that of the session that started it."""
    asked: str | None = config.getoption("--out")
    out = (config.rootpath / OWN / "runs" / _stamp() if asked is None else given_path("--out", asked)).absolute()
    if not is_worker and any(True for name in OF_A_RUN for _ in out.glob(name)):
        do = "Name another folder, or omit the option to use a folder named by the time."
        raise UserError(field="--out", value=str(out), allowed="a folder that holds no run yet", do=do)
    require_writable("--out", out)
    return out


def _energy(config: pytest.Config, request: Request | None) -> bool:
    asked: bool = config.getoption(ENERGY)
    if asked and request is not None and request.turns is not None:
        do = "The counter of the energy would count the work of both revisions: leave it out."
        raise UserError(field=ENERGY, value="with vitcnn compare", allowed="a run that measures alone", do=do)
    return asked


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
