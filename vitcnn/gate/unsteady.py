"""Finds cases whose runs differ far more than the baseline's, so that their mean says little and SAME would mislead."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.special import fdtrc

from vitcnn.gate.noise import moderated, prior_of

ENOUGH_RUNS = 4
"""Runs from which a spread is judged; the one that lies farthest out is left aside, since one disturbed run proves
nothing."""


def chances_of_spread(before: Sequence[Sequence[float]], now: Sequence[Sequence[float]]) -> list[float]:
    """Return for each case how often runs as steady as the baseline's spread as much as today's do, by the F test.

    Both are logarithms of run medians. 1 where there are too few runs. How steady the baselines are is learnt from all.
    """
    dof = np.array([len(group) - 1 for group in before])
    squares = np.array([(len(group) - 1) * _variance(group) for group in before])
    variances, freedom = moderated(squares, dof, prior_of(squares, dof))
    return [
        _chance(group, variance, known)
        for group, variance, known in zip(now, variances, np.where(dof > 0, freedom, 0), strict=True)
    ]


def _chance(group: Sequence[float], variance: float, dof: float) -> float:
    if len(group) < ENOUGH_RUNS or dof <= 0:
        return 1.0
    rest = np.delete(group, int(np.abs(np.asarray(group) - np.median(group)).argmax())).tolist()
    return float(fdtrc(len(rest) - 1, min(dof, 1e6), _variance(rest) / variance))


def _variance(group: Sequence[float]) -> float:
    return float(np.var(group, ddof=1)) if len(group) > 1 else 0.0
