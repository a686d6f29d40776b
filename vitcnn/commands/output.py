"""Prints output whose reader may stop early, as in `vitcnn gate ... | head`, and warnings without their code."""

from __future__ import annotations

import os
import shutil
import sys
import warnings
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from vitcnn.device import Device
from vitcnn.device.crowding import crowding

NO_TERMINAL = 120, 24
"""The size for a file or a pipe, where names and findings need not be cut."""

PACKAGE = Path(__file__).parents[1]


def num_columns() -> int:
    """Return how wide output may be."""
    return shutil.get_terminal_size(NO_TERMINAL).columns


def say(text: str) -> None:
    """Print `text`; where nobody reads any more, go on in silence: the exit status stands."""
    try:
        print(text, flush=True)
    except BrokenPipeError:
        forget_output()


def tell(text: str) -> None:
    """Say on the error stream, at once, what a command is about to do."""
    print(f"vitcnn: {text}", file=sys.stderr, flush=True)


def warn_if_crowded(device: Device) -> None:
    """Tell where several threads will have to share their cores with other programs."""
    if text := crowding(device):
        tell(text)


@contextmanager
def plain_warnings() -> Generator[None, None, None]:
    """Show warnings of this package as one line each: they are about what the user gave, not about a line of code."""
    usual = warnings.formatwarning

    def plain(
        message: Warning | str, category: type[Warning], filename: str, lineno: int, line: str | None = None
    ) -> str:
        if issubclass(category, UserWarning) and PACKAGE in Path(filename).parents:
            return f"vitcnn: {message}\n"
        return usual(message, category, filename, lineno, line)

    warnings.formatwarning = plain
    try:
        yield
    finally:
        warnings.formatwarning = usual


def forget_output() -> None:
    """Let all further output go nowhere, what is buffered too: Python would complain of it at its end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
