"""Baselines are recorded, and revisions change, at the wrong moment."""

from __future__ import annotations

from attacks.steps import (
    GREEN,
    IN_RERUN,
    INVALID,
    KILL_STORING,
    RED,
    REFUSED,
    RESTORE,
    USUAL,
    Attack,
    Command,
    append,
    conftest,
    edit,
    edited,
    gate,
    git,
    git_in_code,
    measure,
    offline,
    record,
    replace_in,
)
from attacks.suite import INSECTS, MAMMALS, STORE

ATTACKS = (
    Attack(
        name="recording: a case vanished",
        do=(replace_in(INSECTS, ", 'bee'", ""),),
        run=(record(), gate()),
        exit=REFUSED,
        says="bee",
    ),
    Attack(
        name="recording: a case vanished, and it is allowed",
        do=(replace_in(INSECTS, ", 'bee'", ""),),
        run=(record("--allow-removed"), gate()),
        exit=GREEN,
        says="bee",
    ),
    Attack(
        name="recording: a smaller preset drops cases",
        do=(
            edit(
                lambda run: run["cases"].append(
                    {**run["cases"][0], "id": "x", "record": {**run["cases"][0]["record"], "case": "x"}}
                )
            ),
        ),
        run=(record(to_pytest=["--preset", "smoke"]), gate()),
        exit=REFUSED,
        slow=False,
    ),
    Attack(
        name="recording: a file as the suite counts as whole",
        do=(USUAL,),
        before=(
            record("--suite", MAMMALS, "--baselines", STORE),
            Command(
                "python",
                (
                    "-c",
                    f"from pathlib import Path; p = Path({INSECTS!r}); p.write_text(p.read_text().replace(\", 'bee'\", ''))",
                ),
            ),
        ),
        run=(gate(),),
        says="1 MISSING",
    ),
    Attack(
        name="recording: a folder of the suite counts as whole",
        before=(record("--suite", "benchmarks/birds", "--baselines", STORE),),
        run=(gate(),),
        says="1 WORSE",
    ),
    Attack(
        name="recording: of two revisions",
        do=(
            USUAL,
            conftest(
                f"if Path('processes.txt').exists() and int(Path('processes.txt').read_text()) == 1: {git_in_code('commit', '--quiet', '--allow-empty', '--message', 'x')}"
            ),
        ),
        run=(record(runs=2),),
        exit=REFUSED,
    ),
    Attack(
        name="recording: changed between two processes",
        do=(conftest(f"{IN_RERUN}{RESTORE}"),),
        run=(record(runs=2),),
        exit=REFUSED,
    ),
    Attack(
        name="recording: SIGTERM while it is stored",
        before=(Command("python", ("-c", KILL_STORING.format(number="0008", signal="SIGTERM"))),),
        run=(gate(),),
    ),
    Attack(
        name="recording: SIGKILL while it is stored",
        before=(Command("python", ("-c", KILL_STORING.format(number="0008", signal="SIGKILL"))),),
        run=(gate(),),
        says="INVALID",
    ),
    Attack(
        name="recording: SIGKILL before the first file is whole",
        before=(Command("python", ("-c", KILL_STORING.format(number="0006", signal="SIGKILL"))),),
        run=(gate(),),
    ),
    Attack(
        name="recording: of a case that failed",
        do=(append(INSECTS, "    assert name != 'bee'\n"),),
        run=(record(),),
        exit=RED,
    ),
    Attack(name="recording: with --benchmark-disable", run=(record(to_pytest=["--benchmark-disable"]),), exit=RED),
    Attack(name="recording: with --collect-only", run=(record(to_pytest=["--collect-only"]),), exit=(2,)),
    Attack(name="recording: a name that is taken", run=(record("--name", "first"),), exit=(2,)),
    Attack(
        name="revision: restored and committed while suspects are measured again",
        do=(conftest(f"{IN_RERUN}{RESTORE}; {git_in_code('commit', '--quiet', '--all', '--message', 'x')}"),),
        run=(gate(reruns=1),),
        exit=REFUSED,
        says="revision",
    ),
    Attack(
        name="revision: restored while suspects are measured again",
        do=(conftest(f"{IN_RERUN}{RESTORE}"),),
        run=(gate(reruns=1),),
        exit=REFUSED,
        says="revision",
    ),
    Attack(
        name="revision: another commit is checked out while suspects are measured again",
        do=(
            git("commit", "--quiet", "--all", "--message", "slow"),
            conftest(f"{IN_RERUN}{git_in_code('stash', '--quiet')}; {git_in_code('checkout', '--quiet', 'HEAD~1')}"),
        ),
        run=(gate(reruns=1),),
        exit=REFUSED,
        says="revision",
    ),
    Attack(
        name="revision: restored while the run is measured",
        do=(
            replace_in(
                INSECTS, "def test_insect", "import os; os.system('git checkout --quiet times.json')\ndef test_insect"
            ),
        ),
        run=(gate(),),
        exit=REFUSED,
    ),
    Attack(
        name="revision: runs of two commits, from the files",
        do=(USUAL,),
        before=(measure("out"), measure("out2")),
        run=(
            edited("run['environment']['git_commit'] = 'f' * 40", "out2/run.json"),
            offline("out", "out2"),
        ),
        exit=INVALID,
        says="two revisions",
    ),
    Attack(
        name="revision: clean and changed runs, from the files",
        do=(USUAL,),
        before=(measure("out"),),
        run=(
            Command("python", ("-c", "open('conftest.py', 'a').write('\\n# changed\\n')")),
            measure("out2"),
            offline("out", "out2"),
        ),
        exit=INVALID,
        says="revision",
    ),
)
