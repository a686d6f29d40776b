"""Can a revision that is slower get past the gate? A table of attacks, each with the exit status that it must have.

    python tools/attack_gate.py --out docs/results/attack-gate.md
    python tools/attack_gate.py -k offline --keep /tmp/attacks

A suite whose benchmarks take the times that a file says is made once, and its baseline recorded. Each attack of
`attacks/` gets a copy in which one case takes 28 % more (unless it says otherwise), changes what its recipe says, and
runs its commands one after the other; the first status that is not 0 counts, since a CI job would end there. Controls
are unchanged code: a gate that is always red holds nothing.
"""

from __future__ import annotations

import argparse
import os
import platform
import shutil
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from attacks import ATTACKS
from attacks.steps import COMMIT, SLOW, Attack, Command, run_git
from attacks.suite import STORE, SUITE
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
    """Run a command in `folder` with this repository's vitcnn; return its status, negative for a signal's, and output.

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
            f"{platform.python_version()} in {seconds:.0f} s; the recipes are in `tools/attacks/`.",
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
