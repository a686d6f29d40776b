"""Estimates how much a time varies between processes, from a few runs of each of many cases.

Five runs of one case do not know their own variance; those of a whole suite together do. The variances are moderated
by empirical Bayes as in limma: Smyth, "Linear models and empirical Bayes methods for assessing differential expression
in microarray experiments", Statistical Applications in Genetics and Molecular Biology 3 (2004), section 6. Two
things are more careful than there: the prior is trusted only as far as the few cases tell it, and a case that does not
fit it is left alone.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import digamma, fdtri, polygamma

LEAST_NOISE = 0.001
"""Standard deviation of a log run median below which no machine is believed: 0.1 %."""

LEAST_SHARE = 1e-5
"""Share of the suite's median variance that stands in for a smaller one, whose logarithm would outweigh all others."""

ODD_LEVEL = 0.01
"""A variance that the prior shows so seldom is not moderated: the suite cannot vouch for a case with two modes."""


@dataclass(frozen=True, kw_only=True)
class Prior:
    """What the suite knows of a case's variance: as much as `dof` degrees of freedom, infinite where all are alike."""

    variance: float
    dof: float


def prior_of(sums_of_squares: np.ndarray, dof: np.ndarray) -> Prior:
    """Fit the scaled inverse chi-square prior of the variances to (cases,) residual sums of squares, by moments.

    Cases without degrees of freedom say nothing; of fewer than two that do, nothing is learnt: `dof` is 0. The spread
    of the variances is taken one standard error larger than it looks: too sure a prior gives false alarms.
    """
    known = dof > 0
    if known.sum() < 2:
        return Prior(variance=LEAST_NOISE**2, dof=0.0)
    half = dof[known] / 2
    variances = sums_of_squares[known] / dof[known]
    variances = np.maximum(variances, LEAST_SHARE * max(float(np.median(variances)), LEAST_NOISE**2))
    logs = np.log(variances) - digamma(half) + np.log(half)
    sampling = polygamma(1, half).mean()
    excess_kurtosis = polygamma(3, half).mean() / sampling**2
    standard_error = np.sqrt((2 + excess_kurtosis) / (len(logs) - 1))  # of a variance, as a share of it
    excess = float(logs.var(ddof=1) * (1 + standard_error) - sampling)
    if excess <= 0:  # no more spread than samples of one variance have
        return Prior(variance=float(np.exp(logs.mean())), dof=np.inf)
    half_prior = trigamma_inverse(excess)
    return Prior(variance=float(np.exp(logs.mean() + digamma(half_prior) - np.log(half_prior))), dof=2 * half_prior)


def moderated(sums_of_squares: np.ndarray, dof: np.ndarray, prior: Prior) -> tuple[np.ndarray, np.ndarray]:
    """Return each case's moderated variance and its degrees of freedom, which are never more than all cases have.

    A case whose variance is far above what the prior allows keeps its own.
    """
    if np.isinf(prior.dof):
        variances = np.full(dof.shape, prior.variance)
    else:
        total = np.maximum(prior.dof + dof, np.finfo(float).tiny)
        variances = (prior.dof * prior.variance + sums_of_squares) / total
    own = sums_of_squares / np.maximum(dof, 1)
    is_odd = own > prior.variance * _most_of_variances(dof, prior)
    freedom = np.minimum(prior.dof + dof, dof.sum())
    return np.maximum(np.where(is_odd, own, variances), LEAST_NOISE**2), np.where(is_odd, dof, freedom)


def _most_of_variances(dof: np.ndarray, prior: Prior) -> np.ndarray:
    """Return what a sample of the prior exceeds with probability ODD_LEVEL, as a multiple of the prior's variance."""
    if prior.dof == 0:
        return np.full(dof.shape, np.inf)
    return np.asarray(fdtri(np.maximum(dof, 1), min(prior.dof, 1e6), 1 - ODD_LEVEL))  # F has no infinite dof


def trigamma_inverse(value: float) -> float:
    """Return y > 0 with trigamma(y) = `value`, by Newton's method on 1 / trigamma, which is nearly linear."""
    guess = 0.5 + 1 / value
    for _ in range(50):
        trigamma = float(polygamma(1, guess))
        step = trigamma * (1 - trigamma / value) / float(polygamma(2, guess))
        guess += step
        if abs(step) < 1e-9 * guess:
            break
    return guess
