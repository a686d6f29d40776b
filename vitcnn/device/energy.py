"""Measures the energy of a run, repeated for some seconds, in a pass of its own: never while a round is timed."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from math import ceil
from statistics import median
from typing import Any

from vitcnn.device.meter import Meter, Sample, Unmetered, meter_of
from vitcnn.device.which import Device
from vitcnn.record.record import SPOILING_CLOCKS

AT_LEAST_S = 3.0
"""How long energy is measured: counters of boards advance every 20 to 100 ms."""

LEAD_S = 1.0
"""How long the device works before, until its power is what the work asks for: NVML's power is a mean of a second."""

PASS_S = LEAD_S + AT_LEAST_S
"""How long that is together for a run that takes no longer itself."""

CHUNK_S = 0.02
"""How long the device works between two looks at the clock and the counter."""

TICK_LIMIT_S = 1.0
"""A counter that has not advanced for so long is no counter."""

SAMPLE_EVERY_S = 0.05

COUNTER, SAMPLES = "its energy counter", "integrated samples of its power"
UNKNOWN = "unknown"


@dataclass(frozen=True, kw_only=True)
class Energy:
    """What `runs` runs took in `seconds`, with the samples of the board meanwhile."""

    joules: float
    seconds: float
    runs: int
    scope: str
    method: str
    samples: tuple[Sample, ...]

    @property
    def joules_per_run(self) -> float:
        """The energy of one run."""
        return self.joules / self.runs

    def settings(self) -> dict[str, Any]:
        """Return what a record says of the pass: throttled samples are counted, and none is left out."""
        reasons = [sample.reasons for sample in self.samples if sample.reasons is not None]
        names = sorted({name for found in reasons for name in found})
        return {
            "scope": self.scope,
            "method": self.method,
            "seconds": round(self.seconds, 3),
            "runs": self.runs,
            "watts": round(self.joules / self.seconds, 3),
            "celsius": _span([sample.celsius for sample in self.samples]),
            "sm_mhz": _span([sample.sm_mhz for sample in self.samples]),
            "memory_mhz": _span([sample.memory_mhz for sample in self.samples]),
            "samples": len(self.samples),
            "throttled_samples": sum(not SPOILING_CLOCKS.isdisjoint(found) for found in reasons),
            "reasons": {name: sum(name in found for found in reasons) for name in names} if reasons else UNKNOWN,
        }


def is_known(device: Device) -> bool:
    """Whether anything measures the energy of a device."""
    try:
        meter_of(device)
    except Unmetered:
        return False
    return True


def energy_of(run: Callable[[], object], device: Device, *, run_s: float) -> Energy:
    """Repeat `run`, which is warm and takes about `run_s` seconds, and return what it took; Unmetered says why not."""
    meter = meter_of(device)
    work = _Work(run, device, calls=max(1, ceil(CHUNK_S / max(run_s, 1e-9))))
    work.until(work.now + LEAD_S)
    return _counted(work, meter) if meter.has_counter else _integrated(work, meter)


class _Work:
    """Lets the device work, chunk by chunk; `now` is the time at which the last one ended, `runs` how many so far."""

    def __init__(self, run: Callable[[], object], device: Device, *, calls: int) -> None:
        self._run, self._clock, self._calls = run, device.timer, calls
        self.now, self.runs = self._clock(), 0

    def chunk(self) -> None:
        for _ in range(self._calls):
            self._run()
        self.now = self._clock()
        self.runs += self._calls

    def until(self, end_s: float) -> None:
        while self.now < end_s:
            self.chunk()

    def until_tick(self, meter: Meter) -> float:
        """Work until the counter advances, and return its joules: so the window begins and ends with a tick."""
        before, limit_s = meter.joules(), self.now + TICK_LIMIT_S
        while True:
            self.chunk()
            joules = meter.joules()
            if joules != before:
                return joules
            if self.now >= limit_s:
                raise Unmetered(f"the energy counter did not advance within {TICK_LIMIT_S:g} s")


def _counted(work: _Work, meter: Meter) -> Energy:
    """Return the energy between two ticks of the counter."""
    before = work.until_tick(meter)
    start_s, runs = work.now, work.runs
    with sampling(meter) as samples:
        work.until(start_s + AT_LEAST_S)
        after = work.until_tick(meter)
    if after <= before:
        raise Unmetered("the energy counter went backwards")
    return _energy(work, meter, COUNTER, after - before, start_s, runs, samples)


def _integrated(work: _Work, meter: Meter) -> Energy:
    """Return the energy under the samples of power."""
    start_s, runs = work.now, work.runs
    samples = [meter.sample(start_s)]
    with sampling(meter) as meanwhile:
        work.until(start_s + AT_LEAST_S)
    samples += [sample for sample in meanwhile if start_s < sample.at_s < work.now]
    samples.append(meter.sample(work.now))
    known = [(sample.at_s, sample.watts) for sample in samples if sample.watts is not None]
    if len(known) < len(samples):
        raise Unmetered(f"NVML refused {len(samples) - len(known)} of {len(samples)} samples of power")
    joules = sum((end - start) * (one + other) / 2 for (start, one), (end, other) in pairwise(known))
    return _energy(work, meter, SAMPLES, joules, start_s, runs, samples)


def _energy(
    work: _Work, meter: Meter, method: str, joules: float, start_s: float, runs: int, samples: list[Sample]
) -> Energy:
    return Energy(
        joules=joules,
        seconds=work.now - start_s,
        runs=work.runs - runs,
        scope=meter.scope,
        method=method,
        samples=tuple(samples),
    )


@contextmanager
def sampling(meter: Meter) -> Iterator[list[Sample]]:
    """Let a thread take samples while the block runs; what is yielded holds them."""
    samples: list[Sample] = []
    if not meter.has_samples:
        yield samples
        return
    ended = threading.Event()

    def take() -> None:
        while not ended.wait(SAMPLE_EVERY_S):
            samples.append(meter.sample(time.perf_counter()))  # the device's own clock would wait for it

    thread = threading.Thread(target=take, name="vitcnn-energy", daemon=True)
    thread.start()
    try:
        yield samples
    finally:
        ended.set()
        thread.join()


def _span(values: list[float | None]) -> list[float] | str:
    """Return the lowest, the middle and the highest of what is known, or "unknown"."""
    known = [value for value in values if value is not None]
    return [min(known), median(known), max(known)] if known else UNKNOWN
