"""Limits one outlier among the runs of a baseline, so that it neither shifts a case nor makes it blind for good.

The outlier is not left out: without it, a case that was disturbed once would look less noisy than it is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from vitcnn.gate.noise import moderated, prior_of

ODD_RUN = 6.0
"""Standard deviations between one run and the mean of all others from which it is odd. This occurs in one of 400
cases with five normal runs."""

BELIEVED = 3.0
"""Standard deviations from that mean to which an odd run is limited."""

ENOUGH_RUNS = 4
"""Runs from which one may be odd."""


@dataclass(frozen=True, kw_only=True)
class OddRun:
    """The place of the one run of a group that is odd, and the logarithm that is believed of it."""

    place: int
    believed: float


def odd_runs(groups: Sequence[Sequence[float]]) -> list[OddRun | None]:
    """Return for each group of logarithms the one run that is oddly high, or None where none is.

    What disturbs a process makes it slower: an oddly low run is no disturbance. How far runs spread is learnt from the
    groups together, each without the run that lies farthest out.
    """
    large = [index for index, group in enumerate(groups) if len(group) >= ENOUGH_RUNS]
    places = {index: _farthest(groups[index]) for index in large}
    rest = {index: np.delete(groups[index], place) for index, place in places.items()}
    dof = np.array([len(rest[index]) - 1 for index in large])
    squares = np.array([float(((rest[index] - rest[index].mean()) ** 2).sum()) for index in large])
    variances, _ = moderated(squares, dof, prior_of(squares, dof))
    found: list[OddRun | None] = [None] * len(groups)
    for index, deviation in zip(large, np.sqrt(variances), strict=True):
        place, middle = places[index], float(rest[index].mean())
        if groups[index][place] - middle > ODD_RUN * deviation:
            found[index] = OddRun(place=place, believed=middle + BELIEVED * float(deviation))
    return found


def are_two_modes(group: Sequence[float], place: int, others: Sequence[float]) -> bool:
    """Whether the runs of the other side are like the odd one now and then, and like all the rest now and then.

    Then it is no disturbance but a second mode of the case, of which the noise must know.
    """
    rest = float(np.delete(group, place).mean())
    is_like_odd = [abs(value - group[place]) < abs(value - rest) for value in others]
    return any(is_like_odd) and not all(is_like_odd)


def _farthest(group: Sequence[float]) -> int:
    return int(np.abs(np.asarray(group) - np.median(group)).argmax())
