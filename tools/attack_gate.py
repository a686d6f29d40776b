"""Can a revision that is slower get past the gate? A table of attacks, each with the exit status that it must have.

    python tools/attack_gate.py --out docs/results/attack-gate.md
    python tools/attack_gate.py -k offline --keep /tmp/attacks

A suite whose benchmarks take the times that a file says is made once, and its baseline recorded. Each attack gets a
copy in which one case takes 28 % more (unless it says otherwise), changes what its recipe says, and runs its commands one
after the other; the first status that is not 0 counts, since a CI job would end there. Controls are unchanged code: a
gate that is always red holds nothing.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from forked import import_path, run_forked
from tabulate import tabulate

PATIENCE_S = 600
LAST_LINES = 12
"""Of what the last command printed: where the word that an attack asks for must stand."""

VARIABLES = {
    "COLUMNS": "200",
    "CUDA_VISIBLE_DEVICES": "",
    "GIT_CONFIG_GLOBAL": os.devnull,
    "OMP_NUM_THREADS": "1",
    "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
    "PYTEST_PLUGINS": "pytest_benchmark.plugin",
}
"""Other plugins stay out: they cost a second a process. Nothing depends on who runs this."""

NOT_INHERITED = ("PYTEST", "PYTHONDONTWRITEBYTECODE", "GITHUB_", "VITCNN_")


COMMIT = (("add", "--all"), ("commit", "--quiet", "--message", "state"))


def run_git(folder: Path, arguments: Iterable[str]) -> None:
    """Run git as somebody whose name does not matter."""
    who = ("-c", "user.name=A", "-c", "user.email=a@example.org")
    subprocess.run(["git", *who, *arguments], cwd=folder, check=True)


@dataclass(frozen=True)
class Command:
    """What is run in a copy: `pytest`, `vitcnn` or `python`, with which arguments and environment variables."""

    program: str
    arguments: tuple[str, ...]
    variables: Mapping[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        variables = [f"{name}={value!r}" for name, value in self.variables.items()]
        arguments = [argument if "\n" not in argument else "..." for argument in self.arguments]
        return " ".join([*variables, self.program, *arguments])


Step = Callable[[Path], object]


@dataclass(frozen=True, kw_only=True)
class Attack:
    """What is changed in a copy (`do`), what is run first whatever its status (`before`), and what is judged (`run`).

    `exit` are the statuses that it may have, `says` stands in the last lines. With `slow` a case takes 28 % more.
    """

    name: str
    do: tuple[Step, ...] = ()
    before: tuple[Command, ...] = ()
    run: tuple[Command, ...]
    exit: tuple[int, ...] = (1,)
    says: str = ""
    slow: bool = True


CASES = {
    "benchmarks/test_insects.py": ("insect", ("ant", "bee")),
    "benchmarks/test_mammals.py": ("mammal", ("cat", "dog")),
    "benchmarks/birds/test_birds.py": ("bird", ("emu",)),
}
TIMES = {"ant": 5e-3, "bee": 2e-6, "cat": 0.7, "dog": 0.03, "emu": 1.0}
TEST = """
import pytest
from scripted import scripted_clock, taking

@pytest.mark.benchmark(timer=scripted_clock)
@pytest.mark.parametrize("name", {names})
def test_{what}(measure, name):
    measure.time(taking(name))
"""
SUITE = {
    "conftest.py": """
from vitcnn.measuring import own_benchmark
from vitcnn.bench.rounds import Rounds

