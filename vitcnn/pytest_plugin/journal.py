"""The journal of a run, which stores the result of each case when it ends, so that the run can be resumed."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vitcnn.errors import RecordError
from vitcnn.imported_code import code_sha256
from vitcnn.record import SCHEMA, CaseResult, Run
from vitcnn.references import named_files

JOURNAL = "journal.jsonl"
"""Its name in a run's folder."""

HEADER = "vitcnn_journal"
NAMED = "named_files"
TIMES = "times_s"


class Journal:
    """Appends each case's result to a file as the case ends, flushed to disk: a crash loses nothing that was measured.

    The first line is a header: the schema, the run as it was before its first case, which says where it is measured and
    what of the suite was asked for, and the files of code and weights that the user named, with their sums. Every line
    after it is a `CaseResult`, with the seconds of its rounds.
    """

    def __init__(self, path: Path, run: Callable[[], Run]) -> None:
        self.path = path
        self._run = run

    def begin(self) -> None:
        """Write the header where there is none yet; makes the folder."""
        if not self.path.exists():
            self.path.parent.mkdir(parents=True, exist_ok=True)
            named = {str(path): code_sha256(path) for path in named_files() if path.is_file()}
            self._write({HEADER: SCHEMA, "run": self._run().to_json(), NAMED: named})

    def append(self, result: CaseResult, times_s: Sequence[float] = ()) -> None:
        """Write one result, and the seconds of each of its rounds where it was timed."""
        self.begin()
        self._write({**result.to_json(), TIMES: list(times_s)})

    def _write(self, document: Mapping[str, Any]) -> None:
        with self.path.open("a", encoding="utf-8") as file:
            file.write(f"{json.dumps(document, allow_nan=False)}\n")
            file.flush()
            os.fsync(file.fileno())


@dataclass(frozen=True, kw_only=True)
class Journalled:
    """What a journal holds: the run before its first case, how cases ended, and the seconds of their rounds by id.

    `named` are the files of code and weights that the user named, with their sums.
    """

    path: Path
    run: Run
    named: Mapping[str, str]
    results: tuple[CaseResult, ...]
    times_s: Mapping[str, tuple[float, ...]]


def read_journal(path: Path) -> Journalled:
    """Read a journal. A last line cut off by a crash is left out; any other fault is a RecordError with its place."""
    try:
        lines = path.read_text(encoding="utf-8").split("\n")[:-1]
    except (OSError, ValueError) as error:
        raise RecordError(f"{path}: cannot be read as a journal ({error})") from error
    if not lines:
        raise RecordError(f"{path}: is empty: the run was stopped before its first case, so nothing was measured")
    with _at(path, 1):
        head = _parsed(lines[0])
        run, named = _head(head), _named(head.get(NAMED, {}))
    results, times_s = [], {}
    for number, line in enumerate(lines[1:], start=2):
        with _at(path, number):
            document = _parsed(line)
            seconds = document.pop(TIMES, None)
            result = CaseResult.from_json(document, folder=path.parent)
            results.append(result)
            times_s[result.id] = _seconds(seconds)
    return Journalled(path=path, run=run, named=named, results=tuple(results), times_s=times_s)


@contextmanager
def _at(path: Path, number: int) -> Iterator[None]:
    """Say in which line of which file a RecordError was."""
    try:
        yield
    except RecordError as error:
        raise RecordError(f"{path}:{number}: {error}") from error


def _parsed(line: str) -> dict[str, Any]:
    try:
        document = json.loads(line)
    except ValueError as error:
        raise RecordError(f"not JSON ({error})") from error
    if not isinstance(document, dict):
        raise RecordError(f"not a JSON object, but {line[:40]!r}")
    return document


def _head(document: Mapping[str, Any]) -> Run:
    if document.get(HEADER) != SCHEMA:
        found = f"schema {document[HEADER]}" if HEADER in document else "no journal of a vitcnn run"
        raise RecordError(f"the header is of {found}, but this vitcnn reads schema {SCHEMA}: measure again")
    return Run.from_json(document.get("run", {}))


def _named(found: object) -> dict[str, str]:
    if not isinstance(found, dict) or not all(isinstance(value, str) for value in found.values()):
        raise RecordError(f"{NAMED}: {found!r} is not an object of sums by file")
    return found


def _seconds(found: object) -> tuple[float, ...]:
    if not isinstance(found, list) or not all(type(entry) in (int, float) and math.isfinite(entry) for entry in found):
        raise RecordError(f"{TIMES}: {found!r} is not a list of seconds")
    return tuple(found)
