"""A progress bar for long work on the terminal or in a notebook; elsewhere nothing, or a line for each long step."""

from __future__ import annotations

import os
import shutil
import sys
from typing import Any, TextIO

from tqdm.auto import tqdm

PLAIN = "{desc}: {percentage:3.0f}%|{bar}| {elapsed}, {remaining} left"
"""What is counted stands in the description, in units of its own."""

NOT_AT_ONCE_S = 1e-9
"""Any delay keeps tqdm from drawing a bar that it makes, of which nothing would be done yet."""

MAKE_ROOM = "\x1bD\x1bM"
"""Down a line in the same column, which scrolls where there is none, and up again."""

SAVE, RESTORE, ERASE = "\x1b7", "\x1b8", "\x1b[2K"
"""The terminal's commands for the place of its cursor and for a line."""


NO_SIZE = 80, 24
"""Columns and lines of a terminal that does not tell them, where $COLUMNS does not either."""


def columns_of(terminal: TextIO | BelowTheLine) -> int:
    """Return how many columns a terminal has. One without a size, as some containers have, says 0."""
    return _told(terminal) or shutil.get_terminal_size(NO_SIZE).columns


def _told(terminal: TextIO | BelowTheLine) -> int | None:
    """Return the columns that a terminal says it has; None for what is no terminal."""
    try:
        return os.get_terminal_size(terminal.fileno()).columns
    except (OSError, ValueError):
        return None


class ProgressBar:
    """Shows that `done` of `total` is done; the bar goes away with the last."""

    def __init__(self, stream: TextIO | BelowTheLine | None = None) -> None:
        self._stream = stream
        self._bar: Any = None

    def __call__(self, done: int, total: int, text: str) -> None:
        """Draw the bar, or take it away where all is done."""
        if done >= total:
            if self._bar is not None:
                self._bar.close()
                self._bar = None
            return
        if self._bar is None:
            stream = self._stream or sys.stderr
            width = columns_of(stream) - 1 if _told(stream) == 0 else None  # else tqdm finds the width itself
            how: Any = {"disable": None, "leave": False, "bar_format": PLAIN, "ncols": width, "delay": NOT_AT_ONCE_S}
            self._bar = tqdm(total=total, file=stream, desc=text, **how)
        self._bar.n, self._bar.total = done, total  # before it is drawn: what is counted may change
        self._bar.set_description_str(text)


class Steps(ProgressBar):
    """Steps that take minutes: where no terminal shows the bar, as in CI, a line says that one begins."""

    def __call__(self, done: int, total: int, text: str) -> None:
        """Draw the bar, or write the line of a step; `text` is its description."""
        if (self._stream or sys.stderr).isatty():
            super().__call__(done, total, text)
        elif done < total:
            print(f"vitcnn: {text} ...", file=sys.stderr, flush=True)


class BelowTheLine:
    """A terminal's stream that writes on the line below the cursor, which it leaves where it was.

    So whoever writes a line bit by bit, as pytest does with its dots, goes on where they stopped.
    """

    def __init__(self, terminal: TextIO) -> None:
        self._terminal = terminal

    def write(self, text: str) -> None:
        """Write `text` in the place of what stands on the line below."""
        self._terminal.write(f"{MAKE_ROOM}{SAVE}\r\n{ERASE}{text}{RESTORE}")

    def erase(self) -> None:
        """Leave the line below empty."""
        self.write("")
        self.flush()

    def flush(self) -> None:
        self._terminal.flush()

    def isatty(self) -> bool:
        return self._terminal.isatty()

    def fileno(self) -> int:
        return self._terminal.fileno()

    @property
    def encoding(self) -> str:
        return self._terminal.encoding
