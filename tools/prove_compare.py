"""Is `vitcnn compare` red for one case of ten that got slower, and green where nothing did? On this machine, for real.

    python tools/prove_compare.py --place /tmp/compare --tries 50 --out docs/results/compare-cpu.md

Makes a repository with a suite of ten real cases, and a revision for each of them that does 10 % (and 5 %) more work in
that case alone: small matrix products after each run, as many as were calibrated against it here. Then it compares:
unchanged code and +10 % twice as often as +5 %, over all cases. Each try is appended to results.jsonl in `--place`;
called again it goes on from there, with the code that was cloned at first. Takes minutes a try.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import re
import shlex
import subprocess
import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from math import expm1
from pathlib import Path
from statistics import median, stdev
from typing import Any

import numpy as np
from simulate_pairs import decided
from tabulate import tabulate

from vitcnn.gate.pairs import log_ratio
from vitcnn.record import load_run
from vitcnn.report.noisy_times import times_s

ROOT = Path(__file__).resolve().parents[1]
CASES = (
    ("LatencyCase", "lenet", 28, 1),
    ("LatencyCase", "lenet", 28, 16),
    ("LatencyCase", "vit_micro", 28, 1),
    ("LatencyCase", "vit_micro", 32, 1),
    ("LatencyCase", "vit_tiny", 32, 1),
    ("LatencyCase", "vit_tiny", 224, 1),
    ("LatencyCase", "resnet18", 32, 1),
    ("LatencyCase", "resnet18", 224, 1),
    ("TrainingCase", "lenet", 28, 16),
    ("TrainingCase", "vit_micro", 28, 16),
)
PLANTS = {"nothing": 0.0, "+10 %": 0.10, "+5 %": 0.05}
TURNS = ("nothing", "+10 %", "nothing", "+10 %", "+5 %")
BASE = "unchanged"
SUITES = 1000

CONFTEST = """
import json
from pathlib import Path

import torch
from vitcnn.measuring import runner

pytest_plugins = ["vitcnn.pytest_plugin"]

EXTRA = json.loads((Path(__file__).parent / "extra.json").read_text())
LEFT, RIGHT, OUT = torch.randn(48, 48), torch.randn(48, 48), torch.empty(48, 48)
prepared = runner.prepared


def work(times):
    for _ in range(times):
        torch.mm(LEFT, RIGHT, out=OUT)


def slower(case, bench):
    subject = prepared(case, bench)
    times, run = EXTRA.get(str(case), 0), subject.run
    if times:

        def run_longer():
            result = run()
            with torch.inference_mode():
                work(times)
            return result

        subject.run = run_longer
    return subject


runner.prepared = slower
"""
SUITE = """
import pytest
from vitcnn import LatencyCase, TrainingCase

CASES = [
{cases}
]


def test_ten(measure, case):
    measure(case)
"""
CALIBRATE = '''
import json, sys, time
from pathlib import Path
from statistics import median

sys.path.insert(0, "benchmarks")
import conftest
from test_ten import CASES
from vitcnn.bench import Bench
from vitcnn.bench.rounds import warm_up
from vitcnn.device import resolve
from vitcnn.tasks import Tasks

bench = Bench(device=resolve("cpu"), tasks=Tasks(Path("unused")), progress=lambda *_: None)


def seconds(run):
    start = time.perf_counter()
    run()
    return time.perf_counter() - start


def ratio(case):
    """Return how many products take as long as a run: the median of many looks at both, one after the other."""
    subject = conftest.prepared(case, bench)
    times = max(1, round(warm_up(subject.run, bench.device.timer) / 20e-6))
    looks = [(seconds(subject.run), seconds(lambda: conftest.work(times))) for _ in range(15)]
    return times * median(one / other for one, other in looks)


print(json.dumps({str(case): ratio(case) for case in CASES}))
'''

PAGE = """# `vitcnn compare` on a shared CPU

