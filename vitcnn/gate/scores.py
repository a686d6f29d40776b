"""Judges accuracies: seed by seed if both sides trained the same seeds, otherwise by the means of all seeds.

A score is worse only beyond the tolerance and beyond what the seeds explain. Few seeds do not know their own spread;
that of all scores together does, as with times. Suspects train further seeds, in fresh processes, round by round.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import mean

import numpy as np

from vitcnn.gate.collapses import collapse, lost_by_the_code, repeated_seeds, share_collapsed
from vitcnn.gate.score_spread import Spread, spread_of_groups
from vitcnn.gate.seeds import SeedScores
from vitcnn.gate.times import OVERWHELMING, Evidence, suite_level
from vitcnn.gate.verdict import Kind, Standing, Verdict
from vitcnn.quantity import counted

PAIRS_PREFERRED = 1.25
"""Pairs are taken even where their variance is so many times that of the means: more seeds favour them further."""

TOO_GOOD = 0.5
"""Errors that fall below this share of the baseline's are too good to be believed unseen."""


@dataclass(frozen=True, kw_only=True)
class Spreads:
    """How one score varies: between seeds, and between what the same seeds came to in the baseline and now."""

    seeds: Spread
    drops: Spread


def judge_scores(scores: Sequence[SeedScores], *, more_runs: int = 0) -> list[Verdict]:
    """Return a verdict for each score, in order, at a level that holds for all of them together.

    `more_runs` processes may still train further seeds of a suspect, those that have done so included.
    """
    if not scores:
        return []
    level, share = suite_level(len(scores)), share_collapsed(scores)
    verdicts = []
    for entry, spreads in zip(scores, _spreads(scores), strict=True):
        repeated = repeated_seeds([other for other in scores if other.case == entry.case])
        proof = lost_by_the_code(entry, repeated, more_runs=more_runs) or collapse(entry, share, level=level)
        verdicts.append(_verdict(entry, spreads, level, more_runs, proof))
    return verdicts


def _spreads(scores: Sequence[SeedScores]) -> list[Spreads]:
    """Return how each score varies, moderated by all; the seeds' prior is the baseline's, which nobody chose."""
    before = [np.array([*entry.baseline.values()]) for entry in scores]
    now = [np.array([*entry.current.values()]) for entry in scores]
    seeds = spread_of_groups(list(zip(before, now, strict=True)), prior=[(group,) for group in before])
    pairs = [(entry.drops,) for entry in scores]
    drops = spread_of_groups(pairs, prior=pairs)
    return [Spreads(seeds=one, drops=other) for one, other in zip(seeds, drops, strict=True)]


def _evidence(entry: SeedScores, spreads: Spreads, *, num_now: int, num_pairs: int) -> Evidence:
    """Return what so many of today's seeds say, of which the baseline has so many: by pairs, or by means.

    By pairs where a seed comes to much the same each time, by means where that spreads less.
    """
    drops, seeds = spreads.drops, spreads.seeds
    of_pairs, of_means = _variances(entry, spreads, num_now=num_now, num_pairs=num_pairs)
    if _is_by_pairs(of_pairs, of_means):
        dof = drops.dof + num_pairs - len(entry.drops)
        return Evidence(effect=float(entry.drops.mean()), error=of_pairs**0.5, dof=dof)
    effect = float(mean(entry.baseline.values()) - mean(entry.current.values()))
    dof = 0.0 if min(len(entry.baseline), num_now) < 2 else seeds.dof + num_now - len(entry.current)
    return Evidence(effect=effect, error=of_means**0.5, dof=dof)


def _variances(entry: SeedScores, spreads: Spreads, *, num_now: int, num_pairs: int) -> tuple[float, float]:
    """Return the variance of what the pairs say, and of what the means say."""
    of_pairs = spreads.drops.variance / num_pairs if num_pairs > 1 else np.inf
    return of_pairs, spreads.seeds.variance * (1 / len(entry.baseline) + 1 / num_now)


