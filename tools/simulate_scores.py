"""How often the gate is wrong about accuracies: simulated suites of scores, judged by the product's own code.

    python tools/simulate_scores.py --suites 2000 --processes 2 --out docs/results/gate-scores.md

A suite is a set of scores. Its baseline was trained by five processes, three seeds each; the run trains the first
three seeds, and fresh processes the next ones, three each, where the gate wants a case again. Each suite is judged with
nothing changed, where any WORSE is a false alarm, and with one score lower, which the gate should find: in every
process, or in those alone that measure the whole suite. Then some seeds of one score collapse: because of a change,
which the gate should find, or by chance in the baseline and the run alike.
"""

from __future__ import annotations

import argparse
import platform
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from multiprocessing import Pool
from pathlib import Path

import numpy as np
import scipy
from simulate_gate import ENVIRONMENT, RERUNS, share
from tabulate import tabulate
from tqdm import tqdm

from vitcnn.gate.baseline import Baseline, CaseBaseline
from vitcnn.gate.remeasure import IN_COMPANY, judge_with_reruns
from vitcnn.gate.times import LOOKS
from vitcnn.record import CaseResult, Measurement, Record, Run

NUM_SEEDS, BASELINE_RUNS = 3, 5
CHUNK = 25
SIZES = (2, 8, 40)
FALLS = (0.02, 0.015)
COLLAPSES = ((3, 0.80), (3, 0.10), (6, 0.80), (6, 0.15))
"""One seed in so many, one of the first three among them, falls by so much."""
ROUNDING = 0.5
"""Points by which two trainings of one seed and code differ at most, where they do not repeat exactly."""
BY_CHANCE = (0.01, 0.03, 0.08, 0.15)
"""Shares of the trainings that collapse without any change."""

PAGE = """# How often the gate is wrong about accuracies

Simulated suites of scores, judged by the product's own code (`judge_with_reruns`). Made {date} by `{command}`
({versions}).

A baseline is five processes with three seeds each. The run trains the first three seeds again; suspects train the next
ones in {reruns} processes a round, at most {looks} rounds. *Between seeds* is the standard deviation of a score from
seed to seed, *seed by seed* that of the difference between two trainings of one seed: 0 where the same code repeats its
accuracies exactly, as on a CPU; 0.2 to 0.5 points where only rounding changes; up to 1.4 where other random numbers are
drawn. In *mixed* suites the scores take the measured spreads in turn: 0.2, 0.6 and 1.7 points. What is planted is a
fall of one score, drawn at random. Scores are judged at a tolerance of 1 point. Intervals are Wilson's,
95 %. The targets: at most 1 % of unchanged suites red, 95 % of falls of 2 points caught, 80 % of falls of 1.5 points.

{table}

## What does not hold

{misses}

## Falls beside other cases only

A case makes another one worse that runs after it in the same process: one score falls in the first run, and not in the
processes that measure the suspects without the others. The whole suite is measured again then, up to three times.
Caught, % of suites, and how often the whole suite was measured again although nothing changed, or where the score
fell in every process by 2 points, % of suites:

{beside}

## Trainings that collapse

A change makes one seed in so many of one score fall by so many points, one of the first three seeds among them; the
others of the score vary as the name says. Caught, % of suites:

{collapses}

Nothing changed, but so many of one score's trainings end 5 to 85 points lower, as where a recipe is at the limit of
what converges. Where trainings repeat exactly, the same seeds do so in the baseline and today, otherwise others. False
alarms, % of suites:

{by_chance}
"""


@dataclass(frozen=True, kw_only=True)
class Scenario:
    """Scores of one kind; standard deviations in points. `seed_by_seed` is at most what two other seeds would show."""

    name: str
    between_seeds: tuple[float, ...]
    seed_by_seed: float
    tails: float = np.inf


MIXED = (0.2, 0.6, 1.7)
SCENARIOS = (
    Scenario(name="mixed, repeated exactly", between_seeds=MIXED, seed_by_seed=0.0),
    Scenario(name="mixed, rounding changes", between_seeds=MIXED, seed_by_seed=0.5),
    Scenario(name="mixed, draws change", between_seeds=MIXED, seed_by_seed=1.4),
    Scenario(name="0.2 between seeds, rounding changes", between_seeds=(0.2,), seed_by_seed=0.2),
    Scenario(name="0.6 between seeds, draws change", between_seeds=(0.6,), seed_by_seed=1.4),
    Scenario(name="1.7 between seeds, rounding changes", between_seeds=(1.7,), seed_by_seed=0.5),
    Scenario(name="1.7 between seeds, draws change", between_seeds=(1.7,), seed_by_seed=1.4),
    Scenario(name="mixed, draws change, heavy tails (Student t, 3)", between_seeds=MIXED, seed_by_seed=1.4, tails=3.0),
)


