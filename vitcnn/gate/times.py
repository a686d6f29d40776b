"""Judges times: a time is worse only if the change exceeds the tolerance and the noise between processes.

What is compared is the logarithm of each run's median. The significance level holds for a whole suite and for all
rounds of re-measuring, so that one in a hundred unchanged suites is red.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import exp, log

import numpy as np
from scipy.special import stdtr, stdtrit

from vitcnn.gate.noise import Prior, moderated, prior_of
from vitcnn.gate.outliers import are_two_modes, odd_runs
from vitcnn.gate.tails import with_tail
from vitcnn.gate.unsteady import chances_of_spread
from vitcnn.gate.verdict import BLIND, Kind, Standing, Verdict
from vitcnn.quantity import percent, quantity, span, unit_for
from vitcnn.record import Better

SUITE_LEVEL = 0.01
"""Share of the suites in which nothing changed that may be red."""

LOOKS = 4
"""How often a suspect is measured again, and looked at, at most."""

UNCONFIRMED_LOOKS = 1
"""After so many of them a change that looks proven is still doubted: a case with two modes fools one too often."""

USUAL_RERUNS = 2
"""Processes of a round where nobody says otherwise."""

ALL_RERUNS = LOOKS * USUAL_RERUNS
"""Processes that measure a suspect again, at most."""

SUSPICION_LEVEL = 0.05
"""A change beyond the tolerance that noise would show this seldom is suspicious, if not yet proven."""

OVERWHELMING = 0.01
"""Share of the level at which a change is proven before all rounds have been measured; what these earlier looks add to
the false alarms is as small a share of them."""

STARVED = 0.8
"""Share of the baseline's processor time below which others took it, or the code uses fewer threads."""

DETECTION = 0.95
"""Share of the changes of the smallest visible size that are seen."""


@dataclass(frozen=True, kw_only=True)
class RunMedians:
    """One metric of one case: the median of each run's samples, in the order of the runs.

    `odd` is the median of a disturbed run of the baseline that was drawn in, since it is not to blind the case.
    `cpus` is how much of the processor the case got in the baseline and now, 0 where that is not known. `tails` are
    those of the baseline's and of the current runs (`gate/tails.py`), none where a run has too few rounds. `alone` says
    of each current run whether it measured the case without others of the suite (see `gate.beside_others`); none did if
    empty.
    """

    case: str
    metric: str
    unit: str
    better: Better
    tolerance: float
    baseline: tuple[float, ...]
    current: tuple[float, ...]
    odd: tuple[float, ...] = ()
    cpus: tuple[float, float] = (0.0, 0.0)
    tails: tuple[tuple[float, ...], tuple[float, ...]] = ((), ())
    alone: tuple[bool, ...] = ()

    def cost(self, value: float) -> float:
        """Return the logarithm of a median, its sign such that more is worse."""
        return log(value) if self.better == "lower" else -log(value)

    @property
    def is_starved(self) -> bool:
        """Whether the case got so much less of the processor than in the baseline that a slower time proves nothing."""
        before, now = self.cpus
        return 0 < now < STARVED * before


@dataclass(frozen=True, kw_only=True)
class Contrast:
    """Cost of the current runs against the baseline: log ratios, positive where worse; (metrics,) each.

    `sums_of_squares` and `dof` are the residuals'; `share` times the variance is the variance of `effect`.
    """

    effect: np.ndarray
    sums_of_squares: np.ndarray
    dof: np.ndarray
    share: np.ndarray


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """What is known of one metric. Logarithms, positive where worse, but for the degrees of freedom.

    `noise` is that of one process, or pair of them: of scores nobody asks for it. `chance_of_spread` is how often runs
    as steady as the baseline's spread as much as today's (`gate/unsteady.py`).
    """

    effect: float
    error: float
    noise: float = 0.0
    dof: float
    chance_of_spread: float = 1.0

    def chance(self, effect: float) -> float:
        """Return how often noise alone shows an effect this large."""
        return float(stdtr(self.dof, -effect / self.error)) if self.dof > 0 else 0.0

    def smallest_effect(self, *, level: float, tolerance: float, detection: float = DETECTION) -> float:
        """Return the effect, beyond one of `tolerance`, that is seen a share `detection` of the time."""
        if self.dof <= 0:
            return tolerance
        least = max(tolerance, -stdtrit(self.dof, level) * self.error)
        return float(least + stdtrit(self.dof, detection) * self.error)

    def smallest_visible(self, *, level: float, tolerance: float, detection: float = DETECTION) -> float:
        """Return the relative change of a time that is seen a share `detection` of the time."""
        effect = self.smallest_effect(level=level, tolerance=float(np.log1p(tolerance)), detection=detection)
        return float(np.expm1(effect))

    def is_plausible(self, effect: float) -> bool:
        """Whether what was seen is no less than what a true effect of this size shows 95 % of the time."""
        return bool(self.effect + stdtrit(self.dof, DETECTION) * self.error >= effect)


