"""How often the 95 % intervals of scores hold the truth: thousands of simulated trainings and tests.

    python tools/simulate_intervals.py --trials 2000 --processes 2 --out docs/results/intervals.md

Each trial draws test images, easy and hard ones, and for two architectures the seeds and their answers; the intervals
are the product's own. Beside them stands the bootstrap over seeds and images that they replaced.
"""

from __future__ import annotations

import argparse
import platform
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import lru_cache
from multiprocessing import Pool
from pathlib import Path

import numpy as np
import scipy
from scipy.optimize import brentq, least_squares
from scipy.special import expit
from scipy.stats import binomtest
from tabulate import tabulate
from tqdm import tqdm

from vitcnn.intervals import CONFIDENCE, Interval, accuracy_interval, paired_difference

CHUNK = 50
NUM_RESAMPLES = 2000
BOOTSTRAPPED = 10
"""Every so many trials are bootstrapped too."""

LOW, HIGH = 0.93, 0.98
ALIKE = 0.8
"""Correlation of how hard an image is for the two architectures."""

NUM_CORRUPTED = 35
NODES, WEIGHTS = np.polynomial.hermite_e.hermegauss(101)
WEIGHTS = WEIGHTS / WEIGHTS.sum()

PAGE = """# How often the 95 % intervals hold the truth

Simulated, judged by the product's own code (`vitcnn/intervals.py`). Made {date} by `{command}`
({versions}). A share of {trials:,} trials near 95 % is known to within {known:.1f} points; the
bootstrap, done in every {bootstrapped}th trial, to within {less:.1f}.

- *Images* are easy and hard: how hard one is, is normal on the logit scale with the standard deviation of its column.
  At 1.5 logits two seeds are seldom wrong about the same images, at 6 mostly.
- *Seeds* are better and worse by a normal amount on that scale, such that their accuracies on endless images have the
  standard deviation of their column. *Answers* are then drawn for each seed and image.
- *Mean*: how often one architecture's interval holds its accuracy on endless images over endless seeds.
- *Difference*: how often the paired interval of two architectures holds theirs. They share the test images (correlation
  of how hard these are: {alike}), not the seeds. *Width*: the mean width of the interval, in points.
- The *bootstrap* over seeds and images, 2,000 resamples, stood in the product before.
- *Robustness*: each image is also answered under {num_corrupted} corruptions that leave 75 % right; the score is the
  mean relative accuracy.

Settings with a target, 93 to 98 %, for means and differences: {verdict}.

## With a target: three seeds

{targets}

## Without one

Other numbers of seeds, accuracies nearer to 100 %, pairs that do differ, and scores of robustness. One seed shows no
spread of seeds: its interval is over the images, and holds the truth as often only where seeds hardly differ.

{others}
"""


@dataclass(frozen=True, kw_only=True)
class Scenario:
    """Two architectures on the same test images: accuracies, and the deviation between seeds, as shares 0..1."""

    name: str
    images: int
    accuracy: float
    spread: float
    hardness: float = 3.0
    seeds: int = 3
    others_seeds: int = 3
    others_accuracy: float | None = None
    others_spread: float | None = None
    is_robustness: bool = False
    has_target: bool = True

    @property
    def both(self) -> tuple[tuple[float, float, int], ...]:
        """Accuracy, spread and number of seeds of each of the two."""
        accuracy = self.accuracy if self.others_accuracy is None else self.others_accuracy
        spread = self.spread if self.others_spread is None else self.others_spread
        return (self.accuracy, self.spread, self.seeds), (accuracy, spread, self.others_seeds)


SETTINGS = (
    Scenario(name="355 images, 99 %", images=355, accuracy=0.99, spread=0.002),
    Scenario(name="355 images, 94 % (trained on 100)", images=355, accuracy=0.94, spread=0.017),
    Scenario(name="1,000 images, seeds alike", images=1000, accuracy=0.90, spread=0.0),
    Scenario(name="1,000 images, seeds apart", images=1000, accuracy=0.90, spread=0.02),
    Scenario(name="10,000 images, seeds nearly alike", images=10_000, accuracy=0.90, spread=0.004),
    Scenario(name="10,000 images, seeds apart", images=10_000, accuracy=0.90, spread=0.02),
)
FEW, APART = SETTINGS[0], SETTINGS[3]