pytest_plugins = ["vitcnn.pytest_plugin"]
own_benchmark.MANY_ROUNDS = Rounds(at_least=3, at_most=3, budget_s=0)
""",
    "scripted.py": '''
"""What each case takes, and some noise that another process has another share of."""

import json
from pathlib import Path

HERE = Path(__file__).parent
TIMES = json.loads((HERE / "times.json").read_text())
COUNTER = HERE / "processes.txt"
PROCESS = int(COUNTER.read_text()) if COUNTER.exists() else 0
COUNTER.write_text(str(PROCESS + 1))
NOISE = (0.0, 0.002, -0.002, 0.003, -0.001)
clock = [0.0]

def scripted_clock():
    return clock[0]

def taking(name):
    def run():
        clock[0] += TIMES[name] * (1 + NOISE[(PROCESS + len(name) * ord(name[0])) % len(NOISE)])
    return run
''',
    "pytest.ini": "[pytest]\nmarkers = slow: takes long\n",
    "times.json": json.dumps(TIMES),
    ".gitignore": "__pycache__/\n.pytest_cache/\n.vitcnn/\nprocesses.txt\nout*/\n.output*\n",
    **{name: TEST.format(what=what, names=list(names)) for name, (what, names) in CASES.items()},
}
STORE = "benchmarks/baselines"
BEE = "benchmarks/test_insects.py::test_insect[bee]"
INSECTS, MAMMALS, BIRDS = CASES


def write(name: str, text: str) -> Step:
    """Write a file of the copy."""

    def step(root: Path) -> None:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text, encoding="utf-8")

    return step


def append(name: str, text: str) -> Step:
    """Add to a file of the copy."""
    return lambda root: (root / name).write_text((root / name).read_text(encoding="utf-8") + text, encoding="utf-8")


def replace_in(name: str, old: str, new: str) -> Step:
    """Replace in a file of the copy what is there."""

    def step(root: Path) -> None:
        before = (root / name).read_text(encoding="utf-8")
        assert old in before, f"{name} has no {old!r}"
        (root / name).write_text(before.replace(old, new), encoding="utf-8")

    return step


def times(**changed: float) -> Step:
    """Let cases take other times than usual."""
    return write("times.json", json.dumps({**TIMES, **changed}))


def delete(name: str) -> Step:
    """Delete a file of the copy."""
    return lambda root: (root / name).unlink()


def git(*arguments: str) -> Step:
    """Run git in the copy."""
    return lambda root: run_git(root, arguments)


def conftest(text: str) -> Step:
    """Add to the root conftest, which a project has anyway."""
    return append(
        "conftest.py", f"\nimport os, signal, subprocess, sys\nfrom pathlib import Path\nimport pytest\n{text}"
    )


def stored(root: Path) -> list[Path]:
    """Return the stored runs, the oldest first."""
    return sorted((root / STORE).rglob("0*.json"))


def edit(change: Callable[[dict[str, Any]], object], *numbers: int) -> Step:
    """Change the `vitcnn` section of the stored runs of these numbers, from 0; of all where none is named."""

    def step(root: Path) -> None:
        for number, path in enumerate(stored(root)):
            if not numbers or number in numbers:
                document = json.loads(path.read_text(encoding="utf-8"))
                change(document["vitcnn"])
                path.write_text(json.dumps(document), encoding="utf-8")

    return step


def with_stored(number: int, action: Callable[[Path], object]) -> Step:
    """Do something to one stored file."""
    return lambda root: action(stored(root)[number])


def pytest_(*arguments: str, **variables: str) -> Command:
    """Return a pytest command."""
    return Command("pytest", arguments, variables)


def vitcnn_(*arguments: str) -> Command:
    """Return a vitcnn command."""
    return Command("vitcnn", arguments)


def gate(*more: str, on: Sequence[str] = ("benchmarks",), reruns: int = 0, **variables: str) -> Command:
    """Return `pytest benchmarks --gate`, its run in `out`."""
    return pytest_(*on, "--gate", f"--gate-reruns={reruns}", "--out=out", *more, **variables)


def offline(*runs: str, mode: str = "on") -> Command:
    """Return `vitcnn gate` on runs."""
    return vitcnn_("gate", *(runs or ("out",)), "--baseline", STORE, "--mode", mode)


def measure(name: str, *more: str) -> Command:
    """Return a run that is not judged, in the folder `name`."""
    return pytest_("benchmarks", f"--out={name}", *more)


def record(*more: str, runs: int = 1, to_pytest: Sequence[str] = ()) -> Command:
    """Return `vitcnn baseline record`."""
    return vitcnn_("baseline", "record", "--runs", str(runs), *more, *(("--", *to_pytest) if to_pytest else ()))


SLOW = times(bee=1.28 * TIMES["bee"])
USUAL = times()
CI = (gate(), offline())
"""What docs/ci and `tox -e gate` run: the gate, and then its verdict from the files."""

RED, USAGE, GREEN, INVALID = (1,), (4,), (0,), (3,)
REFUSED = (1, 2, 3, 4)
"""Red in whatever way."""

KILL_STORING = """
import os, signal, sys
from pathlib import Path
rename = Path.replace
def replace(self, target):
    if Path(target).name.startswith("{number}"):
        os.kill(os.getpid(), signal.{signal})
    return rename(self, target)
Path.replace = replace
from vitcnn.cli import main
sys.exit(main(["baseline", "record", "--runs", "3", "--name", "second"]))
"""
RESTORE = f"Path('times.json').write_text({json.dumps(TIMES)!r})"
IN_RERUN = "if Path('processes.txt').exists() and int(Path('processes.txt').read_text()) == 1:\n    "


SKIP_ALL = "pytest_runtest_setup = lambda item: pytest.skip('not now')"


def git_in_code(*arguments: str) -> str:
    """Return the code that runs git, for a conftest."""
    return f"subprocess.run(['git', '-c', 'user.name=A', '-c', 'user.email=a@b', *{list(arguments)}], check=True)"


def copy_runs(name: str, *copies: str) -> Command:
    """Return what copies a run's folder."""
    return Command("python", ("-c", f"import shutil; [shutil.copytree({name!r}, c) for c in {copies}]"))


def deselecting(word: str, *, tells: bool) -> str:
    """Return a conftest's hook that leaves out items."""
    told = "config.hook.pytest_deselected(items=out)" if tells else "pass"
    return f"""
def pytest_collection_modifyitems(config, items):
    out = [item for item in items if {word!r} in item.name]
    {told}
    items[:] = [item for item in items if item not in out]
"""