def judge_times(medians: Sequence[RunMedians], *, more_runs: int = 0) -> list[Verdict]:
    """Return a verdict for each metric, in order, at a level that holds for all of them together.

    `more_runs` processes may still measure a suspect again, those that have done so included.
    """
    usable = [entry for entry in medians if _is_usable(entry)]
    kept = with_odd_runs_drawn_in(usable)
    level = suite_level(len(kept))
    verdicts = iter(
        _verdict(entry, evidence, level, more_runs=more_runs) for entry, evidence in zip(kept, weigh(kept), strict=True)
    )
    return [next(verdicts) if _is_usable(entry) else _invalid(entry) for entry in medians]


def _is_usable(entry: RunMedians) -> bool:
    return min(*entry.baseline, *entry.current) > 0


def with_odd_runs_drawn_in(medians: Sequence[RunMedians]) -> list[RunMedians]:
    """Return the metrics, each with the one run of its baseline that is oddly slow, where one is, drawn in.

    Today's runs stay as they are: re-measuring outweighs a disturbed one of them, which hides nothing the next time.
    """
    before = [list(map(entry.cost, entry.baseline)) for entry in medians]
    return [
        entry
        if odd is None or are_two_modes(logs, odd.place, list(map(entry.cost, entry.current)))
        else replace(
            entry,
            baseline=tuple(
                exp(_sign(entry) * odd.believed) if place == odd.place else value
                for place, value in enumerate(entry.baseline)
            ),
            odd=(entry.baseline[odd.place],),
        )
        for entry, logs, odd in zip(medians, before, odd_runs(before), strict=True)
    ]


def suite_level(num_tests: int) -> float:
    """Return the level of one test among `num_tests`, by Bonferroni.

    All rounds lead to one look that decides; an earlier one proves only what is overwhelming.
    """
    return SUITE_LEVEL / max(1, num_tests)


def weigh(medians: Sequence[RunMedians]) -> list[Evidence]:
    """Return the evidence on each metric, the variances of all of them moderated together."""
    if not medians:
        return []
    contrast = _contrast(medians)
    variances, dof = moderated(contrast.sums_of_squares, contrast.dof, _prior(medians))
    errors = np.sqrt(variances * contrast.share)
    alone = np.array([len(entry.baseline) < 2 for entry in medians])
    columns = zip(contrast.effect, errors, np.sqrt(variances), np.where(alone, 0.0, dof), _spread(medians), strict=True)
    return [
        Evidence(
            effect=float(effect), error=float(error), noise=float(noise), dof=float(freedom), chance_of_spread=chance
        )
        for effect, error, noise, freedom, chance in columns
    ]


def _spread(medians: Sequence[RunMedians]) -> list[float]:
    before, now = (
        [list(map(entry.cost, getattr(entry, side))) for entry in medians] for side in ("baseline", "current")
    )
    return chances_of_spread(before, now)


def visible_change(entry: RunMedians, evidence: Evidence, level: float, *, more_runs: int) -> float | None:
    """Return the relative change that is seen `DETECTION` of the time, or None where the noise is not known.

    Where more runs may follow it must be suspicious now, and proven by all of them: either look may miss half of what
    is missed.
    """
    if evidence.dof <= 0:
        return None
    if not more_runs:
        return evidence.smallest_visible(level=level, tolerance=entry.tolerance)
    each = (1 + DETECTION) / 2
    return max(
        evidence.smallest_visible(level=SUSPICION_LEVEL, tolerance=entry.tolerance, detection=each),
        _after(more_runs, entry, evidence).smallest_visible(level=level, tolerance=entry.tolerance, detection=each),
    )


def _after(more_runs: int, entry: RunMedians, evidence: Evidence) -> Evidence:
    """Return what will be known once a suspect has been measured again in `more_runs` processes, all in all."""
    runs = max(len(entry.current), 1 + more_runs)
    error = evidence.noise * float(np.sqrt(1 / len(entry.baseline) + 1 / runs))
    return replace(evidence, error=error, dof=evidence.dof + runs - len(entry.current))


def _prior(medians: Sequence[RunMedians]) -> Prior:
    """Learn from the baseline alone: no case was chosen by what it shows there."""
    residues = np.array([_log_moments(entry.baseline)[1] for entry in medians])
    return prior_of(residues, np.array([len(entry.baseline) - 1 for entry in medians]))


