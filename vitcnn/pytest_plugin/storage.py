"""Where pytest-benchmark keeps what it saves: the stored runs, which are baselines, and its JSON file."""

from __future__ import annotations

import os
from collections.abc import Iterable
from contextlib import suppress
from functools import partial
from pathlib import Path

import pytest

from vitcnn.device import Device
from vitcnn.errors import UserError
from vitcnn.folders import given_path, require_writable
from vitcnn.gate import baseline
from vitcnn.processes.fresh import RUN_JSON
from vitcnn.suite import is_borrowed

DEFAULT_STORAGE = "file://./.benchmarks"
"""pytest-benchmark's own default, replaced by benchmarks/baselines/<device>."""

SCHEMES = ("file", "elasticsearch+http", "elasticsearch+https")
"""The places in which pytest-benchmark can store runs."""


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


def remove_empty_storage_at_the_end(config: pytest.Config) -> None:
    """Let the folders go again that pytest-benchmark makes for its storage before it has anything to store."""
    storage = storage_folder(config)
    if storage is not None:
        made = [folder for folder in (storage, *storage.parents) if not folder.exists()]
        config.add_cleanup(partial(_remove_empty, made))


def _remove_empty(folders: Iterable[Path]) -> None:
    with suppress(OSError):  # such as those in which something was stored
        for folder in folders:
            folder.rmdir()


def require_outside_stores(config: pytest.Config, *, out: Path, trace: Path | None) -> None:
    """Raise UserError if this run would write into the baselines: it would become a baseline itself.

    `out` and `trace` are the folders of the options of these names.
    """
    stores = [config.rootpath / "benchmarks" / baseline.FOLDER]
    named = storage_folder(config)
    if named is not None:
        stores.append(named.parent if named.parent.name == baseline.FOLDER else named)
    written = {"--out": out, "--benchmark-json": config.option.benchmark_json, "--trace": trace}
    for field, path in written.items():
        if path is not None and any(Path(path).resolve().is_relative_to(store.resolve()) for store in stores):
            do = "The run would become a baseline without being recorded as one."
            raise UserError(field=field, value=str(path), allowed="a place outside the stored baselines", do=do)
