"""A slower case is not judged: it is left out, or vanished."""

from __future__ import annotations

from attacks.steps import (
    REFUSED,
    USUAL,
    Attack,
    append,
    conftest,
    delete,
    deselecting,
    gate,
    measure,
    offline,
    pytest_,
    replace_in,
    write,
)
from attacks.suite import BEE, BIRDS, INSECTS, MAMMALS

ATTACKS = (
    Attack(name="narrowed: -k in the environment", run=(gate(PYTEST_ADDOPTS="-k 'not bee'"),), says="1 MISSING"),
    Attack(
        name="narrowed: -k in the ini",
        do=(append("pytest.ini", "addopts = -k 'not bee'\n"),),
        run=(gate(),),
        says="1 MISSING",
    ),
    *(
        Attack(
            name=f"narrowed: {what} in the ini",
            do=(append("pytest.ini", f"addopts = {what}\n"),),
            run=(gate(on=()),),
            says="MISSING",
        )
        for what in (MAMMALS, "--arch lenet benchmarks/test_mammals.py")
    ),
    Attack(
        name="narrowed: a conftest that names other paths",
        do=(conftest(f"def pytest_configure(config): config.args = [{MAMMALS!r}]"),),
        run=(gate(),),
        says="MISSING",
    ),
    Attack(name="vanished: a case", do=(replace_in(INSECTS, ", 'bee'", ""),), run=(gate(),), says="1 MISSING"),
    Attack(
        name="vanished: a case is renamed",
        do=(replace_in(INSECTS, "test_insect", "test_bug"),),
        run=(gate("--gate=allow-new"),),
        says="2 MISSING",
    ),
    Attack(name="vanished: a file", do=(delete(INSECTS),), run=(gate(),), says="2 MISSING"),
    Attack(
        name="vanished: a file is moved",
        do=(lambda root: (root / INSECTS).rename(root / "benchmarks/test_i.py"),),
        run=(gate("--gate=allow-new"),),
        says="2 MISSING",
    ),
    Attack(name="vanished: all", do=(delete(INSECTS), delete(MAMMALS), delete(BIRDS)), run=(gate(),), exit=REFUSED),
    Attack(
        name="vanished: a case of a named file",
        do=(replace_in(INSECTS, ", 'bee'", ""),),
        run=(gate(on=[INSECTS, MAMMALS]),),
        says="1 MISSING",
    ),
    Attack(
        name="vanished: a case of a named file, from the files",
        do=(replace_in(INSECTS, ", 'bee'", ""),),
        before=(pytest_(INSECTS, MAMMALS, "--out=out"),),
        run=(offline(),),
        says="1 MISSING",
    ),
    Attack(
        name="vanished: all cases of a named file",
        do=(replace_in(INSECTS, "['ant', 'bee']", "[]"),),
        run=(gate(on=[INSECTS, MAMMALS]),),
        says="MISSING",
    ),
    Attack(
        name="vanished: the test of a named file",
        do=(replace_in(INSECTS, "def test_insect", "def insect"),),
        run=(gate(on=[INSECTS, MAMMALS]),),
        says="MISSING",
    ),
    Attack(
        name="vanished: a case of a named function",
        do=(replace_in(INSECTS, ", 'bee'", ""),),
        run=(gate(on=[f"{INSECTS}::test_insect"]),),
        says="1 MISSING",
    ),
    Attack(
        name="vanished: a case that is named",
        do=(replace_in(INSECTS, ", 'bee'", ""),),
        run=(gate(on=[BEE, MAMMALS]),),
        exit=REFUSED,
    ),
    Attack(
        name="vanished: a case of a named folder",
        do=(write(BIRDS, ""), USUAL),
        run=(gate(on=["benchmarks/birds", INSECTS]),),
        says="1 MISSING",
    ),
    Attack(
        name="vanished: a case of a file named beside -k",
        do=(replace_in(INSECTS, ", 'bee'", ""),),
        run=(gate("-k", "not elephant", on=[INSECTS]),),
        says="1 MISSING",
    ),
    Attack(
        name="vanished: a conftest deselects",
        do=(conftest(deselecting("bee", tells=True)),),
        run=(gate(),),
        says="1 MISSING",
    ),
    Attack(
        name="vanished: a conftest deselects beside a harmless -k",
        do=(conftest(deselecting("bee", tells=True)),),
        run=(gate("-k", "not elephant"),),
        says="1 MISSING",
    ),
    Attack(
        name="vanished: a conftest deselects first beside -k",
        do=(conftest(deselecting("bee", tells=True).replace("def ", "@pytest.hookimpl(tryfirst=True)\ndef ", 1)),),
        run=(gate("-k", "not elephant"),),
        says="1 MISSING",
    ),
    Attack(
        name="vanished: a conftest deselects last beside -m",
        do=(conftest(deselecting("bee", tells=True).replace("def ", "@pytest.hookimpl(trylast=True)\ndef ", 1)),),
        run=(gate("-m", "not slow"),),
        says="1 MISSING",
    ),
    Attack(
        name="vanished: a conftest takes away in silence",
        do=(conftest(deselecting("bee", tells=False)),),
        run=(gate("-k", "not elephant"),),
        says="1 MISSING",
    ),
    Attack(
        name="vanished: a conftest ignores the file",
        do=(conftest("collect_ignore = ['benchmarks/test_insects.py']"),),
        run=(gate(),),
        says="2 MISSING",
    ),
    Attack(
        name="vanished: a conftest ignores a named file",
        do=(conftest("def pytest_ignore_collect(collection_path): return 'insects' in collection_path.name or None"),),
        run=(gate(on=[INSECTS, MAMMALS]),),
        exit=REFUSED,
    ),
    Attack(
        name="vanished: --deselect beside -k", run=(gate("-k", "not elephant", "--deselect", BEE),), says="1 MISSING"
    ),
    Attack(name="vanished: --ignore", run=(gate("--ignore", INSECTS),), says="2 MISSING"),
    Attack(
        name="vanished: --ignore-glob in the ini",
        do=(append("pytest.ini", "addopts = --ignore-glob=*insects*\n"),),
        run=(gate(),),
        says="2 MISSING",
    ),
    Attack(
        name="vanished: python_functions in the ini",
        do=(append("pytest.ini", "python_functions = test_mammal test_bird\n"),),
        run=(gate(),),
        says="2 MISSING",
    ),
    Attack(
        name="vanished: --last-failed beside -k",
        before=(measure("out0"),),
        do=(
            conftest("if os.environ.get('FAIL'): raise SystemExit(1)"),
            replace_in(
                MAMMALS, "    measure", "    assert name != 'cat' or scripted_clock.__module__ == 'x'\n    measure"
            ),
        ),
        run=(gate("--last-failed", "-k", "not elephant"),),
        says="MISSING",
    ),
    Attack(
        name="vanished: all skipped",
        do=(conftest("@pytest.fixture(autouse=True)\ndef no(): pytest.skip('no GPU')"),),
        run=(gate(),),
        says="5 MISSING",
    ),
    Attack(
        name="vanished: one skipped after it was measured",
        do=(append(INSECTS, "    if name == 'bee': pytest.skip('slow today')\n"),),
        run=(gate(),),
        says="1 MISSING",
    ),
    Attack(
        name="vanished: one skipped beside -k",
        do=(replace_in(INSECTS, "    measure", "    if name == 'bee': pytest.skip('no')\n    measure"),),
        run=(gate("-k", "insect"),),
        says="1 MISSING",
    ),
    Attack(
        name="vanished: xfail without a run",
        do=(replace_in(INSECTS, "@pytest.mark.benchmark", "@pytest.mark.xfail(run=False)\n@pytest.mark.benchmark"),),
        run=(gate(),),
        says="2 MISSING",
    ),
    Attack(
        name="vanished: xfail after it was measured",
        do=(append(INSECTS, "    pytest.xfail('known')\n"),),
        run=(gate(),),
        says="2 MISSING",
    ),
    Attack(
        name="vanished: a failure stops the session",
        do=(write("benchmarks/test_a.py", "def test_a(): assert False"),),
        run=(gate("-x"),),
        exit=REFUSED,
    ),
    Attack(
        name="vanished: a file that does not import",
        do=(append(INSECTS, "raise RuntimeError('no')\n"),),
        run=(gate("--continue-on-collection-errors"),),
        exit=REFUSED,
    ),
    Attack(name="vanished: a keyword that leaves nothing", run=(gate("-k", "elephant"),), exit=REFUSED),
    Attack(
        name="vanished: another folder than the suite",
        do=(write("other/test_x.py", "def test_x(): pass"),),
        run=(gate(on=["other"]),),
        exit=REFUSED,
    ),
)
