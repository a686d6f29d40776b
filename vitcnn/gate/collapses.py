"""Falls of some seeds, which no test of the means can prove, because the seeds then differ too much.

Two facts prove them instead. Where most seeds repeat their scores to the last digit, training is reproducible: what the
other seeds lost was lost by the code. And where several seeds lie far below what the baseline usually has, and more of
them than its own share of such seeds explains, training has become unreliable.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import mean, median

from scipy.special import bdtrc

from vitcnn.gate.seeds import SeedScores
from vitcnn.quantity import counted, first_of

FAR = 0.05
"""A collapsed seed lies at least so far below the usual range of the baseline, and at least the width of this range."""

ENOUGH_COLLAPSED = 3
"""Fewer collapsed seeds prove nothing. How often so many are chance: docs/results/gate-scores.md."""

MOST_NAMED = 5
"""Collapsed seeds that a reason names."""

ENOUGH_SEEDS = 10
"""A baseline of fewer seeds does not show how low a seed can fall."""


def repeated_seeds(scores: Sequence[SeedScores]) -> set[int]:
    """Return the seeds that repeat all of one case's scores exactly. Full marks alone are no sign of that."""
    same = ({seed for seed in entry.shared if entry.baseline[seed] == entry.current[seed]} for entry in scores)
    return {seed for seed in set.intersection(*same) if any(entry.current[seed] < 1 for entry in scores)}


def lost_by_the_code(entry: SeedScores, repeated: set[int], *, more_runs: int) -> str:
    """Say which seed fell while most repeat exactly, if that lowers the mean beyond the tolerance; otherwise nothing.

    The mean is of all shared seeds, those included that `more_runs` processes may still train: these are taken to
    repeat.
    """
    others = {seed for seed in entry.shared if seed not in repeated}
    is_beyond = entry.drops.sum() > entry.tolerance * entry.num_shared(more_runs)
    if not (is_beyond and 0 < len(others) <= len(repeated)):
        return ""
    which = f"{len(repeated)} of {counted(len(entry.shared), 'seed')} repeat exactly, so the code lowers the others"
    return f"{which}: {entry.greatest_fall}"


def collapse(entry: SeedScores, share: float, *, level: float) -> str:
    """Say which seeds collapsed, if none did in the baseline and now more than chance explains; otherwise nothing.

    `share` is that of collapsed seeds in the baselines of the suite; chance may explain as many with the probability
    `level`.
    """
    fall = mean(entry.baseline.values()) - mean(entry.current.values())
    if len(entry.baseline) < ENOUGH_SEEDS or fall <= entry.tolerance or collapsed(entry.baseline, entry.baseline):
        return ""
    seeds = collapsed(entry.current, entry.baseline)
    if len(seeds) < ENOUGH_COLLAPSED or bdtrc(len(seeds) - 1, len(entry.current), share) > level:
        return ""
    highest = 100 * max(entry.current[seed] for seed in seeds)
    which = f"seeds {first_of(seeds, MOST_NAMED)}"
    share_of_seeds = f"{len(seeds)} of {counted(len(entry.current), 'seed')}"
    return f"{share_of_seeds} fell far below the baseline, to {highest:.1f} % or less ({which})"


def share_collapsed(scores: Sequence[SeedScores]) -> float:
    """Return the share of seeds that collapsed in the baselines of these scores."""
    found = sum(len(collapsed(entry.baseline, entry.baseline)) for entry in scores)
    return found / sum(len(entry.baseline) for entry in scores)


def collapsed(scores: Mapping[int, float], baseline: Mapping[int, float]) -> list[int]:
    """Return the seeds far below the usual range of the baseline: twice as wide as the upper half of its scores."""
    middle, highest = median(baseline.values()), max(baseline.values())
    width = 2 * (highest - middle)
    limit = middle - width / 2 - max(FAR, width)
    return [seed for seed, score in scores.items() if score < limit]
