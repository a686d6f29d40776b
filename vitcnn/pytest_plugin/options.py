"""The plugin's options: few, frozen by a test, checked before anything runs."""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest

from vitcnn.architectures import architecture
from vitcnn.device import Device, resolve
from vitcnn.errors import UnknownName, UserError
from vitcnn.folders import require_writable
from vitcnn.record import Selection
from vitcnn.spec import PRESETS
from vitcnn.tasks import FOLDER, Tasks, data_root

JOURNAL, RUN_JSON = "journal.jsonl", "run.json"

DEFAULT_STORAGE = "file://./.benchmarks"
"""pytest-benchmark's own default, replaced by benchmarks/baselines/<device>."""


@dataclass(frozen=True, kw_only=True)
class Options:
    """The checked options of one run. Empty `architectures` and `tasks.asked` mean those of the cases."""

    device: Device
    preset: str
    architectures: tuple[str, ...]
    tasks: Tasks
    out: Path
    selection: Selection


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
    out = Path(config.getoption("--out") or config.rootpath / ".vitcnn" / "runs" / _stamp()).absolute()
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
    return Options(device=device, preset=preset, architectures=architectures, tasks=tasks, out=out, selection=selection)


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


def set_default_storage(config: pytest.Config, device: Device) -> None:
    """Make pytest-benchmark store runs below benchmarks/baselines/<device>, unless the user named a place."""
    if config.option.benchmark_storage == DEFAULT_STORAGE:
        baselines = config.rootpath / "benchmarks" / "baselines" / device.key
        config.option.benchmark_storage = f"file://{baselines}"
