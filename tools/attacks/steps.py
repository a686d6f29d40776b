"""An attack, and what attacks are made of: steps that change a copy of the suite, and commands that judge it."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from attacks.suite import STORE, TIMES

COMMIT = (("add", "--all"), ("commit", "--quiet", "--message", "state"))
"""Arguments of git."""


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


def edited(code: str, path: str = "out/run.json") -> Command:
    """Return what changes the JSON of a run that was measured: `code` changes `run`, its `vitcnn` section."""
    read = (
        f"import json; from pathlib import Path; p = Path({path!r}); d = json.loads(p.read_text()); run = d['vitcnn']"
    )
    return Command("python", ("-c", f"{read}; {code}; p.write_text(json.dumps(d))"))


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
