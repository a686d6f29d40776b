"""How often `vitcnn compare` is wrong, and how many pairs it takes: simulated pairs, judged by the product's own code.

    python tools/simulate_pairs.py --suites 1000

A pair of processes says of each case a log ratio, which varies between pairs: by 2.0, 4.1 or 6.3 % (ViT-Tiny,
ConvNeXt-T, EfficientNet-B0, measured on two shared cores). At each look the undecided cases go on, as in the product.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from tabulate import tabulate

from vitcnn.gate.pairs import LOOKS, PairedTimes, judge_pairs

MEASURED = (0.020, 0.041, 0.063)
TOLERANCE = 0.02


@dataclass(frozen=True, kw_only=True)
class Scenario:
    """Suites of one kind. `noise` are the cases' deviations, in turns; `tails` Student's degrees of freedom."""

    name: str
    cases: int = 10
    noise: Sequence[float] = MEASURED
    tails: float = np.inf
    common: float = 0.0
    slower: float = 0.10
    limit: int = 20


SCENARIOS = (
    Scenario(name="10 cases, measured noise"),
    Scenario(name="10 cases, all 2.0 %", noise=MEASURED[:1]),
    Scenario(name="10 cases, all 6.3 %", noise=MEASURED[2:]),
    Scenario(name="10 cases, heavy tails (t, 3)", tails=3),
    Scenario(name="10 cases, a common factor of 4 % in each pair", common=0.04),
    Scenario(name="10 cases, +5 %", slower=0.05),
    Scenario(name="10 cases, all 2.0 %, +5 %", noise=MEASURED[:1], slower=0.05),
    Scenario(name="1 case, 4.1 %", cases=1, noise=MEASURED[1:2]),
    Scenario(name="40 cases, measured noise", cases=40),
    Scenario(name="10 cases, at most 12 pairs", limit=12),
)


def outcome(scenario: Scenario, slower: float, rng: np.random.Generator) -> tuple[list[str], int]:
    """Return the kind of each case's verdict, the first case being `slower`, and the pairs that it took."""
    spread = np.resize(scenario.noise, scenario.cases)
    rng.shuffle(spread)
    scale = np.sqrt(scenario.tails / (scenario.tails - 2)) if np.isfinite(scenario.tails) else 1.0
    shape = (scenario.limit, scenario.cases)
    draws = rng.standard_t(scenario.tails, shape) / scale if np.isfinite(scenario.tails) else rng.normal(size=shape)
    costs = draws * spread + scenario.common * rng.normal(size=(scenario.limit, 1))
    costs[:, 0] += np.log1p(slower)
    return decided(costs)


def decided(costs: np.ndarray) -> tuple[list[str], int]:
    """Judge log ratios (pairs, cases) as they come; return the kind of each case's verdict, and the pairs it took."""
    limit, num_cases = costs.shape
    counts = np.zeros(num_cases, int)
    undecided = np.ones(num_cases, bool)
    kinds: list[str] = []
    for number in range(1, limit + 1):
        counts[undecided] = number
        if number in LOOKS or number == limit:
            kinds = [verdict.kind for verdict in judge_pairs([_times(costs[:n, c]) for c, n in enumerate(counts)])]
            undecided = np.array([kind == "INCONCLUSIVE" for kind in kinds])
            if not undecided.any():
                break
    return kinds, number


def _times(costs: np.ndarray) -> PairedTimes:
    ones = (1.0,) * len(costs)
    return PairedTimes(
        case="", metric="", unit="s", better="lower", tolerance=TOLERANCE, costs=tuple(costs), base=ones, head=ones
    )


def row(scenario: Scenario, suites: int, seed: int) -> list[object]:
    """Return a line of the table: what of `suites` suites was red, caught, undecided, and the pairs it took."""
    rng = np.random.default_rng(seed)
    same = [outcome(scenario, 0.0, rng) for _ in range(suites)]
    planted = [outcome(scenario, scenario.slower, rng) for _ in range(suites)]
    return [
        scenario.name,
        f"{100 * np.mean(['WORSE' in kinds for kinds, _ in same]):.1f} %",
        f"{100 * np.mean([kinds.count('INCONCLUSIVE') / len(kinds) for kinds, _ in same]):.1f} %",
        f"{np.median([n for _, n in same]):.0f}",
        f"{100 * scenario.slower:+.0f} %",
        f"{100 * np.mean([kinds[0] == 'WORSE' for kinds, _ in planted]):.1f} %",
        f"{100 * np.mean([kinds[0] == 'SAME' for kinds, _ in planted]):.1f} %",
        f"{np.median([n for _, n in planted]):.0f}",
    ]


def main() -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--suites", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    headers = ("suites", "unchanged: red", "cases undecided", "pairs", "planted", "caught", "called SAME", "pairs")
    rows = [row(scenario, options.suites, options.seed) for scenario in SCENARIOS]
    print(tabulate(rows, headers=headers, tablefmt="github"))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
