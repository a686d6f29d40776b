"""One line below pytest's own for the whole suite: how many cases have ended, what runs now, how much time is left."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, TextIO

import pytest
from tqdm import tqdm
from tqdm.utils import disp_trim

from vitcnn.durations import TimeLeft
from vitcnn.progress import BelowTheLine, columns_of


class SuiteProgress:
    """The line on `terminal`: told of what pytest does with the items of `cases`, ids by node ids.

    It is called, as any `Progress`, by what is measured; it draws ten times a second at most.
    """

    def __init__(
        self,
        terminal: TextIO,
        cases: Mapping[str, str],
        expected_s: Mapping[str, float],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._terminal, self._cases, self._clock = terminal, cases, clock
        self._below = BelowTheLine(terminal)
        self._time_left = TimeLeft(cases.values(), expected_s)
        self._took_s: dict[str, float] = {}
        self._without_time: set[str] = set()
        self._num_ended = 0
        self._case, self._inside, self._share, self._began_s = "", "", 0.0, clock()
        self._line = _Line(self.text, file=self._below)

    def __call__(self, done: int, total: int, text: str) -> None:
        """Enter how far the case that runs has come; `text` says it in units of its own."""
        self._inside, self._share = text, done / total if total else 0.0
        self._line.update(0)

    def begin(self, nodeid: str) -> None:
        """Enter that an item's turn has come."""
        self._case, self._inside, self._share, self._began_s = self._cases.get(nodeid, ""), "", 0.0, self._clock()

    def report(self, report: pytest.TestReport) -> None:
        """Enter one phase of an item, which has ended after the last. What did not pass tells nothing of times."""
        name = self._cases.get(report.nodeid)
        if name is None:
            return
        self._took_s[name] = self._took_s.get(name, 0.0) + report.duration
        self._without_time.update(() if report.passed else (name,))
        if report.when == "teardown":
            self._num_ended += 1
            self._time_left.end(name, None if name in self._without_time else self._took_s[name])
            self._case = ""

    @contextmanager
    def hidden(self) -> Iterator[None]:
        """Leave the terminal to pytest, and draw the line again below what it wrote."""
        self._below.erase()
        try:
            yield
        finally:
            self._line.refresh()

    def close(self) -> None:
        """Take the line away for good."""
        self._line.close()
        self._below.erase()
        self._terminal.close()

    def text(self) -> str:
        """Return the line, no wider than the terminal."""
        width = columns_of(self._terminal) - 1
        left = self._time_left.text(self._case, since_s=self._clock() - self._began_s, share=self._share)
        start = f"suite  {self._num_ended}/{len(self._cases)} cases{left and f', {left}'}"
        what = fitted(self._case, self._inside, width - len(start) - len(BETWEEN))
        return str(disp_trim(f"{start}{BETWEEN}{what}" if what else start, width))


BETWEEN = " | "


def fitted(case: str, inside: str, width: int) -> str:
    """Return what is measured and how far it has come; of an id that is too long, its question and architecture."""
    whole = f"{case} {inside}".strip()
    if len(whole) <= width or case.count("/") < 2:
        return whole
    question, architecture, _ = case.split("/", 2)
    return f"{question}/{architecture} ... {inside}".strip()


class _Line(tqdm):  # type: ignore[type-arg]
    """tqdm's bar, which draws `text` as it is when it is drawn. No thread of its own watches it: cases are timed."""

    monitor_interval = 0

    def __init__(self, text: Callable[[], str], **settings: Any) -> None:
        self._text = text
        super().__init__(miniters=0, leave=False, **settings)

    def __str__(self) -> str:
        return self._text()
