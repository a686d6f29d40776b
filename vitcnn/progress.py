"""A progress bar for long work on the terminal or in a notebook; nothing where the error stream goes elsewhere."""

from __future__ import annotations

import sys
from typing import Any

from tqdm.auto import tqdm


class ProgressBar:
    """Shows that `done` of `total` is done; the bar goes away with the last."""

    def __init__(self) -> None:
        self._bar: Any = None

    def __call__(self, done: int, total: int, text: str) -> None:
        """Draw the bar, or take it away where all is done."""
        if self._bar is None:
            self._bar = tqdm(total=total, file=sys.stderr, disable=None, leave=False, unit_scale=True)
        self._bar.total = total
        self._bar.set_description(text)
        self._bar.update(done - self._bar.n)
        if done >= total:
            self._bar.close()
            self._bar = None
