"""The plugin's options: few, frozen by a test, checked before anything runs."""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest

from vitcnn import baseline
from vitcnn.architectures import architecture
from vitcnn.device import Device, resolve
from vitcnn.errors import UnknownName, UserError
from vitcnn.folders import OWN, require_writable
from vitcnn.fresh import RUN_JSON
from vitcnn.gate.verdict import MODES, Mode
from vitcnn.record import Selection
from vitcnn.spec import PRESETS
from vitcnn.tasks import FOLDER, Tasks, data_root

SAVING = ("--benchmark-save", "--benchmark-autosave")

JOURNAL = "journal.jsonl"

MOST_RERUNS = 20
"""More processes a round of re-measuring are a typing error."""

DEFAULT_STORAGE = "file://./.benchmarks"
"""pytest-benchmark's own default, replaced by benchmarks/baselines/<device>."""


@dataclass(frozen=True, kw_only=True)
class Options:
    """The checked options of one run. Empty `architectures` and `tasks.asked` mean those of the cases.

    `gate` is None where nothing is to turn red; `gate_reruns` processes measure the suspects again in each round.
    """

    device: Device
    preset: str
    architectures: tuple[str, ...]
    tasks: Tasks
    out: Path
    selection: Selection
    gate: Mode | None
    gate_reruns: int


def add_options(parser: pytest.Parser) -> None:
    """Add every option of the plugin."""
    group = parser.getgroup("vitcnn", "vitcnn: Vision Transformers against CNNs")
    group.addoption(
        "--device",
        default="auto",
        metavar="NAME",
        help="Device to measure: auto, cpu, cuda, cuda:N. Default: auto (CUDA where torch sees it).",
    )
    group.addoption(
        "--preset",
        metavar="NAME",
        help=f"How much to run: {', '.join(PRESETS)}. Default: smoke on a CPU, standard on CUDA.",
    )
    group.addoption(
        "--arch",
        action="append",
        default=[],
        metavar="NAME",
        help="Only this architecture (repeat it, or separate by commas): one of the catalogue, or timm/NAME for any "
        "timm model. One that the cases do not name takes their places.",
    )
    group.addoption(
        "--task",
        action="append",
        default=[],
        metavar="NAME",
        help="Only this task (repeat it, or separate by commas), where a case has one: one of the catalogue, or "
        "folder:PATH for a folder of images with one folder a class.",
    )
    group.addoption(
        "--data-root",
        type=Path,
        metavar="DIR",
        help="Folder of data sets and of data made here, laid out as torchvision does. Default: $VITCNN_DATA, else "
        "vitcnn/data in the user's cache.",
    )
    group.addoption(
        "--out",
        type=Path,
        metavar="DIR",
        help="Folder for this run's journal and JSON. Default: .vitcnn/runs/<time> below the root directory.",
    )
    group.addoption(
        "--gate",
        nargs="?",
        const="on",
        metavar="MODE",
        help="Judge this run by the stored baselines and fail where something got worse, is missing, new, or cannot be "
        "judged. MODE: on; allow-new lets new cases pass; strict fails for better and undecided ones too; counts "
        "judges what has no noise alone, for a runner that others share.",
    )
    group.addoption(
        "--gate-reruns",
        default="2",
        metavar="N",
        help="Fresh processes that measure the gate's suspects again in each of up to four rounds. Default: 2.",
    )


def check_options(config: pytest.Config) -> Options:
    """Return the checked options; UserError where one cannot be used."""
    device = resolve(config.getoption("--device"))
    preset = config.getoption("--preset") or device.default_preset
    if preset not in PRESETS:
        raise UnknownName(field="--preset", value=preset, known=PRESETS)
    architectures = _names(config, "--arch")
    for name in architectures:
        architecture(name)
    tasks = Tasks(data_root(config.getoption("--data-root")), asked=_names(config, "--task"))
    out = Path(config.getoption("--out") or config.rootpath / OWN / "runs" / _stamp()).absolute()
    is_worker = hasattr(config, "workerinput")
    if not is_worker and any((out / name).exists() for name in (JOURNAL, RUN_JSON)):
        do = "Name another folder, or leave it out for one named by the time."
        raise UserError(field="--out", value=str(out), allowed="a folder that holds no run yet", do=do)
    require_writable("--out", out)
    selection = Selection(
        preset=preset,
        architectures=architectures,
        tasks=tasks.asked,
        keyword=config.option.keyword,
        markers=config.option.markexpr,
        paths=_narrow_paths(config),
    )
    return Options(
        device=device,
        preset=preset,
        architectures=architectures,
        tasks=tasks,
        out=out,
        selection=selection,
        gate=_gate(config),
        gate_reruns=_gate_reruns(config.getoption("--gate-reruns")),
    )


