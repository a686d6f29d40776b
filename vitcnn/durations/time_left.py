"""Estimates the remaining time of a running suite from known durations and from the cases that have ended."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from statistics import mean

from vitcnn.quantity import about

WEIGHT_S = 10.0
"""What was known counts as much as so many seconds of this run: the first case alone does not correct it."""

ENOUGH = 0.1
"""From this share of a case on, its own pace says when it ends."""


class TimeLeft:
    """Told which cases have ended; answers how long the others take.

    A case of which nothing was known is taken to last as long as those of its question that have ended, on average; a
    user's own benchmark as those of its file.
    """

    def __init__(self, cases: Iterable[str], expected_s: Mapping[str, float]) -> None:
        self._waiting = dict.fromkeys(cases)
        self._expected_s = expected_s
        self._took_s: dict[str, float] = {}

    def end(self, case: str, seconds: float | None) -> None:
        """Enter that a case has ended, and after how long; None where it was skipped or failed."""
        self._waiting.pop(case, None)
        if seconds is not None:
            self._took_s[case] = seconds

    def text(self, case: str = "", *, since_s: float = 0.0, share: float = 0.0) -> str:
        """Return the time left, in words, while `share` of `case` is done after `since_s` seconds."""
        left_s = {name: self._whole_s(name) for name in self._waiting}
        if case in left_s:
            left_s[case] = _rest(left_s[case], since_s, share)
        known = [seconds for seconds in left_s.values() if seconds is not None]
        if not known:
            return "time left not known yet" if left_s else ""
        return f"{'about' if len(known) == len(left_s) else 'more than'} {about(sum(known))} left"

    @property
    def _pace(self) -> float:
        """How many times as long cases take here as was known of them."""
        known = [name for name in self._took_s if name in self._expected_s]
        took, expected = (sum(seconds[name] for name in known) for seconds in (self._took_s, self._expected_s))
        return (WEIGHT_S + took) / (WEIGHT_S + expected)

    def _whole_s(self, name: str) -> float | None:
        if name in self._expected_s:
            return self._expected_s[name] * self._pace
        alike = [seconds for ended, seconds in self._took_s.items() if _question(ended) == _question(name)]
        return mean(alike) if alike else None


def _rest(whole_s: float | None, since_s: float, share: float) -> float | None:
    if share >= ENOUGH:
        return since_s * (1 - share) / share
    return None if whole_s is None else max(0.0, whole_s - since_s)


def _question(case: str) -> str:
    """Return the question of a case; of a user's own benchmark, whose id is pytest's, its file."""
    return case.partition("::" if "::" in case else "/")[0]
