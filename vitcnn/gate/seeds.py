"""The scores of the seeds that the baseline and the current runs trained."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from statistics import mean

import numpy as np


@dataclass(frozen=True, kw_only=True)
class SeedScores:
    """One score of one case, a share of which more is better: what each seed came to, in the baseline and now.

    A process trains `seeds_per_run` seeds: those of `beside` in the whole suite, those of `alone` without the other
    cases. At most `most_runs` processes train this score, where that is known.
    """

    case: str
    metric: str
    tolerance: float
    seeds_per_run: int
    baseline: Mapping[int, float]
    beside: Mapping[int, float]
    alone: Mapping[int, float] = field(default_factory=dict)
    most_runs: int | None = None

    @cached_property
    def current(self) -> Mapping[int, float]:
        """What each seed came to now: in the whole suite, where it was trained there too."""
        return dict(sorted({**self.alone, **self.beside}.items()))

    @property
    def drops(self) -> np.ndarray:
        """How much lower each seed that both sides trained is now."""
        return self.drops_of(self.current)

    def drops_of(self, scores: Mapping[int, float]) -> np.ndarray:
        """Return how much lower than in the baseline these seeds are, those of them that it trained."""
        return np.array([self.baseline[seed] - score for seed, score in scores.items() if seed in self.baseline])

    @property
    def shared(self) -> list[int]:
        """The seeds that both sides trained."""
        return [seed for seed in self.baseline if seed in self.current]

    @property
    def gaps(self) -> list[float]:
        """How much higher each seed that was trained both beside the other cases and alone is beside them."""
        return [self.beside[seed] - self.alone[seed] for seed in self.beside if seed in self.alone]

    @property
    def greatest_fall(self) -> str:
        """Which of these seeds fell most, from where to where; empty if none did."""
        seed = max(self.shared, key=lambda seed: self.baseline[seed] - self.current[seed], default=None)
        if seed is None or self.current[seed] >= self.baseline[seed]:
            return ""
        return f"seed {seed} went from {100 * self.baseline[seed]:.1f} to {100 * self.current[seed]:.1f} %"

    def num_seeds(self, more_runs: int) -> int:
        """Return how many seeds the current runs will have trained after `more_runs` processes more, all in all.

        The first of these trains the seeds of the run again.
        """
        runs = more_runs if self.most_runs is None else min(more_runs, self.most_runs)
        return max(len(self.current), self.seeds_per_run * runs)

    def num_shared(self, more_runs: int) -> int:
        """Return how many of these the baseline has."""
        return min(len(self.baseline), self.num_seeds(more_runs)) if self.shared else 0


def by_seed(pairs: Sequence[tuple[Sequence[int], Sequence[float]]]) -> dict[int, float]:
    """Return each seed's score of several runs' (seeds, scores): its mean, where more than one run trained it."""
    found: dict[int, list[float]] = {}
    for seeds, shares in pairs:
        for seed, share in zip(seeds, shares, strict=True):
            found.setdefault(seed, []).append(share)
    return {seed: mean(found[seed]) for seed in sorted(found)}
