"""Defines what measures energy: a counter of joules where there is one, and samples of power and clocks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from vitcnn.device.which import Device


class Unmetered(Exception):
    """No energy can be measured here; the message says why, as a part of a sentence."""


@dataclass(frozen=True, kw_only=True)
class Sample:
    """What a board said at one moment; None where it did not tell. `reasons` are why its clocks were reduced."""

    at_s: float
    watts: float | None = None
    celsius: float | None = None
    sm_mhz: float | None = None
    memory_mhz: float | None = None
    reasons: tuple[str, ...] | None = None


class Meter(Protocol):
    """Measures the energy of `scope`, which is more than what one process uses."""

    @property
    def scope(self) -> str:
        """Of what the energy is, in words."""

    @property
    def has_counter(self) -> bool:
        """Whether it counts joules."""

    @property
    def has_samples(self) -> bool:
        """Whether it tells power, temperature and clocks."""

    def joules(self) -> float:
        """Return the counter's joules since some moment in the past."""

    def sample(self, at_s: float) -> Sample:
        """Return what it says now, which is `at_s` by the caller's clock."""


def meter_of(device: Device) -> Meter:
    """Return what measures the energy of a device; Unmetered says why nothing does."""
    if device.is_cuda:
        from vitcnn.device.board import board_of

        return board_of(device)
    from vitcnn.device.rapl import packages

    return packages()
