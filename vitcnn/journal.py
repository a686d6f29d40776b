"""The journal of a run: each case's result on disk as the case ends."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

from vitcnn.errors import RecordError
from vitcnn.record import SCHEMA, CaseResult

HEADER = {"vitcnn_journal": SCHEMA}


class Journal:
    """Appends each case's result to a file as the case ends, flushed to disk: a crash loses nothing that was measured.

    The first line is a header with the schema, every line after it one `CaseResult`.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def append(self, result: CaseResult) -> None:
        """Write one result; makes the folder and the header when it is the first."""
        lines = [json.dumps(result.to_json(), allow_nan=False)]
        if not self.path.exists():
            self.path.parent.mkdir(parents=True, exist_ok=True)
            lines.insert(0, json.dumps(HEADER))
        with self.path.open("a", encoding="utf-8") as file:
            file.write("".join(f"{line}\n" for line in lines))
            file.flush()
            os.fsync(file.fileno())


def read_journal(path: Path) -> Iterator[CaseResult]:
    """Yield the results in a journal. A last line cut off by a crash is left out; any other fault is a RecordError."""
    lines = path.read_text(encoding="utf-8").split("\n")
    complete, _cut_off = lines[:-1], lines[-1]
    for number, line in enumerate(complete, start=1):
        try:
            document = json.loads(line)
            if number > 1:
                yield CaseResult.from_json(document)
            elif document != HEADER:
                raise RecordError(f"the header is {line}, this vitcnn reads {json.dumps(HEADER)}")
        except json.JSONDecodeError as error:
            raise RecordError(f"{path}:{number}: not JSON ({error})") from error
        except RecordError as error:
            raise RecordError(f"{path}:{number}: {error}") from error
