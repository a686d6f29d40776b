"""How much scores vary about the means of their groups, moderated by all scores of a suite as times are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from vitcnn.gate.noise import moderated, prior_of

Groups = Sequence[np.ndarray]
"""Scores of one case whose means may differ."""


@dataclass(frozen=True, kw_only=True)
class Spread:
    """A variance, and the degrees of freedom that it is known by."""

    variance: float
    dof: float


def spread_of_groups(scores: Sequence[Groups], *, prior: Sequence[Groups]) -> list[Spread]:
    """Return how each score varies about the means of its groups; what all share is learnt from `prior`."""
    squares, dof = _residuals(scores)
    variances, freedom = moderated(squares, dof, prior_of(*_residuals(prior)))
    return [Spread(variance=float(v), dof=float(f)) for v, f in zip(variances, freedom, strict=True)]


def _residuals(scores: Sequence[Groups]) -> tuple[np.ndarray, np.ndarray]:
    """Return each score's sum of squares about the means of its groups, and its degrees of freedom."""
    squares = [sum(float(((group - group.mean()) ** 2).sum()) for group in groups if len(group)) for groups in scores]
    dof = [sum(max(0, len(group) - 1) for group in groups) for groups in scores]
    return np.array(squares), np.array(dof)