@dataclass(frozen=True, kw_only=True)
class Tally:
    """Counts over suites, and of scores in suites where nothing changed."""

    suites: int = 0
    false_alarms: int = 0
    caught: tuple[int, ...] = (0,) * len(FALLS)
    collapses: tuple[int, ...] = (0,) * len(COLLAPSES)
    by_chance: tuple[int, ...] = (0,) * len(BY_CHANCE)
    beside: tuple[int, ...] = (0,) * len(FALLS)
    whole: tuple[int, ...] = (0, 0)
    remeasured: int = 0

    def __add__(self, other: Tally) -> Tally:
        return Tally(
            suites=self.suites + other.suites,
            false_alarms=self.false_alarms + other.false_alarms,
            caught=_added(self.caught, other.caught),
            collapses=_added(self.collapses, other.collapses),
            by_chance=_added(self.by_chance, other.by_chance),
            beside=_added(self.beside, other.beside),
            whole=_added(self.whole, other.whole),
            remeasured=self.remeasured + other.remeasured,
        )


def _added(one: Sequence[int], two: Sequence[int]) -> tuple[int, ...]:
    return tuple(map(sum, zip(one, two, strict=True)))


class Trainings:
    """The scores of all seeds of a suite, (scores, seeds): as the baseline and as today's processes come to them.

    `again` is what a second training of the same seed and code adds.
    """

    def __init__(self, scenario: Scenario, size: int, rng: np.random.Generator) -> None:
        num_seeds = NUM_SEEDS * (1 + LOOKS * RERUNS)
        spread = np.resize(scenario.between_seeds, size)[:, None] / 100
        each = np.minimum(scenario.seed_by_seed / 100, np.sqrt(2) * spread) / np.sqrt(2)
        shared = np.sqrt(spread**2 - each**2) * rng.normal(size=(size, num_seeds))
        own = [each * _draw(scenario.tails, (size, num_seeds), rng) for _ in range(2)]
        self.before, self.now = (0.95 + shared + noise for noise in own)
        rounding = np.minimum(each, ROUNDING / np.sqrt(2) / 100)
        self.again = rounding * rng.normal(size=(size, num_seeds))
        self.planted = int(rng.integers(size))
        self.repeats = not scenario.seed_by_seed

    def fallen(self, fall: float) -> np.ndarray:
        """Return today's scores where all seeds of one score fell."""
        return self._with(self.now, -fall)

    def collapsed(self, one_in: int, fall: float, first: int) -> np.ndarray:
        """Return today's scores where one seed in so many of one score fell, the first of them `first`."""
        return self._with(self.now, -fall * (np.arange(self.now.shape[1]) % one_in == first))

    def by_chance(self, share: float, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        """Return the baseline's and today's scores where a share of one score's trainings end far lower."""
        shape, sides = self.now.shape[1], 1 if self.repeats else 2
        falls = [rng.uniform(0.05, 0.85, shape) * (rng.random(shape) < share) for _ in range(sides)]
        return self._with(self.before, -falls[0]), self._with(self.now, -falls[-1])

    def _with(self, scores: np.ndarray, change: float | np.ndarray) -> np.ndarray:
        scores = scores.copy()
        scores[self.planted] += change
        return scores


def _draw(tails: float, size: tuple[int, int], rng: np.random.Generator) -> np.ndarray:
    if np.isinf(tails):
        return rng.normal(size=size)
    return rng.standard_t(tails, size) / np.sqrt(tails / (tails - 2))


def simulate(scenario: Scenario, size: int, rng: np.random.Generator) -> Tally:
    """Judge one suite in which nothing changed, with each fall of one score, and with each kind of collapse."""
    trainings = Trainings(scenario, size, rng)
    before, now, planted = trainings.before, trainings.now, trainings.planted
    first = int(rng.integers(NUM_SEEDS))

    def is_caught(beside: np.ndarray, alone: np.ndarray) -> bool:
        return judged(before, beside, alone + trainings.again).kinds[planted] == "WORSE"

    unchanged = judged(before, now, now + trainings.again)
    fallen = [trainings.fallen(fall) for fall in FALLS]
    everywhere = [judged(before, scores, scores + trainings.again) for scores in fallen]
    collapsed = [trainings.collapsed(one_in, fall, first) for one_in, fall in COLLAPSES]
    by_chance = (trainings.by_chance(share, rng) for share in BY_CHANCE)
    return Tally(
        suites=1,
        false_alarms="WORSE" in unchanged.kinds,
        caught=tuple(int(found.kinds[planted] == "WORSE") for found in everywhere),
        collapses=tuple(int(is_caught(scores, scores)) for scores in collapsed),
        by_chance=tuple(int("WORSE" in judged(one, two, two + trainings.again).kinds) for one, two in by_chance),
        beside=tuple(int(is_caught(scores, now)) for scores in fallen),
        whole=(int(unchanged.is_whole_again), int(everywhere[0].is_whole_again)),
        remeasured=unchanged.remeasured,
    )


@dataclass(frozen=True, kw_only=True)
class Judged:
    """The kind of verdict on each score, how many were measured again, and whether the whole suite was."""

    kinds: list[str]
    remeasured: int
    is_whole_again: bool


def judged(before: np.ndarray, beside: np.ndarray, alone: np.ndarray) -> Judged:
    """Judge (scores, seeds) as processes come to them today: those of the whole suite, and those of suspects alone."""
    names = [f"case{index}" for index in range(len(before))]
    recorded = [
        [_record(name, scores, block) for block in range(BASELINE_RUNS)]
        for name, scores in zip(names, before, strict=True)
    ]
    baseline = Baseline(
        cases={
            name: CaseBaseline(recording="recorded", records=tuple(records))
            for name, records in zip(names, recorded, strict=True)
        },
        oldest={},
        not_measured={},
        environments=(ENVIRONMENT,),
    )
    remeasured: set[str] = set()
    rounds: set[int] = set()

    def process(cases: Sequence[str], block: int) -> Run:
        scores = beside if len(cases) == len(names) else alone
        records = (_record(case, scores[names.index(case)], block) for case in cases)
        results = tuple(CaseResult(id=record.case, outcome="passed", record=record) for record in records)
        return Run(environment=ENVIRONMENT, cases=results)

    def measure(suspects: Sequence[str], number: int, blocks: Sequence[int]) -> list[Run]:
        rounds.add(number)
        if number < IN_COMPANY:
            remeasured.update(suspects)
        return [process(suspects, block) for block in blocks]

    judgement, _ = judge_with_reruns(process(names, 0), baseline, measure, reruns=RERUNS)
    kinds = {verdict.case: verdict.kind for verdict in judgement.verdicts}
    return Judged(
        kinds=[kinds[name] for name in names], remeasured=len(remeasured), is_whole_again=IN_COMPANY in rounds
    )


def _record(case: str, scores: np.ndarray, block: int) -> Record:
    seeds = range(block * NUM_SEEDS, (block + 1) * NUM_SEEDS)
    samples = tuple(float(scores[seed]) for seed in seeds)
    score = Measurement(metric="test_accuracy", unit="1", better="higher", tolerance=0.01, samples=samples)
    settings = {"seeds": list(seeds)}
    return Record(case=case, architecture="", family="", settings=settings, status="ok", measurements=(score,))


def simulate_many(task: tuple[int, int, int, range]) -> tuple[tuple[int, int], Tally]:
    """Simulate the suites of the given numbers of one scenario and size; each has a seed of its own."""
    scenario, size, seed, numbers = task
    seeds = ([seed, scenario, size, number] for number in numbers)
    found = (simulate(SCENARIOS[scenario], size, np.random.default_rng(entry)) for entry in seeds)
    return (scenario, size), sum(found, Tally())


def tallies(chosen: Sequence[int], *, suites: int, seed: int, processes: int) -> dict[tuple[int, int], Tally]:
    """Simulate the chosen scenarios in suites of each size, shown by a progress bar."""
    found = {(index, size): Tally() for index in chosen for size in SIZES}
    tasks = [
        (index, size, seed, range(first, min(first + CHUNK, suites)))
        for index, size in found
        for first in range(0, suites, CHUNK)
    ]
    with Pool(processes) as pool, tqdm(total=suites * len(found), unit="suite") as bar:
        for key, tally in pool.imap_unordered(simulate_many, tasks):
            found[key] += tally
            bar.update(tally.suites)
    return found


def table(found: dict[tuple[int, int], Tally]) -> str:
    """Return a row for each scenario and size."""
    headers = (
        "scores",
        "suite of",
        "false alarm, % of suites",
        *(f"-{100 * fall:g} points caught, %" for fall in FALLS),
        "re-measured, % of scores",
    )
    rows = [
        (
            SCENARIOS[index].name,
            size,
            share(tally.false_alarms, tally.suites),
            *(share(count, tally.suites) for count in tally.caught),
            f"{100 * tally.remeasured / tally.suites / size:.0f}",
        )
        for (index, size), tally in found.items()
    ]
    return tabulate(rows, headers=headers, tablefmt="github", disable_numparse=True)


def shares_table(found: dict[tuple[int, int], Tally], field: str, headers: Sequence[str]) -> str:
    """Return a row for each scenario and size: the shares of suites that one field of the tallies counts."""
    rows = [
        (SCENARIOS[index].name, size, *(share(count, tally.suites) for count in getattr(tally, field)))
        for (index, size), tally in found.items()
    ]
    return tabulate(rows, headers=("scores", "suite of", *headers), tablefmt="github", disable_numparse=True)


def collapses_table(found: dict[tuple[int, int], Tally]) -> str:
    """Return how often each kind of collapse is caught."""
    headers = [f"1 in {one_in} falls by {100 * fall:g}" for one_in, fall in COLLAPSES]
    return shares_table(found, "collapses", headers)


def by_chance_table(found: dict[tuple[int, int], Tally]) -> str:
    """Return how often trainings that collapse by chance turn a suite red."""
    return shares_table(found, "by_chance", [f"{100 * part:g} % collapse" for part in BY_CHANCE])


def beside_table(found: dict[tuple[int, int], Tally]) -> str:
    """Return how often falls beside other cases only are caught, and how often the whole suite is measured again."""
    headers = [f"-{100 * fall:g} points beside others caught, %" for fall in FALLS]
    rows = [
        (SCENARIOS[index].name, size, *(share(count, tally.suites) for count in (*tally.beside, *tally.whole)))
        for (index, size), tally in found.items()
    ]
    again = ("whole again, unchanged", "whole again, -2 points everywhere")
    return tabulate(rows, headers=("scores", "suite of", *headers, *again), tablefmt="github", disable_numparse=True)


def misses(found: dict[tuple[int, int], Tally]) -> str:
    """Return a line for each target that a scenario misses, or that none does."""
    limits = zip((f"a fall of {100 * fall:g} points is caught" for fall in FALLS), (0.95, 0.80), strict=True)
    lines = []
    for index, (what, least) in enumerate(limits):
        lines += [
            f"- {SCENARIOS[scenario].name}, suite of {size}: {what} {100 * tally.caught[index] / tally.suites:.1f} % "
            f"of the time, less than {100 * least:g} %."
            for (scenario, size), tally in found.items()
            if tally.caught[index] < least * tally.suites
        ]
    lines += [
        f"- {SCENARIOS[scenario].name}, suite of {size}: {100 * tally.false_alarms / tally.suites:.1f} % of unchanged "
        "suites are red, more than 1 %."
        for (scenario, size), tally in found.items()
        if tally.false_alarms > 0.01 * tally.suites
    ]
    return "\n".join(lines) or "All targets hold in every scenario."


def page(found: dict[tuple[int, int], Tally], options: argparse.Namespace) -> str:
    """Return the Markdown page."""
    command = f"python tools/simulate_scores.py --suites {options.suites} --seed {options.seed}"
    versions = f"Python {platform.python_version()}, NumPy {np.__version__}, SciPy {scipy.__version__}"
    date = f"{datetime.now(UTC):%Y-%m-%d}"
    return PAGE.format(
        command=command,
        date=date,
        versions=versions,
        table=table(found),
        misses=misses(found),
        beside=beside_table(found),
        collapses=collapses_table(found),
        by_chance=by_chance_table(found),
        reruns=RERUNS,
        looks=LOOKS,
    )


def main() -> None:
    """Simulate, print the table, and write the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--suites", type=int, default=2000, metavar="N", help="suites of a scenario; default: 2000")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--processes", type=int, default=1, metavar="N")
    parser.add_argument("--only", default="", metavar="TEXT", help="only scenarios whose name holds this")
    parser.add_argument("--out", type=Path, metavar="FILE", help="the Markdown page to write")
    options = parser.parse_args()
    chosen = [index for index, scenario in enumerate(SCENARIOS) if options.only in scenario.name]
    found = tallies(chosen, suites=options.suites, seed=options.seed, processes=options.processes)
    print(table(found))
    print(f"\n{misses(found)}\n\n{beside_table(found)}\n\n{collapses_table(found)}\n\n{by_chance_table(found)}")
    if options.out:
        options.out.write_text(page(found, options), encoding="utf-8")


if __name__ == "__main__":
    main()
