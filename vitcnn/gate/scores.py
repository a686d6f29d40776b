"""Scores of training: all seeds, by Welch's one-sided test and a tolerance."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.special import stdtr

from vitcnn.gate.times import SUITE_LEVEL
from vitcnn.gate.verdict import Kind, Verdict
from vitcnn.record import Measurement

LEAST_NOISE = 0.001
"""Standard deviation between seeds below which no score is believed: 0.1 points."""

TOO_GOOD = 0.5
"""Errors that fall below this share of the baseline's are too good to be believed unseen."""


def judge_scores(case: str, baseline: Sequence[Measurement], current: Sequence[Measurement], num_tests: int) -> Verdict:
    """Judge a share, 0..1, of which more is better; a sample is a seed. `num_tests` share the suite's level.

    A seed counts once: where several runs trained it, by its mean.
    """
    tolerance = current[0].tolerance
    before, now = by_seed(baseline), by_seed(current)
    drop = float(before.mean() - now.mean())
    alone = min(len(before), len(now)) < 2
    chance = 0.0 if alone else welch(abs(drop), before, now)
    kind = _kind(drop, chance, tolerance, SUITE_LEVEL / max(1, num_tests))
    figures = f"{_text(now)}, baseline {_text(before)}: {-100 * drop:+.1f} points"
    how = "one seed, so that the tolerance alone decides" if alone else f"by chance {_share(chance)}"
    reason = f"{figures}, tolerance {100 * tolerance:g} points, {how}"
    if kind == "INCONCLUSIVE":
        reason += ": the seeds differ too much to tell"
    if kind == "BETTER" and 1 - now.mean() < TOO_GOOD * (1 - before.mean()):
        reason += "; the errors more than halved, too good to be true? Look for test images among the training images"
    return Verdict(kind=kind, case=case, metric=current[0].metric, reason=reason, change=-drop)


def by_seed(measurements: Sequence[Measurement]) -> np.ndarray:
    """Return each seed's mean over the runs, (seeds,)."""
    least = min(len(measurement.samples) for measurement in measurements)
    return np.mean([measurement.samples[:least] for measurement in measurements], axis=0)


def welch(difference: float, one: np.ndarray, other: np.ndarray) -> float:
    """Return how often chance alone shows a difference of means this large, one-sided, of two or more seeds each."""
    shares = [max(float(values.var(ddof=1)), LEAST_NOISE**2) / len(values) for values in (one, other)]
    dof = sum(shares) ** 2 / sum(s**2 / (len(v) - 1) for s, v in zip(shares, (one, other), strict=True))
    return float(stdtr(dof, -difference / np.sqrt(sum(shares))))


def _kind(drop: float, chance: float, tolerance: float, level: float) -> Kind:
    if abs(drop) <= tolerance:
        return "SAME"
    if chance > level:
        return "INCONCLUSIVE"
    return "WORSE" if drop > 0 else "BETTER"


def _text(scores: np.ndarray) -> str:
    seeds = "1 seed" if len(scores) == 1 else f"{len(scores)} seeds"
    return f"{100 * scores.mean():.1f} % ({seeds}, {100 * scores.min():.1f}-{100 * scores.max():.1f})"


def _share(chance: float) -> str:
    return f"{100 * chance:.1f} %" if chance >= 0.001 else "under 0.1 %"