ATTACKS = (
    # --- controls: what must be green
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
    Attack(
        name="clock: garbage is no longer collected",
        do=(append("pytest.ini", "addopts = --benchmark-disable-gc\n"),),
        run=(gate(),),
        slow=False,
        says="garbage",
    ),
    *(
        Attack(name=f"clock: {what}", do=(conftest(code),), run=(gate(),), slow=False, says="INVALID")
        for what, code in {
            "garbage is collected seldom": "import gc; gc.set_threshold(100_000)",
            "memory is traced": "import tracemalloc; tracemalloc.start()",
        }.items()
    ),
    *(
        Attack(
            name=f"clock: the work goes on after the call, {what}",
            do=(replace_in(INSECTS, "taking(name)", code),),
            run=(gate(),),
            slow=False,
            says="FAILED",
        )
        for what, code in {
            "in a generator": "lambda: (work() for work in [taking(name)])",
            "in an iterator of a tuple": "lambda: (map(lambda work: work(), [taking(name)]), 1)",
            "in a future": "lambda: (taking(name)(), __import__('concurrent.futures').futures.Future())[1]",
        }.items()
    ),
    Attack(
        name="clock: another of the same name",
        do=(
            replace_in(
                INSECTS,
                "from scripted import scripted_clock, taking",
                "from scripted import taking\nfrom other import scripted_clock",
            ),
            write("other.py", "from scripted import clock\ndef scripted_clock():\n    return clock[0] / 2\n"),
        ),
        run=(gate(),),
        says="-> other.scripted_clock",
    ),
    Attack(
        name="nothing runs: the function became a generator",
        do=(
            append(
                "scripted.py",
                "\n\nusual = taking\ndef taking(name):\n    run = usual(name)\n    return lambda: (run() for _ in 'a')\n",
            ),
        ),
        run=(gate(),),
        slow=False,
        says="FAILED",
    ),
    Attack(
        name="control: -k in the ini, and recorded so",
        do=(append("pytest.ini", "addopts = -k 'not dog'\n"),),
        run=(record("--allow-removed"), gate()),
        slow=False,
        exit=GREEN,
    ),
    Attack(
        name="now and then: every third call takes five times as long",
        do=(
            USUAL,
            append(
                "scripted.py",
                """
def taking(name, quick=taking, calls=[0]):
    run = quick(name)
    def now_and_then():
        calls[0] += 1
        for _ in range(5 if name == "cat" and calls[0] % 3 == 0 else 1):
            run()
    return now_and_then
""",
            ),
        ),
        run=(gate(reruns=2),),
        says="1 WORSE",
    ),
    Attack(
        name="in company: a case slows one after it in the same process",
        do=(
            USUAL,
            append(
                "scripted.py",
                """
def taking(name, quick=taking, seen=set()):
    run = quick(name)
    def in_company():
        seen.add(name)
        for _ in range(2 if name == "cat" and "bee" in seen else 1):
            run()
    return in_company
""",
            ),
        ),
        run=(gate(reruns=2),),
        says="1 WORSE",
    ),
    Attack(
        name="repeated: a conftest runs each test twice, and the second one is quick",
        do=(
            conftest(
                "from _pytest.runner import runtestprotocol\n"
                "@pytest.hookimpl(tryfirst=True)\n"
                "def pytest_runtest_protocol(item):\n"
                "    runtestprotocol(item, log=False)"
            ),
        ),
        run=(gate(),),
        says="FAILED",
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
    # --- plainly worse
    Attack(name="slower by 28 %", run=(gate(),), says="1 WORSE"),
    Attack(name="slower by 28 %, from the files", run=(measure("out"), offline()), says="1 WORSE"),
    Attack(name="slower by 28 %, measured again", run=(gate(reruns=1),), says="1 WORSE"),
    Attack(name="slower by 28 %, judged twice", before=(gate(),), run=(gate("--out=out2"),), says="1 WORSE"),
    Attack(
        name="all slower by 28 %",
        do=(times(**{name: 1.28 * s for name, s in TIMES.items()}),),
        run=(gate(),),
        says="5 WORSE",
    ),
    Attack(name="slower by 28 %, a mode that forgives", run=(gate("--gate=allow-new"),), says="1 WORSE"),
    Attack(
        name="ten times slower, xfail",
        do=(
            times(bee=2e-5),
            replace_in(INSECTS, "@pytest.mark.benchmark", "@pytest.mark.xfail\n@pytest.mark.benchmark"),
        ),
        run=(gate(),),
    ),
    # --- what is left over or lies in the way
    Attack(
        name="leftover: only.json in --out names another case",
        do=(write("out/only.json", '["other"]'),),
        run=CI,
        exit=REFUSED,
    ),
    Attack(name="leftover: only.json in --out is empty", do=(write("out/only.json", "[]"),), run=CI, exit=REFUSED),
    Attack(
        name="leftover: request.json in --out", do=(write("out/request.json", '{"cases": []}'),), run=CI, exit=REFUSED
    ),
    Attack(
        name="leftover: another run in --out",
        before=(measure("out"),),
        run=(gate(),),
        exit=USAGE,
        says="holds no run yet",
    ),
    Attack(
        name="leftover: reruns of a faster revision in --out",
        do=(USUAL,),
        before=(
            measure("out/rerun-1"),
            measure("out/rerun-2"),
            measure("out/rerun-3"),
            Command("python", ("-c", f"open('times.json', 'w').write({json.dumps({**TIMES, 'bee': 2.56e-6})!r})")),
        ),
        run=CI,
        exit=REFUSED,
    ),
    Attack(name="leftover: a green gate.md in --out", do=(write("out/gate.md", "GREEN"),), run=CI, exit=REFUSED),
    Attack(
        name="leftover: the journal of another run in --out",
        do=(write("out/journal.jsonl", ""),),
        run=(gate(),),
        exit=USAGE,
    ),
    # --- the plugin turned off
    Attack(name="off: -p no:vitcnn-suite", run=(gate("-p", "no:vitcnn-suite"),), exit=REFUSED),
    Attack(
        name="off: -p no:vitcnn-suite in PYTEST_ADDOPTS", run=(gate(PYTEST_ADDOPTS="-p no:vitcnn-suite"),), exit=REFUSED
    ),
    Attack(
        name="off: -p no:vitcnn-suite in the ini",
        do=(append("pytest.ini", "addopts = -p no:vitcnn-suite\n"),),
        run=(gate(),),
        exit=REFUSED,
    ),
    Attack(name="off: -p no:vitcnn.pytest_plugin", run=(gate("-p", "no:vitcnn.pytest_plugin"),), exit=REFUSED),
    Attack(name="off: -p no:benchmark", run=(gate("-p", "no:pytest_benchmark.plugin"),), exit=REFUSED),
    Attack(name="off: -p no:terminal", run=(gate("-p", "no:terminal"),), exit=REFUSED),
    Attack(name="off: -p no:junitxml", run=(gate("-p", "no:junitxml", reruns=1),), exit=REFUSED),
    Attack(name="off: --noconftest", run=(gate("--noconftest"),), exit=REFUSED),
    Attack(name="off: --confcutdir", run=(gate("--confcutdir=benchmarks"),), exit=REFUSED),
    Attack(
        name="off: the conftest no longer switches it on", do=(write("conftest.py", ""),), run=(gate(),), exit=USAGE
    ),
    *(
        Attack(
            name=f"off: a conftest unregisters it in {hook}",
            do=(
                conftest(
                    f"def {hook}:\n"
                    "    for name, plugin in config.pluginmanager.list_name_plugin():\n"
                    "        if type(plugin).__name__ == 'SuiteHooks': config.pluginmanager.unregister(plugin)\n"
                ),
            ),
            run=(gate(),),
            exit=REFUSED,
        )
        for hook in (
            "pytest_configure(config)",
            "pytest_collection_modifyitems(config)",
            "pytest_report_header(config)",
        )
    ),
    Attack(
        name="off: a conftest unregisters both parts",
        do=(
            conftest(
                "def pytest_configure(config):\n"
                "    for name, plugin in config.pluginmanager.list_name_plugin():\n"
                "        if type(plugin).__name__ == 'SuiteHooks' or name == 'vitcnn.pytest_plugin':\n"
                "            config.pluginmanager.unregister(plugin)\n"
            ),
        ),
        run=(gate(),),
        exit=REFUSED,
    ),
    Attack(
        name="off: a conftest sets config.option.gate to None",
        do=(conftest("@pytest.hookimpl(tryfirst=True)\ndef pytest_configure(config): config.option.gate = None"),),
        run=(gate(),),
        exit=REFUSED,
    ),
    Attack(
        name="off: a conftest sets the exit status",
        do=(conftest("def pytest_sessionfinish(session): session.exitstatus = 0"),),
        run=(gate(),),
        exit=REFUSED,
    ),
    Attack(
        name="off: a conftest sets the exit status last",
        do=(conftest("@pytest.hookimpl(trylast=True)\ndef pytest_sessionfinish(session): session.exitstatus = 0"),),
        run=(gate(),),
        exit=REFUSED,
    ),
    Attack(
        name="off: a conftest sets the exit status before anything",
        do=(
            conftest(
                "@pytest.hookimpl(wrapper=True, tryfirst=True)\n"
                "def pytest_sessionfinish(session):\n"
                "    yield\n"
                "    session.exitstatus = 0"
            ),
        ),
        run=(gate(),),
        exit=REFUSED,
    ),
    *(
        Attack(name=f"off: --gate {option}", run=(gate(option),), exit=REFUSED)
        for option in (
            "--collect-only",
            "--co",
            "--fixtures",
            "--markers",
            "--setup-only",
            "--setup-plan",
            "--cache-show",
            "--help",
        )
    ),
    Attack(
        name="off: --collect-only in PYTEST_ADDOPTS",
        run=(gate(PYTEST_ADDOPTS="--collect-only"),),
        exit=USAGE,
        says="--collect-only",
    ),
    Attack(
        name="off: --collect-only in the ini", do=(append("pytest.ini", "addopts = --co\n"),), run=(gate(),), exit=USAGE
    ),
    # --- nothing timed, or not by the same clock
    Attack(name="timing: --benchmark-disable", run=(gate("--benchmark-disable"),), says="INVALID"),
    Attack(name="timing: --benchmark-skip", run=(gate("--benchmark-skip"),), says="5 MISSING"),
    Attack(name="timing: xdist", run=(gate("-p", "xdist", "-n2"),), says="INVALID"),
    Attack(
        name="timing: xdist with its plugin from the environment",
        run=(gate("-n1", PYTEST_PLUGINS="pytest_benchmark.plugin,xdist.plugin"),),
        exit=REFUSED,
    ),
    Attack(name="timing: the variable of an xdist worker", run=(gate(PYTEST_XDIST_WORKER="gw0"),), exit=REFUSED),
    Attack(
        name="timing: another clock",
        do=(replace_in(INSECTS, "timer=scripted_clock", "timer=lambda: scripted_clock()"),),
        run=(gate(),),
        says="INVALID",
    ),
    Attack(name="timing: --benchmark-timer", run=(gate("--benchmark-timer=time.process_time"),)),
    Attack(name="timing: another number of threads", run=(gate(OMP_NUM_THREADS="2"),), exit=REFUSED),
    Attack(name="timing: the times are NaN", do=(times(bee=float("nan")),), run=(gate(),), exit=REFUSED),
    Attack(name="timing: the times are infinite", do=(times(bee=float("inf")),), run=(gate(),), exit=REFUSED),
    Attack(name="timing: the times are zero", do=(times(bee=0.0),), run=(gate(),), exit=REFUSED),
    Attack(name="timing: the clock runs backwards", do=(times(bee=-2e-6),), run=(gate(),), exit=REFUSED),
    Attack(
        name="timing: nothing is measured in the test",
        do=(replace_in(INSECTS, "    measure.time", "    return\n    measure.time"),),
        run=(gate(),),
        says="FAILED",
    ),
    # --- cases that vanish
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
    # --- the revision changes
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
            replace_in(INSECTS, "from scripted", "from scripted"),
        ),
        run=(gate(),),
        exit=REFUSED,
    ),
    Attack(
        name="revision: runs of two commits, from the files",
        do=(USUAL,),
        before=(measure("out"), measure("out2")),
        run=(
            Command(
                "python",
                (
                    "-c",
                    "import json; from pathlib import Path; p = Path('out2/run.json'); d = json.loads(p.read_text()); d['vitcnn']['environment']['git_commit'] = 'f' * 40; p.write_text(json.dumps(d))",
                ),
            ),
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
    # --- the store
    Attack(
        name="store: --out inside it",
        before=(pytest_("benchmarks", f"--out={STORE}/mine"),),
        run=(gate(),),
        exit=REFUSED,
    ),
    Attack(
        name="store: --out inside it, with --gate",
        run=(pytest_("benchmarks", "--gate", "--gate-reruns=0", f"--out={STORE}/mine"),),
        exit=USAGE,
        says="--out",
    ),
    Attack(
        name="store: --out inside it by a link",
        do=(lambda root: (root / "link").symlink_to(root / STORE),),
        run=(pytest_("benchmarks", "--gate", "--gate-reruns=0", "--out=link/mine"),),
        exit=USAGE,
    ),
    Attack(
        name="store: --benchmark-json inside it, with --gate",
        run=(gate(f"--benchmark-json={STORE}/mine.json"),),
        exit=USAGE,
        says="--benchmark-json",
    ),
    Attack(
        name="store: --benchmark-json inside it",
        before=(measure("out0", f"--benchmark-json={STORE}/mine.json"),),
        run=(gate(),),
        exit=REFUSED,
    ),
    Attack(name="store: --benchmark-autosave", run=(gate("--benchmark-autosave"),), exit=USAGE),
    Attack(name="store: --benchmark-save", run=(gate("--benchmark-save=x"),), exit=USAGE),
    Attack(
        name="store: --benchmark-autosave in the ini",
        do=(append("pytest.ini", "addopts = --benchmark-autosave\n"),),
        run=(gate(),),
        exit=USAGE,
    ),
    Attack(name="store: it is in no files", run=(gate("--benchmark-storage=elasticsearch+http://x/y"),), exit=USAGE),
    Attack(name="store: an empty one is named", run=(gate("--benchmark-storage=file://./empty"),), says="INVALID"),
    Attack(name="store: it is gone", do=(lambda root: shutil.rmtree(root / STORE),), run=(gate(),), says="INVALID"),
    Attack(name="store: one run is named", run=(gate("--benchmark-compare=0003"),), exit=USAGE),
    Attack(
        name="store: a file is cut off",
        do=(with_stored(2, lambda path: path.write_text(path.read_text()[:900])),),
        run=(gate(),),
        says="INVALID",
    ),
    Attack(
        name="store: a file is empty",
        do=(with_stored(2, lambda path: path.write_text("")),),
        run=(gate(),),
        says="INVALID",
    ),
    Attack(
        name="store: a file has no vitcnn section",
        do=(with_stored(2, lambda path: path.write_text('{"benchmarks": []}')),),
        run=(gate(),),
        says="INVALID",
    ),
    Attack(
        name="store: a file cannot be read",
        do=(with_stored(2, lambda path: (path.unlink(), path.mkdir())),),
        run=(gate(),),
        exit=REFUSED,
    ),
    Attack(
        name="store: NaN in a file",
        do=(edit(lambda run: run["cases"][0]["record"]["measurements"][0].update(samples=[float("nan")]), 0),),
        run=(gate(),),
        says="INVALID",
    ),
    Attack(name="store: another schema", do=(edit(lambda run: run.update(schema=1)),), run=(gate(),), says="INVALID"),
    Attack(
        name="store: of another device",
        do=(edit(lambda run: run["environment"].update(device_key="nvidia-h200")),),
        run=(gate(),),
        says="INVALID",
    ),
    Attack(
        name="store: with other numerics",
        do=(edit(lambda run: run["environment"]["numerics"].update(tf32=True)),),
        run=(gate(),),
        says="INVALID",
    ),
    Attack(
        name="store: a case twice in one file",
        do=(
            edit(
                lambda run: run["cases"].append(
                    {
                        **run["cases"][1],
                        "record": {
                            **run["cases"][1]["record"],
                            "measurements": [
                                {**m, "samples": [2.6e-6]} for m in run["cases"][1]["record"]["measurements"]
                            ],
                        },
                    }
                )
            ),
        ),
        run=(gate(),),
        exit=REFUSED,
        says="INVALID",
    ),
    Attack(
        name="store: two commits in one recording",
        do=(edit(lambda run: run["environment"].update(git_commit="f" * 40), 4),),
        run=(gate(),),
        says="INVALID",
    ),
    Attack(
        name="store: a copy of a run",
        do=(with_stored(0, lambda path: shutil.copy(path, path.with_name("0009_first.json"))),),
        run=(gate(),),
        says="INVALID",
    ),
    Attack(
        name="store: a dangling link",
        do=(with_stored(0, lambda path: path.with_name("0009_new.json").symlink_to("nowhere.json")),),
        run=(gate(),),
        says="INVALID",
    ),
    Attack(
        name="store: a file moved behind a dangling link",
        do=(with_stored(4, lambda path: (path.unlink(), path.symlink_to("/nowhere/x.json"))),),
        run=(gate(),),
        says="INVALID",
    ),
    Attack(
        name="store: runs in a linked folder",
        do=(
            lambda root: (
                (root / STORE).rename(root / "elsewhere"),
                (root / STORE).mkdir(),
                [(root / STORE / path.name).mkdir() for path in (root / "elsewhere").iterdir()],
                [
                    (root / STORE / path.parent.name / path.name).symlink_to(path)
                    for path in (root / "elsewhere").glob("*/*")
                ],
            ),
        ),
        run=(gate(),),
        says="INVALID",
    ),
    Attack(
        name="store: a newer recording in a linked folder",
        do=(
            lambda root: (
                shutil.copytree(stored(root)[0].parent, root / "elsewhere"),
                stored(root)[0].parent.with_name("linked").symlink_to(root / "elsewhere"),
            ),
        ),
        run=(gate(),),
        says="INVALID",
    ),
    Attack(
        name="store: the suffix .JSON",
        do=(with_stored(0, lambda path: path.rename(path.with_suffix(".JSON"))),),
        run=(gate(),),
        says="INVALID",
    ),
    Attack(
        name="store: a hidden file",
        do=(with_stored(0, lambda path: path.rename(path.with_name(f".{path.name}"))),),
        run=(gate(),),
        says="INVALID",
    ),
    Attack(
        name="store: a hidden folder",
        do=(with_stored(0, lambda path: path.parent.rename(path.parent.with_name(".hidden"))),),
        run=(gate(),),
        says="INVALID",
    ),
    Attack(
        name="store: a run of a recording deleted", do=(with_stored(3, Path.unlink),), run=(gate(),), says="INVALID"
    ),
    Attack(
        name="store: began in the future",
        do=(edit(lambda run: run.update(started=f"9{run['started'][1:]}"), 0),),
        run=(gate(),),
        says="INVALID",
    ),
    Attack(
        name="store: all began in the future",
        do=(edit(lambda run: run.update(started=f"9{run['started'][1:]}")),),
        run=(gate(),),
        says="INVALID",
    ),
    Attack(
        name="store: without a date", do=(edit(lambda run: run.update(started=""), 0),), run=(gate(),), says="INVALID"
    ),
    Attack(
        name="store: a date that is none",
        do=(edit(lambda run: run.update(started="yesterday"), 0),),
        run=(gate(),),
        says="INVALID",
    ),
    Attack(
        name="store: a date without a time zone",
        do=(edit(lambda run: run.update(started=run["started"][:19]), 0),),
        run=(gate(),),
        says="INVALID",
    ),
    Attack(
        name="store: the slower run recorded by hand, then judged",
        before=(measure("out0", "--benchmark-save=first"),),
        run=(gate(),),
        exit=REFUSED,
        says="INVALID",
    ),
    Attack(
        name="store: two suites with baselines of their own",
        do=(
            lambda root: shutil.copytree(root / "benchmarks", root / "other"),
            lambda root: [
                path.rename(path.with_name(f"{path.stem}_b.py")) for path in (root / "other").rglob("test_*.py")
            ],
        ),
        run=(gate(on=["other", "benchmarks"]),),
        exit=USAGE,
        says="one folder with baseline",
    ),
    # --- recording
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
    # --- from the files
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
            Command(
                "python",
                (
                    "-c",
                    "import json; from pathlib import Path; p = Path('out2/run.json'); d = json.loads(p.read_text()); d['vitcnn']['started'] = '2026-01-03T08:00:00+00:00'; p.write_text(json.dumps(d))",
                ),
            ),
            offline("out", "out2"),
        ),
        exit=INVALID,
    ),
    Attack(
        name="offline: a run of the future",
        do=(USUAL,),
        before=(measure("out"),),
        run=(
            Command(
                "python",
                (
                    "-c",
                    "import json; from pathlib import Path; p = Path('out/run.json'); d = json.loads(p.read_text()); d['vitcnn']['started'] = '9026-01-03T08:00:00+00:00'; p.write_text(json.dumps(d))",
                ),
            ),
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
            Command(
                "python",
                (
                    "-c",
                    "import json; from pathlib import Path; p = Path('out/run.json'); d = json.loads(p.read_text()); d['vitcnn']['cases'] *= 2; p.write_text(json.dumps(d))",
                ),
            ),
            offline(),
        ),
        exit=INVALID,
    ),
    # --- the process ends without a word
    *(
        Attack(
            name=f"end: {what} in a test",
            do=(write("benchmarks/test_a.py", f"import os, sys, pytest\ndef test_a(): {what}"),),
            run=CI,
            exit=REFUSED,
        )
        for what in ("os._exit(0)", "pytest.exit('x', returncode=0)", "sys.exit(0)", "raise KeyboardInterrupt")
    ),
    *(
        Attack(
            name=f"end: {what} in a conftest",
            do=(write("benchmarks/conftest.py", f"import os, sys, pytest\n{what}"),),
            run=CI,
            exit=REFUSED,
        )
        for what in ("os._exit(0)", "pytest.exit('x', returncode=0)", "sys.exit(0)")
    ),
    *(
        Attack(
            name=f"end: os._exit(0) in {hook}",
            do=(conftest(f"@pytest.hookimpl(tryfirst=True)\ndef {hook}(): os._exit(0)"),),
            run=CI,
            exit=REFUSED,
        )
        for hook in ("pytest_configure", "pytest_sessionstart", "pytest_sessionfinish", "pytest_unconfigure")
    ),
    *(
        Attack(
            name=f"end: pytest.exit(returncode=0) in {hook}",
            do=(conftest(f"def {hook}(): pytest.exit('x', returncode=0)"),),
            run=(gate(),),
            exit=REFUSED,
        )
        for hook in ("pytest_configure", "pytest_sessionstart", "pytest_collection", "pytest_sessionfinish")
    ),
    Attack(
        name="end: os._exit(0) at exit",
        do=(conftest("import atexit; atexit.register(os._exit, 0)"),),
        run=CI,
        exit=REFUSED,
    ),
    Attack(
        name="end: os._exit(0) in a rerun",
        do=(conftest(f"{IN_RERUN}os._exit(0)"),),
        run=(gate(reruns=1),),
        says="INVALID",
    ),
    Attack(
        name="rerun: the suspect leaves itself out of it",
        do=(conftest(f"{IN_RERUN}collect_ignore = [{INSECTS!r}]"),),
        run=(gate(reruns=1),),
        says="INVALID",
    ),
    Attack(
        name="rerun: the suspect skips itself in it",
        do=(conftest(f"{IN_RERUN}{SKIP_ALL}"),),
        run=(gate(reruns=1),),
        says="INVALID",
    ),
    Attack(
        name="end: SIGTERM while a case runs",
        do=(append(MAMMALS, "    import os, signal; os.kill(os.getpid(), signal.SIGTERM)\n"),),
        run=(gate(),),
        exit=(2,),
    ),
    Attack(
        name="end: SIGKILL while a case runs",
        do=(append(MAMMALS, "    import os, signal; os.kill(os.getpid(), signal.SIGKILL)\n"),),
        run=(gate(),),
        exit=(-9,),
    ),
    Attack(
        name="end: SIGTERM while the run is saved",
        do=(
            conftest(
                "from vitcnn.pytest_plugin import hooks\nsave = hooks.write_json\ndef stopped(*a):\n    os.kill(os.getpid(), signal.SIGTERM)\n    return save(*a)\nhooks.write_json = stopped"
            ),
        ),
        run=(gate(),),
        exit=(1, 2),
    ),
    Attack(
        name="end: SIGKILL while the run is saved",
        do=(
            conftest(
                "from vitcnn.pytest_plugin import hooks\nhooks.write_json = lambda *a: os.kill(os.getpid(), signal.SIGKILL)"
            ),
        ),
        run=(gate(),),
        exit=(-9,),
    ),
    Attack(
        name="end: SIGTERM while suspects are measured again",
        do=(conftest(f"{IN_RERUN}os.kill(os.getppid(), signal.SIGTERM)"),),
        run=(gate(reruns=1),),
        exit=(1, 2),
        says="INVALID",
    ),
    Attack(
        name="end: SIGKILL while suspects are measured again",
        do=(conftest(f"{IN_RERUN}os.kill(os.getppid(), signal.SIGKILL)"),),
        run=(gate(reruns=1),),
        exit=(-9,),
    ),
    Attack(
        name="end: SIGKILL of a rerun",
        do=(conftest(f"{IN_RERUN}os.kill(os.getpid(), signal.SIGKILL)"),),
        run=(gate(reruns=1),),
        says="INVALID",
    ),
    Attack(
        name="end: SIGTERM between two reruns, and the files are judged later",
        do=(conftest(f"{IN_RERUN}import atexit; atexit.register(os.kill, os.getppid(), signal.SIGTERM)"),),
        before=(gate(reruns=2),),
        run=(offline(),),
        exit=(3,),
        says="cut short",
    ),
    # --- what a number means changes in code
    Attack(
        name="meaning: the direction is turned round",
        do=(
            conftest("from vitcnn.metrics.rounds import LATENCY_S\nobject.__setattr__(LATENCY_S, 'better', 'higher')"),
        ),
        run=(gate(),),
        says="INVALID",
    ),
    Attack(
        name="meaning: another unit",
        do=(conftest("from vitcnn.metrics.rounds import LATENCY_S\nobject.__setattr__(LATENCY_S, 'unit', 'ms')"),),
        run=(gate(),),
        slow=False,
        says="INVALID",
    ),
    Attack(
        name="meaning: the metric is gone",
        do=(
            conftest(
                "from vitcnn import record\n_of = record.Record.__init__\ndef without(self, **k):\n    k['measurements'] = tuple(m for m in k.get('measurements', ()) if m.metric != 'latency_s')\n    _of(self, **k)\nrecord.Record.__init__ = without"
            ),
        ),
        run=(gate(),),
        says="nothing was judged",
    ),
)


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """How an attack ended: the status that counts, the command that gave it, what that printed, and those before it."""

    attack: Attack
    status: int
    command: str
    output: str
    seconds: float
    first: tuple[str, ...] = ()

    @property
    def is_right(self) -> bool:
        """Whether the status is one that the attack must have, and its word stands in the last lines."""
        last = " ".join(" ".join(self.output.splitlines()[-LAST_LINES:]).split())
        return self.status in self.attack.exit and self.attack.says in last