SCENARIOS = (
    *(replace(entry, hardness=hardness) for entry in SETTINGS for hardness in (1.5, 3.0, 6.0)),
    *(
        replace(entry, seeds=seeds, others_seeds=seeds, has_target=False)
        for seeds in (1, 2, 5)
        for entry in SETTINGS[:5]
    ),
    replace(APART, name="3 seeds against 5", others_seeds=5, has_target=False),
    replace(FEW, name="99 against 98 %, seeds apart", others_accuracy=0.98, others_spread=0.006, has_target=False),
    replace(APART, name="90 against 88 %, seeds apart", others_accuracy=0.88, others_spread=0.04, has_target=False),
    replace(FEW, name="355 images, 99.7 %", accuracy=0.997, spread=0.0005, has_target=False),
    replace(FEW, name="99.9 against 99.6 %", accuracy=0.999, others_accuracy=0.996, spread=0.0005, has_target=False),
    replace(FEW, name="robustness, 355 images", is_robustness=True, has_target=False),
    replace(SETTINGS[1], name="robustness, 355 images, seeds apart", is_robustness=True, has_target=False),
)


@dataclass(frozen=True, kw_only=True)
class Tally:
    """Over trials: how many intervals held the truth, and the sum of their widths; of the bootstrap too."""

    trials: int = 0
    mean: int = 0
    difference: int = 0
    width_of_mean: float = 0.0
    width_of_difference: float = 0.0
    bootstrapped: int = 0
    mean_by_bootstrap: int = 0
    difference_by_bootstrap: int = 0

    def __add__(self, other: Tally) -> Tally:
        return Tally(**{name: value + getattr(other, name) for name, value in vars(self).items()})


def expected(logit: np.ndarray | float, hardness: float) -> np.ndarray:
    """Return the accuracy on endless images of seeds whose mean image has these logits."""
    return (expit(np.asarray(logit)[..., None] + hardness * NODES) * WEIGHTS).sum(axis=-1)


@lru_cache
def logits(accuracy: float, spread: float, hardness: float) -> tuple[float, float]:
    """Return mean and deviation between seeds, in logits, that give this accuracy and spread on endless images."""
    middle = brentq(lambda logit: float(expected(logit, hardness)) - accuracy, -50, 50)
    if not spread:
        return middle, 0.0

    def missed(point: np.ndarray) -> list[float]:
        of_seeds = expected(point[0] + np.exp(point[1]) * NODES, hardness)
        mean = float((of_seeds * WEIGHTS).sum())
        deviation = float(np.sqrt(((of_seeds - mean) ** 2 * WEIGHTS).sum()))
        return [(mean - accuracy) / (1 - accuracy), deviation / spread - 1]

    found = least_squares(missed, [middle, np.log(spread / (1 - accuracy))])
    return float(found.x[0]), float(np.exp(found.x[1]))


@lru_cache
def relative_truth(accuracy: float, spread: float, hardness: float) -> float:
    """Return the mean relative accuracy of endless seeds on endless images."""
    middle, deviation = logits(accuracy, spread, hardness)
    of_seeds = middle + deviation * NODES
    return float((expected(of_seeds + _harder(accuracy, hardness), hardness) / expected(of_seeds, hardness)) @ WEIGHTS)


def _harder(accuracy: float, hardness: float) -> float:
    """Return how many logits a corruption costs: it leaves three quarters right."""
    return logits(0.75, 0.0, hardness)[0] - logits(accuracy, 0.0, hardness)[0]


def draw(scenario: Scenario, rng: np.random.Generator) -> list[np.ndarray]:
    """Return the scores of both architectures, (seeds, images), on one draw of images."""
    one = rng.normal(size=scenario.images)
    other = ALIKE * one + np.sqrt(1 - ALIKE**2) * rng.normal(size=scenario.images)
    scores = []
    for (accuracy, spread, seeds), image in zip(scenario.both, (one, other), strict=True):
        middle, deviation = logits(accuracy, spread, scenario.hardness)
        logit = middle + deviation * rng.normal(size=(seeds, 1)) + scenario.hardness * image
        right = rng.random(logit.shape) < expit(logit)
        if scenario.is_robustness:
            corrupted = expit(logit + _harder(accuracy, scenario.hardness))
            scores.append(relative(right, rng.binomial(NUM_CORRUPTED, corrupted) / NUM_CORRUPTED))
        else:
            scores.append(right)
    return scores