{date}, {machine}. Made by `{command}` ({versions}), vitcnn {commit}. {load}

One case of ten is slower by what is planted, each case in turn; a try is `vitcnn compare unchanged HEAD --pairs {pairs}
--minutes {minutes:g}`. Caught: the planted case is WORSE. False: another case is WORSE.

{summary}

## What one pair of processes says

The standard deviation of the median log ratio between pairs, over all tries, where nothing was planted in the case, and
what a planted slow-down of 10 % came to in the median.

{noise}

## Drawn again from these pairs

{drawn} suites each, judged by the product's own code: every case's log ratios are drawn from those of its pairs above
in which nothing was planted, around none, with at most {pairs} pairs; what is planted is added to one case, each in
turn. Cases are drawn apart from each other.

{resampled}

## Every try

{tries}
"""


class Proof:
    """The repository with the suite of ten, and what was tried with it so far."""

    def __init__(self, place: Path) -> None:
        self.place, self.suite, self.code = place, place / "suite", place / "vitcnn"
        self.results = place / "results.jsonl"

    def make(self) -> None:
        """Clone the product, write the suite, calibrate, and commit a revision for every plant."""
        if (self.place / "made").exists():
            return
        subprocess.run(["git", "clone", "--quiet", "--local", str(ROOT), str(self.code)], check=True)
        (self.suite / "benchmarks").mkdir(parents=True)
        cases = "\n".join(f"    {kind}(architecture={name!r}, px={px}, batch={b})," for kind, name, px, b in CASES)
        self._write("conftest.py", CONFTEST)
        self._write("benchmarks/test_ten.py", SUITE.format(cases=cases))
        self._write(".gitignore", "__pycache__/\n.vitcnn/\nproducts.json\n")
        self._write("extra.json", "{}")
        self.git("init", "--quiet")
        products: dict[str, float] = json.loads(self._python("-c", CALIBRATE).splitlines()[-1])
        self._write("products.json", json.dumps(products))
        self._commit(BASE)
        for plant, share in list(PLANTS.items())[1:]:
            for number, (case, of_a_run) in enumerate(products.items()):
                self._write("extra.json", json.dumps({case: max(1, round(share * of_a_run))}))
                self._commit(_tag(plant, number))
        (self.place / "made").touch()

    def tries(self) -> list[dict[str, Any]]:
        """Return what was tried."""
        return [json.loads(line) for line in self.results.read_text().splitlines()] if self.results.exists() else []

    def try_next(self, turns: Sequence[str], *, pairs: int, minutes: float) -> None:
        """Compare once more: what `turns` says is planted, each time in the next case."""
        done = len(self.tries())
        plant = turns[done % len(turns)]
        number = sum(entry["planted"] == plant for entry in self.tries()) % len(CASES)
        head, out = BASE if plant == "nothing" else _tag(plant, number), self.place / f"try-{done}"
        limits = ("--pairs", str(pairs), "--minutes", str(minutes))
        began = time.monotonic()
        code = "from vitcnn.cli import main; raise SystemExit(main())"
        command = ["-c", code, "compare", BASE, head, *limits, "--out", str(out), "--", "-p", "no:cacheprovider"]
        status = self._process(*command)
        if status.returncode not in (0, 1, 3) or not (out / "gate.md").exists():
            raise SystemExit(status.stdout + status.stderr)
        found = {
            "planted": plant,
            "case": list(json.loads((self.suite / "products.json").read_text()))[number],
            "exit": status.returncode,
            "seconds": round(time.monotonic() - began),
            "verdicts": re.findall(r"^\| (\w+) \| `([^`]+)`", (out / "gate.md").read_text(), re.MULTILINE),
            "costs": costs(out),
            "load": os.getloadavg()[2],
        }
        with self.results.open("a") as file:
            file.write(json.dumps(found) + "\n")
        subprocess.run(["rm", "-r", str(out)], check=True)
        print(done, plant, found["case"], status.returncode, found["seconds"], found["verdicts"], flush=True)

    def git(self, *arguments: str) -> str:
        who = ("-c", "user.name=Proof", "-c", "user.email=proof@example.org")
        command = ["git", "-C", str(self.suite), *who, *arguments]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()

    def _commit(self, tag: str) -> None:
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message", tag)
        self.git("tag", tag)

    def _write(self, name: str, text: str) -> None:
        (self.suite / name).write_text(text, encoding="utf-8")

    def _python(self, *arguments: str) -> str:
        done = self._process(*arguments)
        if done.returncode:
            raise SystemExit(done.stdout + done.stderr)
        return done.stdout

    def _process(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        environment = {**os.environ, "PYTHONPATH": str(self.code), "OMP_NUM_THREADS": "1"}
        command = [sys.executable, *arguments]
        return subprocess.run(command, cwd=self.suite, env=environment, capture_output=True, text=True, check=False)


def _tag(plant: str, number: int) -> str:
    return f"plus{PLANTS[plant] * 100:.0f}-{number}"


def costs(out: Path) -> dict[str, list[float]]:
    """Return the log ratios of every case, one for each pair that measured it."""
    found: dict[str, list[float]] = {}
    for number in range(1, len(list(out.glob("base-*"))) + 1):
        base, head = (load_run(out / f"{side}-{number}" / "run.json") for side in ("base", "head"))
        heads = {result.id: result.record for result in head.cases if result.record}
        for result in base.cases:
            if result.record and result.id in heads:
                found.setdefault(result.id, []).append(log_ratio(times_s(result.record), times_s(heads[result.id])))
    return found


def summary(tries: Sequence[dict[str, Any]]) -> str:
    """Return a table: what became of the tries of each kind."""
    rows = []
    for plant in [plant for plant in PLANTS if any(entry["planted"] == plant for entry in tries)]:
        these = [entry for entry in tries if entry["planted"] == plant]
        caught = [("WORSE", entry["case"]) in map(tuple, entry["verdicts"]) for entry in these]
        false = [_false(entry) for entry in these]
        undecided = [sum(kind == "INCONCLUSIVE" for kind, _ in entry["verdicts"]) for entry in these]
        rows.append(
            [
                plant,
                len(these),
                "" if plant == "nothing" else f"{sum(caught)} of {len(these)}",
                f"{sum(map(bool, false))} of {len(these)}",
                f"{sum(entry['exit'] == 0 for entry in these)} of {len(these)}",
                f"{sum(undecided)} of {len(CASES) * len(these)}",
                f"{median(entry['seconds'] for entry in these):.0f}, most {max(e['seconds'] for e in these)}",
            ]
        )
    headers = ("planted", "tries", "caught", "false", "exit 0", "cases undecided", "s a try")
    return tabulate(rows, headers=headers, tablefmt="github")


def _false(entry: dict[str, Any]) -> list[str]:
    planted = entry["case"] if entry["planted"] != "nothing" else ""
    return [case for kind, case in entry["verdicts"] if kind == "WORSE" and case != planted]


def noise(tries: Sequence[dict[str, Any]]) -> str:
    """Return a table: how the pairs of each case vary, and what was planted in it."""
    rows = []
    for case in tries[0]["costs"]:
        clean = [e["costs"][case] for e in tries if e["planted"] == "nothing" or e["case"] != case]
        planted = [c for e in tries if e["planted"] == "+10 %" and e["case"] == case for c in e["costs"][case]]
        every = [cost for one in clean for cost in one]
        came_to = f"{100 * expm1(median(planted)):+.1f} % ({len(planted)} pairs)" if planted else ""
        rows.append([f"`{case}`", len(every), f"{100 * stdev(every):.1f} %", came_to])
    return tabulate(rows, headers=("case", "pairs", "noise of a pair", "+10 % came to"), tablefmt="github")


def resampled(tries: Sequence[dict[str, Any]], *, pairs: int, suites: int) -> str:
    """Return a table: how often suites made of the measured pairs are red and the planted case is caught."""
    rng = np.random.default_rng(0)
    pools = [
        np.array([c for e in tries if e["planted"] == "nothing" or e["case"] != case for c in e["costs"][case]])
        for case in tries[0]["costs"]
    ]
    pools = [pool - np.median(pool) for pool in pools]
    rows = []
    for name, share in PLANTS.items():
        red, caught, undecided, took = 0, 0, 0, []
        for number in range(suites):
            costs = np.stack([rng.choice(pool, pairs) for pool in pools], axis=1)
            place = number % len(pools)
            costs[:, place] += np.log1p(share)
            kinds, num_pairs = decided(costs)
            others = [kind for index, kind in enumerate(kinds) if not share or index != place]
            red += "WORSE" in others
            caught += bool(share) and kinds[place] == "WORSE"
            undecided += kinds.count("INCONCLUSIVE")
            took.append(num_pairs)
        shares = [f"{100 * count / total:.1f} %" for count, total in ((red, suites), (undecided, suites * len(pools)))]
        rows.append(
            [name, shares[0], f"{100 * caught / suites:.1f} %" if share else "", shares[1], f"{median(took):.0f}"]
        )
    return tabulate(rows, headers=("planted", "another case red", "caught", "undecided", "pairs"), tablefmt="github")


def page(proof: Proof, options: argparse.Namespace) -> str:
    """Return the page on all tries so far."""
    tries = proof.tries()
    commit = subprocess.run(
        ["git", "-C", str(proof.code), "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=True
    ).stdout.strip()
    rows = [
        [
            number,
            entry["planted"],
            entry["case"] if entry["planted"] != "nothing" else "",
            entry["exit"],
            max(map(len, entry["costs"].values())),
            entry["seconds"],
            f"{entry['load']:.1f}",
            ", ".join(f"{kind} {case}" for kind, case in entry["verdicts"]),
        ]
        for number, entry in enumerate(tries)
    ]
    loads = [entry["load"] for entry in tries]
    headers = ("try", "planted", "in", "exit", "pairs", "s", "load", "verdicts but SAME")
    return PAGE.format(
        date=f"{datetime.now(UTC):%Y-%m-%d}",
        machine=f"{os.cpu_count()} cores, one thread",
        command=shlex.join(["python", "tools/prove_compare.py", *sys.argv[1:]]),
        versions=f"Python {platform.python_version()}, torch {version('torch')}, timm {version('timm')}",
        commit=commit,
        load=f"The machine was busy with other work: load {min(loads):.1f} to {max(loads):.1f} (15 minutes' mean).",
        pairs=options.pairs,
        minutes=options.minutes,
        summary=summary(tries),
        noise=noise(tries),
        drawn=f"{SUITES:,}",
        resampled=resampled(tries, pairs=options.pairs, suites=SUITES),
        tries=tabulate(rows, headers=headers, tablefmt="github"),
    )


def main() -> int:
    """Try until there are as many tries as asked; return 0 where no unchanged case was called worse."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--place", type=Path, required=True, help="a folder that is kept: it holds the tries so far")
    parser.add_argument("--tries", type=int, default=50, help="so many in all; default: 50")
    parser.add_argument("--turns", nargs="+", choices=PLANTS, default=TURNS, help="what is planted, in turns")
    parser.add_argument("--pairs", type=int, default=20)
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--out", type=Path, help="the Markdown page to write")
    options = parser.parse_args()
    proof = Proof(options.place.absolute())
    proof.place.mkdir(parents=True, exist_ok=True)
    proof.make()
    while len(proof.tries()) < options.tries:
        proof.try_next(options.turns, pairs=options.pairs, minutes=options.minutes)
    if options.out:
        options.out.write_text(page(proof, options), encoding="utf-8")
    print(summary(proof.tries()))
    return 1 if any(map(_false, proof.tries())) else 0


if __name__ == "__main__":
    raise SystemExit(main())