def _contrast(medians: Sequence[RunMedians]) -> Contrast:
    before, before_residues = np.array([_log_moments(entry.baseline) for entry in medians]).T
    now, now_residues = np.array([_log_moments(entry.current) for entry in medians]).T
    counts = np.array([(len(entry.baseline), len(entry.current)) for entry in medians])
    return Contrast(
        effect=np.array([_sign(entry) for entry in medians]) * (now - before),
        sums_of_squares=before_residues + now_residues,
        dof=counts.sum(axis=1) - 2,
        share=(1 / counts).sum(axis=1),
    )


def _log_moments(values: Sequence[float]) -> tuple[float, float]:
    """Return the mean of the logarithms, and the sum of their squared distances from it."""
    logs = [log(value) for value in values]
    mean = sum(logs) / len(logs)
    return mean, sum((entry - mean) ** 2 for entry in logs)


def _sign(entry: RunMedians) -> int:
    return 1 if entry.better == "lower" else -1


def _verdict(entry: RunMedians, evidence: Evidence, level: float, *, more_runs: int) -> Verdict:
    kind = _kind(entry, evidence, level)
    hidden = visible_change(replace(entry, tolerance=0.0), evidence, level, more_runs=more_runs)
    is_unsteady = evidence.chance_of_spread <= level and evidence.noise > np.log1p(entry.tolerance)
    if kind == "SAME" and ((hidden is not None and hidden > BLIND) or is_unsteady):
        kind = "INCONCLUSIVE"
    if kind == "WORSE" and entry.is_starved:
        kind = "INVALID"
    change = float(np.expm1(_sign(entry) * evidence.effect))
    parts = [
        f"median {_runs(entry.current, entry.unit)}, baseline {_runs(entry.baseline, entry.unit)}: {percent(change)}",
        f"tolerance {100 * entry.tolerance:g} %",
        f"between-run noise {100 * evidence.noise:.1f} %"
        if evidence.dof > 0
        else "the baseline is one run, so only the tolerance decides",
    ]
    if entry.odd:
        parts.append(f"the baseline's outlier of {quantity(entry.odd[0], entry.unit)} was limited")
    if kind == "INVALID":
        parts.append(
            f"but it used {entry.cpus[1]:.2f} processors on average, and the baseline {entry.cpus[0]:.2f}: the code "
            "waits (a sleep, a lock, a file) or uses fewer threads, or other programs use the machine. Look for a wait "
            "in the code, and measure on an idle machine or use `vitcnn compare`"
        )
    if kind == "INCONCLUSIVE":
        noisier = "its runs differ far more than the baseline's, so it is " if is_unsteady else ""
        parts.append(f"{noisier}too noisy for a decision")
    verdict = Verdict(
        kind=kind,
        case=entry.case,
        metric=entry.metric,
        reason=", ".join(parts),
        change=change,
        visible=visible_change(entry, evidence, level, more_runs=more_runs),
        hidden=hidden,
        standing=_standing(entry, evidence, level, more_runs),
    )
    return with_tail(verdict, *entry.tails, is_starved=entry.is_starved)


def _standing(entry: RunMedians, evidence: Evidence, level: float, more_runs: int) -> Standing:
    """Say what more runs could do: they can also find what is no more than noise yet, where noise hides much."""
    kind = _kind(entry, evidence, level)
    if kind in ("WORSE", "BETTER") and evidence.chance(abs(evidence.effect)) <= OVERWHELMING * level:
        return "proven"
    if kind != "SAME":
        return "open"
    tolerance = float(np.log1p(entry.tolerance))
    worth = _after(more_runs, entry, evidence).smallest_effect(level=level, tolerance=tolerance)
    return "open" if evidence.effect > tolerance and evidence.is_plausible(worth) else "clear"


def _kind(entry: RunMedians, evidence: Evidence, level: float) -> Kind:
    size = abs(evidence.effect)
    if size <= np.log1p(entry.tolerance) or evidence.chance(size) > SUSPICION_LEVEL:
        return "SAME"
    if evidence.chance(size) > level:
        return "INCONCLUSIVE"
    return "WORSE" if evidence.effect > 0 else "BETTER"


def _invalid(entry: RunMedians) -> Verdict:
    reason = f"times must be above 0, got {quantity(min(*entry.baseline, *entry.current), entry.unit)}: check the clock"
    return Verdict(kind="INVALID", case=entry.case, metric=entry.metric, reason=reason)


def _runs(medians: tuple[float, ...], unit: str) -> str:
    middle = float(np.exp(np.mean(np.log(medians))))
    if len(medians) == 1:
        return quantity(middle, unit)
    of_highest = unit_for(max(medians), unit)
    in_unit = "" if of_highest == unit_for(middle, unit) else f" {of_highest}"
    return f"{quantity(middle, unit)} ({len(medians)} runs, {span(medians, unit)}{in_unit})"
