"""Says in a sentence how long a suite takes, where this is known from, and of how many cases it is not known."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from vitcnn.durations.known import Durations
from vitcnn.quantity import about, counted

NOTHING_KNOWN = (
    "How long these cases take is not known yet, because no durations of them have been measured on this kind of "
    "device. After the first run here, the next one begins with an estimate."
)


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """Seconds of each case of which they are known, the number of all cases, and how many are known by what.

    `before_s` are seconds before the first case, and `more` says in sentences what takes time that nobody knows.
    """

    seconds: Mapping[str, float]
    num_cases: int
    num_by: Mapping[str, int]
    before_s: float = 0.0
    more: str = ""

    @property
    def text(self) -> str:
        """The estimate in a sentence: `53 cases take about 2 min, by the last run on this machine`."""
        more = f" {self.more}" if self.more else ""
        if not self.seconds:
            return f"{NOTHING_KNOWN}{more}" if self.num_cases else ""
        num_unknown = self.num_cases - len(self.seconds)
        which = f"{len(self.seconds)} of " if num_unknown else ""
        take, rest_take = ("takes" if number == 1 else "take" for number in (len(self.seconds), num_unknown))
        rest = f"; how long the other {num_unknown} {rest_take} is not known" if num_unknown else ""
        return f"{which}{counted(self.num_cases, 'case')} {take} {self.repeated(1)}, {self._sources}{rest}.{more}"

    def repeated(self, times: int) -> str:
        """Return how long the cases take so many times: `about 2 min`, `at least 2 min` where some are not known."""
        bound = "at least" if len(self.seconds) < self.num_cases else "about"
        return f"{bound} {about(times * (self.before_s + sum(self.seconds.values())))}"

    def to_json(self) -> str:
        """Return the estimate as JSON."""
        return json.dumps(vars(self))

    @classmethod
    def from_json(cls, text: str) -> Estimate:
        """Build the estimate that `to_json` wrote."""
        return cls(**json.loads(text))

    @property
    def _sources(self) -> str:
        if len(self.num_by) == 1:
            return f"by {next(iter(self.num_by))}"
        return ", ".join(f"{counted(number, 'case')} by {by}" for by, number in self.num_by.items())


def estimate(
    cases: Iterable[str],
    known: Sequence[Durations],
    more_s: Mapping[str, float] = MappingProxyType({}),
    *,
    before_s: float = 0.0,
    more: str = "",
) -> Estimate:
    """Return how long the cases of these ids take, each by the first of `known` that holds it.

    `more_s` are seconds that cases take beyond what is known of them; `before_s` and `more` as in `Estimate`.
    """
    seconds: dict[str, float] = {}
    num_by: Counter[str] = Counter()
    names = list(cases)
    for name in names:
        found = next((durations for durations in known if name in durations.seconds), None)
        if found:
            seconds[name] = found.seconds[name] + more_s.get(name, 0.0)
            num_by[found.by] += 1
    return Estimate(seconds=seconds, num_cases=len(names), num_by=num_by, before_s=before_s, more=more)
