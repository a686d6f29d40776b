"""Prints output whose reader may stop early, as in `vitcnn gate ... | head`."""

from __future__ import annotations

import os
import sys


def say(text: str) -> None:
    """Print `text`; where nobody reads any more, go on in silence: the exit status stands."""
    try:
        print(text, flush=True)
    except BrokenPipeError:
        forget_output()


def tell(text: str) -> None:
    """Say on the error stream, at once, what a command is about to do."""
    print(f"vitcnn: {text}", file=sys.stderr, flush=True)


def forget_output() -> None:
    """Let all further output go nowhere, what is buffered too: Python would complain of it at its end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
