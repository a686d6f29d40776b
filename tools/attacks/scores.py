"""An accuracy falls. The scripted suite trains nothing, so that scores are written into the files of its runs."""

from __future__ import annotations

from typing import Any

from attacks.steps import GREEN, INVALID, USUAL, Attack, Command, Step, copy_runs, edit, edited, measure, offline

BASELINE = {seed: 0.95 + 0.002 * (7 * seed % 5 - 2) for seed in range(15)}
"""The score of each seed that the five processes of the baseline trained, three each."""


def measurement(scores: dict[int, float]) -> dict[str, Any]:
    """Return the scores of seeds as a run's JSON has them."""
    fields = {"metric": "test_accuracy", "unit": "1", "better": "higher", "tolerance": 0.01}
    return {**fields, "samples": [*scores.values()]}


def scored(number: int) -> Step:
    """Return what gives the stored run of this number its three seeds."""
    scores = block_of(number, fall=0.0)

    def change(run: dict[str, Any]) -> None:
        (record,) = (case["record"] for case in run["cases"] if "bee" in case["id"])
        record["settings"]["seeds"] = list(scores)
        record["measurements"].append(measurement(scores))

    return edit(change, number)


def gives(scores: dict[int, float]) -> str:
    """Return the code that gives a run these scores."""
    return (
        "(record,) = (case['record'] for case in run['cases'] if 'bee' in case['id']); "
        f"record['settings']['seeds'] = {list(scores)}; record['measurements'].append({measurement(scores)})"
    )


def judged(scores: dict[int, float]) -> tuple[Command, ...]:
    """Return what gives the run these scores, and judges it."""
    return (edited(gives(scores)), offline())


def fallen_beside_others(*, whole_reruns: int) -> tuple[Command, ...]:
    """Return what lowers a score in runs of the whole suite, and not in two reruns of the case alone; and judges it."""
    blocks = [0, 1, *range(1, 1 + whole_reruns)]
    commands = [edited(f"run['more_runs'] = 2; {gives(block_of(0, fall=0.02))}")]
    for number, block in enumerate(blocks, 1):
        is_alone = number <= 2
        leave_out = "[c.update(outcome='deselected', record=None) for c in run['cases'] if 'bee' not in c['id']]; "
        later = f"run['started'] = run['started'][:17] + '{number:02}' + run['started'][19:]; "
        scores = gives(block_of(block, fall=0.0 if is_alone else 0.02))
        code = f"{leave_out if is_alone else ''}{later}{scores}"
        commands += [edited(code, f"out/rerun-{number}/run.json")]
    copies = copy_runs("whole", *(f"out/rerun-{number}" for number in range(1, 1 + len(blocks))))
    return (copy_runs("out", "whole"), copies, *commands, offline())


def block_of(number: int, *, fall: float) -> dict[int, float]:
    """Return the seeds that the process of this number trains, with scores so much lower than the baseline's."""
    return {seed: BASELINE[seed] - fall for seed in range(3 * number, 3 * number + 3)}


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
    Attack(
        name="accuracy: all seeds fall by two points beside the other cases only",
        do=(USUAL, *map(scored, range(5))),
        before=(measure("out"),),
        run=fallen_beside_others(whole_reruns=3),
        says="1 WORSE",
    ),
    Attack(
        name="accuracy: they fall beside the other cases only, and the runs that show it are left out",
        do=(USUAL, *map(scored, range(5))),
        before=(measure("out"),),
        run=fallen_beside_others(whole_reruns=0),
        exit=INVALID,
        says="1 INVALID",
    ),
)
