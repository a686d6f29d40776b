"""Reads a trace of torch's profiler by the standard library and NumPy alone; UserError where it is none."""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
from pathlib import Path
from typing import Any

from vitcnn.errors import UserError
from vitcnn.tracing.names import ABOUT, SUFFIX

HOST, RANGE = "cpu_op", "user_annotation"
DEVICE = ("kernel", "gpu_memcpy", "gpu_memset")
LAUNCHES = ("cuda_runtime", "cuda_driver")
KINDS = (HOST, RANGE, *DEVICE, *LAUNCHES)
"""What is read of a trace, in the profiler's words: operators, ranges, what ran on a GPU, and what launched it."""

ALLOWED = f"a trace of torch's profiler (*{SUFFIX}), or a folder with such"
GZIP = b"\x1f\x8b"


@dataclass(frozen=True, slots=True)
class Event:
    """Something that took from `start_s` to `end_s`, on a thread of the host or on a stream of a GPU.

    `external` is the number of the operator that a kernel belongs to, `correlation` that of its launch, and `sequence`
    that which a forward operator shares with its backward; -1 where there is none.
    """

    name: str
    kind: str
    thread: tuple[Any, Any]
    start_s: float
    end_s: float
    external: int
    correlation: int
    sequence: int


@dataclass(frozen=True, kw_only=True)
class Trace:
    """What one trace holds: its events, and what vitcnn says of the case, which is empty where another wrote it."""

    path: Path
    about: Mapping[str, Any]
    events: tuple[Event, ...]

    def of(self, *kinds: str) -> list[Event]:
        """Return the events of some kinds."""
        return [event for event in self.events if event.kind in kinds]


def traces_in(path: Path, field: str = "TRACE") -> list[Path]:
    """Return the traces below a folder, or the one that `path` is; UserError where there is none."""
    try:
        is_folder, is_there = path.is_dir(), path.exists()
        found = sorted(file for file in path.rglob(f"*{SUFFIX}*") if file.is_file()) if is_folder else [path]
    except OSError as error:
        raise UserError(field=field, value=str(path), allowed=ALLOWED, do=f"{error.strerror}.") from error
    if not is_there:
        raise UserError(field=field, value=str(path), allowed=ALLOWED, do="Check the spelling.")
    if not found:
        do = f"It holds no *{SUFFIX}. `pytest benchmarks --trace {path}` records traces."
        raise UserError(field=field, value=str(path), allowed=ALLOWED, do=do)
    return found


def read_trace(path: Path, field: str = "TRACE") -> Trace:
    """Read a trace, packed by gzip or not; UserError where it cannot be read, is cut off or is another tool's."""
    try:
        document = document_of(path.read_bytes())
    except (OSError, EOFError, zlib.error) as error:
        do = f"It cannot be read: {getattr(error, 'strerror', None) or error}."
        raise UserError(field=field, value=str(path), allowed=ALLOWED, do=do) from error
    except (ValueError, RecursionError) as error:
        do = "It is empty, cut off or no JSON. Record it again."
        raise UserError(field=field, value=str(path), allowed=ALLOWED, do=do) from error
    listed = document.get("traceEvents") if isinstance(document, dict) else None
    events = tuple(_events(listed)) if isinstance(listed, list) else ()
    if not any(event.kind in (HOST, *DEVICE) for event in events):
        do = "It holds no operators of torch: another tool wrote it, or nothing was recorded."
        raise UserError(field=field, value=str(path), allowed=ALLOWED, do=do)
    about = document.get(ABOUT)
    return Trace(path=path, about=about if isinstance(about, dict) else {}, events=events)


def document_of(content: bytes) -> Any:
    """Return what a trace's bytes hold; ValueError, EOFError or zlib.error where that is no JSON."""
    return json.loads(gzip.decompress(content) if content.startswith(GZIP) else content)


def _events(listed: Sequence[Any]) -> Iterator[Event]:
    """Yield the events that have a beginning and an end, in seconds."""
    for entry in listed:
        if not isinstance(entry, dict) or entry.get("ph") != "X" or entry.get("cat") not in KINDS:
            continue
        start, duration = _number(entry.get("ts")), _number(entry.get("dur"))
        if start is None or duration is None or duration < 0:
            continue
        more = entry.get("args")
        more = more if isinstance(more, dict) else {}
        yield Event(
            name=str(entry.get("name")),
            kind=entry["cat"],
            thread=(str(entry.get("pid")), str(entry.get("tid"))),
            start_s=start * 1e-6,
            end_s=(start + duration) * 1e-6,
            external=_whole(more.get("External id")),
            correlation=_whole(more.get("correlation")),
            sequence=_whole(more.get("Sequence number")),
        )


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) and isfinite(value) else None


def _whole(value: object) -> int:
    return value if isinstance(value, int) else -1
