"""Unchanged code, which must be green: a gate that is always red holds nothing."""

from __future__ import annotations

from attacks.steps import CI, GREEN, USUAL, Attack, append, conftest, gate, offline, record, replace_in
from attacks.suite import BEE, MAMMALS

ATTACKS = (
    Attack(name="control: unchanged code", run=(gate(),), slow=False, exit=GREEN, says="GREEN"),
    Attack(name="control: unchanged code, with its verdict from the files", run=CI, slow=False, exit=GREEN),
    Attack(name="control: unchanged code with reruns allowed", run=(gate(reruns=1),), slow=False, exit=GREEN),
    Attack(
        name="control: one slow process is measured again and cleared",
        do=(USUAL, conftest("import scripted\nif scripted.PROCESS == 0: scripted.TIMES['bee'] *= 1.28")),
        run=(gate(reruns=1), offline()),
        exit=GREEN,
        says="Measured again",
    ),
    Attack(
        name="control: a file alone, unchanged",
        run=(gate(on=[MAMMALS]), offline()),
        exit=GREEN,
        says="narrowed: 2 of the baseline's 5",
    ),
    Attack(name="control: a function alone", run=(gate(on=[f"{MAMMALS}::test_mammal"]),), exit=GREEN, says="narrowed"),
    Attack(
        name="control: a case alone", run=(gate(on=[BEE.replace("bee", "ant")]),), exit=GREEN, says="narrowed: 1 of"
    ),
    Attack(
        name="control: a folder of the suite alone", run=(gate(on=["benchmarks/birds"]),), exit=GREEN, says="narrowed"
    ),
    Attack(name="control: -k", run=(gate("-k", "not bee"),), exit=GREEN, says="narrowed: 4 of the baseline's 5"),
    Attack(
        name="control: -k and a mark that a conftest sets",
        do=(
            conftest(
                "def pytest_collection_modifyitems(items):\n"
                "    [item.add_marker('slow') for item in items if 'bee' in item.name]"
            ),
        ),
        run=(gate("-m", "not slow"),),
        exit=GREEN,
        says="narrowed: 4 of the baseline's 5",
    ),
    Attack(
        name="control: -k in the ini, and recorded so",
        do=(append("pytest.ini", "addopts = -k 'not dog'\n"),),
        run=(record("--allow-removed"), gate()),
        slow=False,
        exit=GREEN,
    ),
    Attack(
        name="control: a new recording of unchanged code",
        run=(record(runs=2), gate()),
        slow=False,
        exit=GREEN,
    ),
    Attack(
        name="control: a recording of one file renews its cases alone",
        run=(record(to_pytest=["-k", "ant"]), gate()),
        slow=False,
        exit=GREEN,
    ),
    Attack(
        name="control: a larger tolerance is said",
        do=(replace_in("conftest.py", "own_benchmark.MANY", "own_benchmark.TIME_TOLERANCE = 0.5\nown_benchmark.MANY"),),
        run=(gate(),),
        exit=GREEN,
        says="Tolerances that changed since the baseline",
    ),
    Attack(
        name="control: ignored warnings and colours", run=(gate("-W", "ignore", "--color=yes"),), slow=False, exit=GREEN
    ),
    Attack(
        name="control: a summary that cannot be written",
        run=(gate(GITHUB_STEP_SUMMARY="/no/such"),),
        slow=False,
        exit=GREEN,
    ),
)