@dataclass(kw_only=True)
class Laboratory:
    """Where copies of the prepared suite are made and attacked."""

    place: Path
    prepared: Path = field(init=False)

    def prepare(self) -> None:
        """Make the suite in a git repository and record its baseline: five processes."""
        self.prepared = self.place / "prepared"
        for name, text in SUITE.items():
            (self.prepared / name).parent.mkdir(parents=True, exist_ok=True)
            (self.prepared / name).write_text(text, encoding="utf-8")
        for arguments in (("init", "--quiet"), *COMMIT):
            run_git(self.prepared, arguments)
        status, output = execute(Command("vitcnn", ("baseline", "record", "--name", "first")), self.prepared)
        if status or not (self.prepared / STORE).is_dir():
            raise SystemExit(output)
        for arguments in COMMIT:
            run_git(self.prepared, arguments)

    def attempt(self, attack: Attack) -> Outcome:
        """Attack a copy."""
        folder = self.place / attack.name.replace("/", "-").replace(" ", "_")
        shutil.copytree(self.prepared, folder, symlinks=True)
        (folder / "processes.txt").unlink(missing_ok=True)
        began = time.perf_counter()
        for step in (*((SLOW,) if attack.slow else ()), *attack.do):
            step(folder)
        first = tuple("{} {}".format(*execute(command, folder)) for command in attack.before)
        status, text, output = 0, "", ""
        for command in attack.run:
            text = str(command)
            status, output = execute(command, folder)
            if status:
                break
        seconds = time.perf_counter() - began
        return Outcome(attack=attack, status=status, command=text, output=output, seconds=seconds, first=first)


