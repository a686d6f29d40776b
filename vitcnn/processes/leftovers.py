"""Removes the worktrees that a killed comparison left behind, when the next one starts."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

OWNER = "owner.lock"
"""A file beside the worktrees, locked by the process that works there. A lock goes with its process."""


@contextmanager
def owned(folder: Path) -> Iterator[None]:
    """Own `folder`, which is made, for the time of the block; the file says whose it is."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / OWNER
    with path.open("w", encoding="utf-8") as file:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        file.write(f"process {os.getpid()}\n")
        file.flush()
        try:
            yield
        finally:
            path.unlink()
            with suppress(OSError):  # where runs lie beside it
                folder.rmdir()


def left_behind(folder: Path) -> Iterator[Path]:
    """Yield the folders in `folder` whose process is gone without taking its lock's file away; own each meanwhile."""
    for path in sorted(folder.glob(f"*/{OWNER}")):
        with path.open("a", encoding="utf-8") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                continue
            yield path.parent
            path.unlink(missing_ok=True)
            with suppress(OSError):  # where runs lie beside it
                path.parent.rmdir()
