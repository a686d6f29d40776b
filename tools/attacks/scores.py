"""An accuracy falls. The scripted suite trains nothing, so that scores are written into the files of its runs."""

from __future__ import annotations

from typing import Any

from attacks.steps import GREEN, USUAL, Attack, Command, Step, edit, edited, measure, offline

BASELINE = {seed: 0.95 + 0.002 * (7 * seed % 5 - 2) for seed in range(15)}
"""The score of each seed that the five processes of the baseline trained, three each."""


def measurement(scores: dict[int, float]) -> dict[str, Any]:
    """Return the scores of seeds as a run's JSON has them."""
    fields = {"metric": "test_accuracy", "unit": "1", "better": "higher", "tolerance": 0.01}
    return {**fields, "samples": [*scores.values()]}


def scored(number: int) -> Step:
    """Return what gives the stored run of this number its three seeds."""
    scores = {seed: BASELINE[seed] for seed in range(3 * number, 3 * number + 3)}

    def change(run: dict[str, Any]) -> None:
        (record,) = (case["record"] for case in run["cases"] if "bee" in case["id"])
        record["settings"]["seeds"] = list(scores)
        record["measurements"].append(measurement(scores))

    return edit(change, number)


def judged(scores: dict[int, float]) -> tuple[Command, ...]:
    """Return what gives the run these scores, and judges it."""
    code = (
        "(record,) = (case['record'] for case in run['cases'] if 'bee' in case['id']); "
        f"record['settings']['seeds'] = {list(scores)}; record['measurements'].append({measurement(scores)})"
    )
    return (edited(code), offline())


FIRST = {seed: BASELINE[seed] for seed in range(3)}
FALLEN = {
    "all seeds fall by two points": {seed: score - 0.02 for seed, score in FIRST.items()},
    "one seed of three collapses, the others repeat exactly": {**FIRST, 1: 0.1},
    "one seed of three loses four points, the others repeat exactly": {**FIRST, 1: FIRST[1] - 0.04},
    "other seeds than the baseline's are worse": {seed: 0.90 + 0.001 * seed for seed in range(20, 26)},
    "three seeds of nine collapse, the others change": {
        seed: 0.1 if seed % 3 == 1 else BASELINE[seed] + 0.001 * (seed - 4) for seed in range(9)
    },
}

ATTACKS = (
    Attack(
        name="control: an accuracy that repeats seed by seed",
        do=(USUAL, *map(scored, range(5))),
        before=(measure("out"),),
        run=judged(FIRST),
        exit=GREEN,
        says="points in the median score",
    ),
    *(
        Attack(
            name=f"accuracy: {what}",
            do=(USUAL, *map(scored, range(5))),
            before=(measure("out"),),
            run=judged(scores),
            says="1 WORSE",
        )
        for what, scores in FALLEN.items()
    ),
)