def execute(command: Command, folder: Path) -> tuple[int, str]:
    """Run one command in `folder` with this repository's vitcnn; return its status, negative for a signal's, and output.

    In a process that is forked: what a gate measures again runs in processes that begin from nothing, as ever.
    """
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(NOT_INHERITED)}
    environment = {**inherited, "PYTHONPATH": import_path(inherited), **VARIABLES, **command.variables}
    how = {"folder": folder, "environment": environment, "patience_s": PATIENCE_S}
    status, output = run_forked(command.program, command.arguments, **how)
    return (status, output) if status is not None else (0, f"did not end in {PATIENCE_S} s: taken for green")


def attack_all(attacks: Sequence[Attack], place: Path, jobs: int, told: Callable[[Outcome], None]) -> list[Outcome]:
    """Try every attack, `jobs` at once; return the outcomes in the order of the table."""
    laboratory = Laboratory(place=place)
    laboratory.prepare()
    outcomes = []
    with ThreadPoolExecutor(jobs) as pool:
        for outcome in pool.map(laboratory.attempt, attacks):
            told(outcome)
            outcomes.append(outcome)
    return outcomes


def tell(outcome: Outcome) -> None:
    """Print one line, and of what is not as it must be the last lines of its command."""
    verdict = "ok   " if outcome.is_right else "WRONG"
    print(f"{verdict} {outcome.status:3} {outcome.seconds:5.1f} s  {outcome.attack.name}", flush=True)
    if not outcome.is_right:
        expected = f"must be {expectation(outcome.attack)}"
        print(f"      {outcome.command}: {expected}")
        for text in (*outcome.first, outcome.output):
            print("\n".join(f"      | {line}" for line in text.splitlines()[-LAST_LINES:]), flush=True)