def relative(right: np.ndarray, under_shift: np.ndarray) -> np.ndarray:
    """Return the linear part of mean relative accuracy, as `vitcnn.metrics.robustness` does."""
    means = right.mean(axis=1, keepdims=True)
    ratios = under_shift.mean(axis=1, keepdims=True) / means
    return ratios + (under_shift - ratios * right) / means


def truths(scenario: Scenario) -> list[float]:
    """Return what the scores of both architectures are on endless images over endless seeds."""
    if not scenario.is_robustness:
        return [accuracy for accuracy, _, _ in scenario.both]
    return [relative_truth(accuracy, spread, scenario.hardness) for accuracy, spread, _ in scenario.both]


def bootstrap(rng: np.random.Generator, *signed: tuple[int, np.ndarray]) -> Interval:
    """Return the interval of the sum of signed means that the bootstrap gave: images together, seeds for each.

    Images with the same answers are drawn as one kind, which changes nothing but the time that it takes.
    """
    together = np.concatenate([scores for _, scores in signed])
    _, first, counts = np.unique(2.0 ** np.arange(len(together)) @ together, return_index=True, return_counts=True)
    kinds = together[:, first]
    num_images = together.shape[1]
    images = rng.multinomial(num_images, counts / num_images, size=NUM_RESAMPLES)
    resampled, start = np.zeros(NUM_RESAMPLES), 0
    for sign, scores in signed:
        count = len(scores)
        of_seeds = images @ kinds[start : start + count].T.astype(float) / num_images
        drawn = rng.multinomial(count, np.full(count, 1 / count), size=NUM_RESAMPLES) / count
        resampled += sign * (of_seeds * drawn).sum(axis=1)
        start += count
    low, high = np.quantile(resampled, [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2])
    return Interval(
        estimate=sum(sign * float(scores.mean()) for sign, scores in signed), low=float(low), high=float(high)
    )


def simulate(scenario: Scenario, rng: np.random.Generator, *, is_bootstrapped: bool) -> Tally:
    """Draw one trial and look whether each interval holds the truth; of robustness there is one on differences only."""
    ours, theirs = draw(scenario, rng)
    truth, others = truths(scenario)
    difference = paired_difference(ours, theirs)
    tally = Tally(
        trials=1,
        difference=difference.holds(truth - others),
        width_of_difference=difference.high - difference.low,
    )
    if not scenario.is_robustness:
        mean = accuracy_interval(ours)
        tally = replace(tally, mean=mean.holds(truth), width_of_mean=mean.high - mean.low)
    if is_bootstrapped and scenario.is_robustness:
        by_bootstrap = bootstrap(rng, (1, ours), (-1, theirs))
        tally = replace(tally, bootstrapped=1, difference_by_bootstrap=by_bootstrap.holds(truth - others))
    elif is_bootstrapped:
        tally = replace(
            tally,
            bootstrapped=1,
            mean_by_bootstrap=bootstrap(rng, (1, ours)).holds(truth),
            difference_by_bootstrap=bootstrap(rng, (1, ours), (-1, theirs)).holds(truth - others),
        )
    return tally


def simulate_many(task: tuple[int, int, range]) -> tuple[int, Tally]:
    """Simulate the trials of the given numbers of one scenario; each has a seed of its own."""
    index, seed, numbers = task
    trials = (
        simulate(
            SCENARIOS[index], np.random.default_rng([seed, index, number]), is_bootstrapped=number % BOOTSTRAPPED == 0
        )
        for number in numbers
    )
    return index, sum(trials, Tally())


