"""Writes the JSON files of a run, and makes those of pytest-benchmark compact."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from vitcnn.errors import RecordError
from vitcnn.folders import write_whole
from vitcnn.pytest_plugin.resuming import SAVING
from vitcnn.pytest_plugin.storage import storage_folder
from vitcnn.record import Run
from vitcnn.record.answers import copy_answers
from vitcnn.record.json_documents import as_json

COMPACT = (",", ":")


def write_json(path: Path, document: dict[str, Any]) -> None:
    """Write `document` to `path`, whole or not at all. A row of pytest-benchmark's holds what a user put there."""
    rows = as_json(document.get("benchmarks", []))
    sound = {**document, "benchmarks": rows}
    write_whole(path, json.dumps(sound, separators=COMPACT, allow_nan=False, default=str))


def compact(path: Path) -> None:
    """Write a JSON file again without its white space, whole or not at all."""
    write_whole(path, json.dumps(json.loads(path.read_text(encoding="utf-8")), separators=COMPACT))


def finish_files(config: pytest.Config, before: Iterable[Path], run: Run) -> list[str]:
    """Make the JSON files that pytest-benchmark has written compact, and put the answers of `run` beside each.

    `before` is what its storage held until then. Returns a line for each file whose answers could not be copied.
    """
    faults = []
    for path in written(config, before):
        compact(path)
        try:
            copy_answers(run.cases, path.parent)
        except RecordError as error:
            faults.append(f"{path}: the answers could not be copied beside it: {error}")
    return faults


def stored_files(config: pytest.Config) -> frozenset[Path]:
    """Return the JSON files in the storage that --benchmark-save or --benchmark-autosave writes to, if one is asked."""
    folder = storage_folder(config)
    if folder is None or not any(config.getoption(name) for name in SAVING):
        return frozenset()
    return frozenset(folder.glob("*/*.json"))


def written(config: pytest.Config, before: Iterable[Path]) -> list[Path]:
    """Return the files that pytest-benchmark has written."""
    asked: Path | None = config.getoption("benchmark_json")
    return [*([asked] if asked and asked.is_file() else []), *sorted(stored_files(config).difference(before))]
