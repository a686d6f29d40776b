"""Files of results that appear whole or not at all, and what is said where the disk is full."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from vitcnn.errors import NotWritten
from vitcnn.folders import short


@contextmanager
def naming(path: Path) -> Iterator[None]:
    """Turn an error of the system while `path` is written into NotWritten, which names it."""
    try:
        yield
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno else str(error)
        raise NotWritten(f"{short(path)} cannot be written: {reason}. It is left out; what is whole stays.") from error


def partial_of(path: Path) -> Path:
    """Return where a file is written until it is whole."""
    return path.with_name(f".{os.getpid()}{path.suffix}.partial")


@contextmanager
def interrupts_held() -> Iterator[None]:
    """Let Ctrl-C wait until the block is done; then it is raised. Of use in the main thread alone."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    held: list[int] = []
    before: Any = signal.signal(signal.SIGINT, lambda number, _frame: held.append(number))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before or signal.SIG_DFL)  # None: no handler of Python's
    if held:
        raise KeyboardInterrupt