def tallies(chosen: Sequence[int], *, trials: int, seed: int, processes: int) -> dict[int, Tally]:
    """Simulate the chosen scenarios, shown by a progress bar."""
    found = dict.fromkeys(chosen, Tally())
    tasks = [
        (index, seed, range(first, min(first + CHUNK, trials))) for index in chosen for first in range(0, trials, CHUNK)
    ]
    with Pool(processes) as pool, tqdm(total=trials * len(chosen), unit="trial") as bar:
        for index, tally in pool.imap_unordered(simulate_many, tasks):
            found[index] += tally
            bar.update(tally.trials)
    return found


def table(found: dict[int, Tally]) -> str:
    """Return a row for each scenario; what a scenario has not is a dash."""
    headers = (
        "scenario",
        "seeds",
        "between seeds, points",
        "hardness, logits",
        "mean, %",
        "width",
        "difference, %",
        "width",
        "bootstrap: mean, %",
        "difference, %",
    )
    rows = [
        (
            SCENARIOS[index].name,
            str(SCENARIOS[index].seeds),
            f"{100 * SCENARIOS[index].spread:g}",
            f"{SCENARIOS[index].hardness:g}",
            *(["-", "-"] if SCENARIOS[index].is_robustness else _of(tally.mean, tally.width_of_mean, tally.trials)),
            *_of(tally.difference, tally.width_of_difference, tally.trials),
            "-" if SCENARIOS[index].is_robustness else _share(tally.mean_by_bootstrap, tally.bootstrapped),
            _share(tally.difference_by_bootstrap, tally.bootstrapped),
        )
        for index, tally in found.items()
    ]
    return tabulate(rows, headers=headers, tablefmt="github", disable_numparse=True)


def _of(held: int, width: float, trials: int) -> list[str]:
    return [_share(held, trials), f"{100 * width / trials:.1f}"]


def _share(count: int, total: int) -> str:
    return f"{100 * count / total:.1f}"


def missed(found: dict[int, Tally]) -> list[str]:
    """Return the scenarios with a target whose means or differences are outside it."""
    return [
        f"{SCENARIOS[index].name}, hardness {SCENARIOS[index].hardness:g}: {what} {_share(held, tally.trials)} %"
        for index, tally in found.items()
        if SCENARIOS[index].has_target
        for what, held in (("mean", tally.mean), ("difference", tally.difference))
        if not LOW <= held / tally.trials <= HIGH
    ]


def page(found: dict[int, Tally], options: argparse.Namespace) -> str:
    """Return the Markdown page: how it was made, whether the targets are reached, and the tables."""
    versions = f"Python {platform.python_version()}, NumPy {np.__version__}, SciPy {scipy.__version__}"

    def known(trials: int) -> float:
        """Return half of Wilson's interval of a share of 95 %, in points."""
        interval = binomtest(round(CONFIDENCE * trials), trials).proportion_ci(method="wilson")
        return 50 * (interval.high - interval.low)

    def those(*, with_target: bool) -> dict[int, Tally]:
        return {index: tally for index, tally in found.items() if SCENARIOS[index].has_target is with_target}

    return PAGE.format(
        command=f"python tools/simulate_intervals.py --trials {options.trials} --seed {options.seed}",
        date=f"{datetime.now(UTC):%Y-%m-%d}",
        versions=versions,
        trials=options.trials,
        known=known(options.trials),
        bootstrapped=BOOTSTRAPPED,
        less=known(options.trials // BOOTSTRAPPED),
        alike=ALIKE,
        num_corrupted=NUM_CORRUPTED,
        verdict="; ".join(missed(found)) or "all reach it",
        targets=table(those(with_target=True)),
        others=table(those(with_target=False)),
    )


def main() -> None:
    """Simulate, print the table, and write the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trials", type=int, default=2000, metavar="N", help="trials of a scenario; default: 2000")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--processes", type=int, default=1, metavar="N")
    parser.add_argument("--only", default="", metavar="TEXT", help="only scenarios whose name holds this")
    parser.add_argument("--out", type=Path, metavar="FILE", help="the Markdown page to write")
    options = parser.parse_args()
    chosen = [index for index, scenario in enumerate(SCENARIOS) if options.only in scenario.name]
    found = tallies(chosen, trials=options.trials, seed=options.seed, processes=options.processes)
    print(table(found))
    if options.out:
        options.out.write_text(page(found, options), encoding="utf-8")


if __name__ == "__main__":
    main()