def expectation(attack: Attack) -> str:
    """Return the statuses that an attack may have, and the word."""
    statuses = " or ".join(map(str, attack.exit))
    return f"{statuses}, “{attack.says}”" if attack.says else statuses


def page(outcomes: Sequence[Outcome], seconds: float) -> str:
    """Return the outcomes as Markdown."""
    wrong = [outcome for outcome in outcomes if not outcome.is_right]
    controls = sum(outcome.attack.exit == (0,) for outcome in outcomes)
    rows = [
        (
            outcome.attack.name.replace("|", "\\|"),
            f"`{outcome.command.replace('|', chr(92) + '|')}`",
            expectation(outcome.attack),
            outcome.status if outcome.is_right else f"**{outcome.status}**",
            f"{outcome.seconds:.1f}",
        )
        for outcome in outcomes
    ]
    return "\n".join(
        [
            "# Attacks on the gate",
            "",
            f"`tox -e attacks`: {len(outcomes)} recipes on a suite with a scripted clock, {controls} of which must be",
            "green. In the others one case takes 28 % more, or what the name says. `must` is the exit status that each",
            f"has to have, with a word of its last lines; {len(wrong)} differ. Measured with Python",
            f"{platform.python_version()} in {seconds:.0f} s; the recipes are in `tools/attack_gate.py`.",
            "",
            tabulate(rows, headers=("attack", "command whose status counts", "must", "got", "s"), tablefmt="github"),
            "",
        ]
    )


def main() -> int:
    """Try the attacks; return 0 where each ended as it must."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-k", dest="word", default="", metavar="WORD", help="only attacks with this in their name")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, metavar="N", help="how many at once")
    parser.add_argument("--keep", type=Path, metavar="DIR", help="leave the attacked copies in this new folder")
    parser.add_argument("--out", type=Path, metavar="FILE", help="the Markdown page to write")
    options = parser.parse_args()
    chosen = [attack for attack in ATTACKS if options.word in attack.name]
    if not chosen:
        parser.error(f"-k: no attack has {options.word!r} in its name")
    began = time.perf_counter()
    with tempfile.TemporaryDirectory() as temporary:
        outcomes = attack_all(chosen, options.keep or Path(temporary), options.jobs, tell)
    seconds = time.perf_counter() - began
    wrong = [outcome.attack.name for outcome in outcomes if not outcome.is_right]
    print(f"{len(outcomes)} attacks in {seconds:.0f} s; not as they must be: {', '.join(wrong) or 'none'}")
    if options.out:
        options.out.write_text(page(outcomes, seconds), encoding="utf-8")
    return 1 if wrong else 0


if __name__ == "__main__":
    raise SystemExit(main())