def _is_by_pairs(of_pairs: float, of_means: float) -> bool:
    return of_pairs <= PAIRS_PREFERRED * of_means


def _now(entry: SeedScores, spreads: Spreads) -> Evidence:
    return _evidence(entry, spreads, num_now=len(entry.current), num_pairs=len(entry.drops))


def _after(more_runs: int, entry: SeedScores, spreads: Spreads) -> Evidence:
    """Return what will be known once a suspect has trained its next seeds in `more_runs` processes, all in all."""
    return _evidence(entry, spreads, num_now=entry.num_seeds(more_runs), num_pairs=entry.num_shared(more_runs))


def _verdict(entry: SeedScores, spreads: Spreads, level: float, more_runs: int, proof: str) -> Verdict:
    """Judge by the means, unless there is proof that some seeds fell."""
    evidence, final = _now(entry, spreads), _after(more_runs, entry, spreads)
    kind = "WORSE" if proof else _kind(evidence, level, entry.tolerance)
    before, now = (np.array([*side.values()]) for side in (entry.baseline, entry.current))
    parts = [
        f"{_text(now)}, baseline {_text(before)}: {-100 * evidence.effect:+.1f} points{_over(entry, spreads)}",
        f"tolerance {100 * entry.tolerance:g} points",
        proof or _chance(evidence),
    ]
    if kind == "INCONCLUSIVE":
        parts.append("the seeds differ too much for a decision")
        parts += [entry.greatest_fall] if entry.greatest_fall else []
    if kind == "BETTER" and 1 - now.mean() < TOO_GOOD * (1 - before.mean()):
        parts.append("the errors more than halved: check whether test images are among the training images")
    return Verdict(
        kind=kind,
        case=entry.case,
        metric=entry.metric,
        reason=", ".join(parts),
        change=-evidence.effect,
        visible=final.smallest_effect(level=level, tolerance=entry.tolerance),
        standing="proven" if proof else _standing(kind, evidence, final, level, entry.tolerance),
    )


def _kind(evidence: Evidence, level: float, tolerance: float) -> Kind:
    if abs(evidence.effect) <= tolerance:
        return "SAME"
    if evidence.chance(abs(evidence.effect)) > level:
        return "INCONCLUSIVE"
    return "WORSE" if evidence.effect > 0 else "BETTER"


def _standing(kind: Kind, evidence: Evidence, final: Evidence, level: float, tolerance: float) -> Standing:
    """Say what more seeds could do: they can also find a fall that is within the tolerance or the noise so far."""
    if kind in ("WORSE", "BETTER") and evidence.chance(abs(evidence.effect)) <= OVERWHELMING * level:
        return "proven"
    if kind != "SAME":
        return "open"
    worth = final.smallest_effect(level=level, tolerance=tolerance, detection=0.5)
    return "open" if evidence.is_plausible(worth) else "clear"


def _over(entry: SeedScores, spreads: Spreads) -> str:
    """Say that the change is one of the seeds that both sides trained, where the means are of more seeds."""
    num_pairs = len(entry.drops)
    is_paired = _is_by_pairs(*_variances(entry, spreads, num_now=len(entry.current), num_pairs=num_pairs))
    is_of_all = num_pairs == len(entry.baseline) == len(entry.current)
    return f" on the {counted(num_pairs, 'seed')} of both" if is_paired and not is_of_all else ""


def _text(scores: np.ndarray) -> str:
    seeds = counted(len(scores), "seed")
    return f"{100 * scores.mean():.1f} % ({seeds}, {100 * scores.min():.1f}-{100 * scores.max():.1f})"


def _chance(evidence: Evidence) -> str:
    if evidence.dof <= 0:
        return "one seed, so only the tolerance decides"
    chance = evidence.chance(abs(evidence.effect))
    return f"probability by chance {f'{100 * chance:.1f} %' if chance >= 0.001 else 'under 0.1 %'}"