def _gate(config: pytest.Config) -> Mode | None:
    mode: Mode | None = config.getoption("--gate")
    if mode is None:
        return None
    if mode not in MODES:
        do = "Give the path first: pytest benchmarks --gate."
        raise UserError(field="--gate", value=mode, allowed=", ".join(MODES), do=do)
    saving = next((name for name in SAVING if config.getoption(name)), None)
    if saving:
        why = "The run would become a baseline before it is judged, and judge the next one."
        do = f"{why} Leave it out here; record with `vitcnn baseline record`."
        raise UserError(field=saving, value="with --gate", allowed="one of the two", do=do)
    if storage_folder(config) is None:
        do = "Leave it out, or name a folder: file://PATH."
        value = config.option.benchmark_storage
        raise UserError(field="--benchmark-storage", value=value, allowed="a folder, with --gate", do=do)
    return mode


def _gate_reruns(text: str) -> int:
    if not text.isdecimal() or int(text) > MOST_RERUNS:
        do = "2 are enough on a quiet machine."
        raise UserError(field="--gate-reruns", value=text, allowed=f"0 to {MOST_RERUNS}", do=do)
    return int(text)


def _narrow_paths(config: pytest.Config) -> tuple[str, ...]:
    """Return the files and node ids among the arguments, relative to the root: not folders, which are taken whole."""
    found = []
    for argument in config.args:
        name, separator, rest = argument.partition("::")
        path = config.invocation_params.dir / name
        if separator or path.is_file():
            place = os.path.relpath(path, config.rootpath).replace(os.sep, "/")
            found.append(f"{place}{separator}{rest}")
    return tuple(found)


def _names(config: pytest.Config, option: str) -> tuple[str, ...]:
    values = config.getoption(option)
    # a folder's path may hold commas
    split = (name for value in values for name in ([value] if value.startswith(FOLDER) else value.split(",")))
    names = (name.strip() for name in split)
    found = tuple(dict.fromkeys(name for name in names if name))
    if config.getoption(option) and not found:
        raise UserError(field=option, value="", allowed="a name, or names separated by commas", do="Or leave it out.")
    return found


def _stamp() -> str:
    return f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}-{os.getpid()}"


def prepare_json_folder(config: pytest.Config) -> None:
    """Make the folder of --benchmark-json: pytest-benchmark does not, and would lose the run at its end."""
    path: Path | None = config.option.benchmark_json
    if path is not None:
        if path.is_dir():
            do = f"Name a file in it, such as {path / RUN_JSON}."
            raise UserError(field="--benchmark-json", value=str(path), allowed="the path of a file", do=do)
        require_writable("--benchmark-json", path.absolute().parent)
        path.parent.mkdir(parents=True, exist_ok=True)


def storage_folder(config: pytest.Config) -> Path | None:
    """Return the folder that stored runs lie in, or None where they are not in files."""
    storage: str = config.option.benchmark_storage
    scheme, separator, path = storage.rpartition("://")
    return config.invocation_params.dir / path if not separator or scheme == "file" else None


def set_default_storage(config: pytest.Config, device: Device) -> None:
    """Make pytest-benchmark store runs below benchmarks/baselines/<device>, unless the user named a place.

    Where a folder among the arguments has baselines of its own, as `vitcnn baseline record --suite` makes them, it is
    that folder's.
    """
    if config.option.benchmark_storage == DEFAULT_STORAGE:
        suites = [config.invocation_params.dir / argument.partition("::")[0] for argument in config.args]
        own = [suite / baseline.FOLDER for suite in suites if (suite / baseline.FOLDER).is_dir()]
        folder = own[0] if own else config.rootpath / "benchmarks" / baseline.FOLDER
        config.option.benchmark_storage = f"file://{folder / device.key}"
