"""Runs are judged from their files, or go on from them."""

from __future__ import annotations

from attacks.steps import (
    INVALID,
    REFUSED,
    USAGE,
    USUAL,
    Attack,
    Command,
    append,
    conftest,
    copy_runs,
    edited,
    gate,
    measure,
    offline,
    replace_in,
)
from attacks.suite import INSECTS, STORE

ATTACKS = (
    Attack(name="offline: no run", run=(offline("out"),), exit=(2, 3)),
    Attack(
        name="offline: the run is cut off",
        before=(measure("out"),),
        run=(
            Command("python", ("-c", "p = 'out/run.json'; t = open(p).read()[:500]; open(p, 'w').write(t)")),
            offline(),
        ),
        exit=INVALID,
    ),
    Attack(
        name="offline: one file given twice", before=(measure("out"),), run=(offline("out", "out/run.json"),), exit=(2,)
    ),
    Attack(
        name="offline: one run copied four times",
        do=(USUAL,),
        before=(measure("out"), copy_runs("out", "a", "b", "c")),
        run=(offline("out", "a", "b", "c"),),
        exit=INVALID,
    ),
    Attack(
        name="offline: a stored run judged by itself",
        run=(
            Command(
                "python",
                (
                    "-c",
                    f"import shutil, pathlib; shutil.copy(sorted(pathlib.Path({STORE!r}).rglob('0*.json'))[0], 'run.json')",
                ),
            ),
            offline("run.json"),
        ),
        exit=INVALID,
    ),
    Attack(
        name="offline: runs of other days mixed in",
        do=(USUAL,),
        before=(measure("out"), measure("out2")),
        run=(
            edited("run['started'] = '2026-01-03T08:00:00+00:00'", "out2/run.json"),
            offline("out", "out2"),
        ),
        exit=INVALID,
    ),
    Attack(
        name="offline: a run of the future",
        do=(USUAL,),
        before=(measure("out"),),
        run=(
            edited("run['started'] = '9026-01-03T08:00:00+00:00'"),
            offline(),
        ),
        exit=INVALID,
    ),
    Attack(
        name="offline: a narrowed run first",
        before=(measure("out", "-k", "cat"), measure("out2", "-k", "not bee")),
        run=(offline("out", "out2"),),
        exit=INVALID,
    ),
    Attack(
        name="offline: a narrowed run first, then a whole one in which a case is skipped",
        do=(replace_in(INSECTS, "    measure", "    if name == 'bee': pytest.skip('no')\n    measure"),),
        before=(measure("out", "-k", "cat"), measure("out2")),
        run=(offline("out", "out2"),),
        exit=REFUSED,
    ),
    Attack(
        name="offline: a rerun that was stopped",
        do=(USUAL,),
        before=(measure("out"),),
        run=(Command("python", ("-c", "import os; os.mkdir('out/rerun-1')")), offline()),
        exit=INVALID,
    ),
    Attack(
        name="offline: a case twice in the run",
        do=(USUAL,),
        before=(measure("out"),),
        run=(
            edited("run['cases'] *= 2"),
            offline(),
        ),
        exit=INVALID,
    ),
    Attack(
        name="--resume: other uncommitted changes than the interrupted run had",
        do=(
            USUAL,
            append("scripted.py", "# one change\n"),
            conftest(
                "def pytest_runtest_setup(item):\n    if 'cat' in item.name and not Path('again').exists():\n        pytest.exit('stop')"
            ),
        ),
        before=(
            measure("first"),
            Command("python", ("-c", "open('again', 'w'); open('scripted.py', 'a').write('# another')")),
        ),
        run=(gate("--resume", "first"),),
        exit=USAGE,
    ),
)
