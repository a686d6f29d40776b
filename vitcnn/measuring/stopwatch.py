"""Times rounds without pytest, as `pedantic` of pytest-benchmark does, and describes the clock for the record."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from math import inf

from vitcnn.device.modes import unusual_modes
from vitcnn.errors import CaseError


@dataclass(frozen=True, kw_only=True)
class PlainStopwatch:
    """Times rounds by `timer`, a clock that waits for the device. Garbage is collected as the process does."""

    timer: Callable[[], float]

    def __call__(
        self,
        run: Callable[[], object],
        *,
        rounds: int,
        calls: int,
        before_round: Callable[[], None] | None = None,
        after_round: Callable[[], None] | None = None,
    ) -> tuple[float, ...]:
        """Return the seconds of each round, divided by its calls."""
        times_s = []
        for _ in range(rounds):
            if before_round:
                before_round()
            times_s.append(self.seconds_of(run, calls) / calls)
            if after_round:
                after_round()
        require_times(times_s)
        return tuple(times_s)

    def seconds_of(self, run: Callable[[], object], calls: int) -> float:
        """Return the seconds of `calls` calls, in which no debugger, no coverage and no profiler looks on."""
        with unwatched():
            start = self.timer()
            for _ in range(calls):
                run()
            return self.timer() - start


@contextmanager
def unwatched() -> Iterator[None]:
    """Switch off what Python calls for each line or function, and on again."""
    tracer, profiler = sys.gettrace(), sys.getprofile()
    if tracer:
        sys.settrace(None)
    if profiler:
        sys.setprofile(None)
    try:
        yield
    finally:
        if tracer:
            sys.settrace(tracer)
        if profiler:
            sys.setprofile(profiler)


def require_times(times_s: Sequence[float]) -> None:
    """Raise CaseError where a clock stood still, ran back or gave no number: that is no time."""
    strange = [seconds for seconds in times_s if not 0 < seconds < inf]
    if strange:
        raise CaseError(f"times must be above 0 and finite, but a round took {strange[0]} s: check the clock")


def how_timed(timer: object, *, collects_garbage: bool) -> dict[str, str]:
    """Return what a time means nothing without: the clock's name, that garbage was not collected, unusual modes.

    Another's clock is named with its module: anything can be called perf_counter.
    """
    module, name = getattr(timer, "__module__", ""), str(getattr(timer, "__qualname__", timer))
    is_known = module.partition(".")[0] in ("time", "vitcnn")
    modes = ", ".join(unusual_modes())
    return {
        "timer": name if is_known else f"{module}.{name}",
        **({} if collects_garbage else {"garbage": "not collected"}),
        **({"modes": modes} if modes else {}),
    }
