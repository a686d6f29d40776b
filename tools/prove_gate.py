"""Is the gate red for what got worse, for nothing else, and green where nothing changed? On this machine, for real.

    python tools/prove_gate.py --place /tmp/proof --out docs/results/gate-cpu.md

Clones this repository's last commit, records a baseline of five processes of the whole suite there, and runs the gate:
with one regression after the other planted in the clone's source, on unchanged code, beside neighbours that keep every
core busy, and many times on a miniature suite that needs no torch. Each trial is appended to trials.jsonl in `--place`;
called again it goes on from there. Takes one to two hours: stop what else uses the machine.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import re
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from tabulate import tabulate

from vitcnn.commands.offline import run_files
from vitcnn.gate.baseline import baseline_of, recordings
from vitcnn.gate.judge import judge
from vitcnn.gate.verdict import RED, Verdict
from vitcnn.record import load_run

ROOT = Path(__file__).resolve().parents[1]


@dataclass(frozen=True, kw_only=True)
class Plant:
    """A regression: what replaces what in a file of the project, which figures it may make WORSE, which it must."""

    name: str
    file: str
    old: str
    new: str
    may: re.Pattern[str]
    must: Sequence[re.Pattern[str]]


TIMES_OF_LENET = (
    r"(latency|training|tiled|accuracy|data_efficiency|robustness)/lenet/.*"
    r"::(latency_s|step_time_s|training_time_s|frame_time_s)"
)
AUGMENTED = r"(accuracy|data_efficiency|robustness)/.*::(test_accuracy|clean_accuracy|corrupted_accuracy)"

TWICE = Plant(
    name="lenet's forward takes 2x the time",
    file="vitcnn/architectures/cnn.py",
    old="    return nn.Sequential(\n        nn.Conv2d(shape.channels, 6, 5, padding=padding),",
    new="""    import time

    class Slow(nn.Sequential):
        def forward(self, images):
            start = time.perf_counter()
            logits = super().forward(images)
            end = start + 2 * (time.perf_counter() - start)
            while time.perf_counter() < end:
                pass
            return logits

    return Slow(
        nn.Conv2d(shape.channels, 6, 5, padding=padding),""",
    may=re.compile(TIMES_OF_LENET),
    must=(re.compile(r"latency/lenet/.*::latency_s"),),
)
PLANTS = (
    TWICE,
    Plant(
        name="resnet18 keeps one more activation for the backward pass",
        file="vitcnn/architectures/cnn.py",
        old="        model.conv1, model.maxpool = stem, nn.Identity()\n    return model",
        new="""        model.conv1, model.maxpool = stem, nn.Identity()
    import torch

    class Keep(torch.autograd.Function):
        @staticmethod
        def forward(context, features):
            context.save_for_backward(features.clone())
            return features.view_as(features)

        @staticmethod
        def backward(context, gradient):
            return gradient

    class Keeping(nn.Module):
        def forward(self, features):
            return Keep.apply(features) if torch.is_grad_enabled() else features

    model.layer4 = nn.Sequential(model.layer4, Keeping())
    return model""",
        may=re.compile(
            r"(memory|training)/resnet18/.*::(saved_for_backward_bytes|operators|allocated_bytes|step_time_s)"
        ),
        must=(re.compile(r"memory/resnet18/.*/training/.*::saved_for_backward_bytes"),),
    ),
    Plant(
        name="augmentation turns images by radians where it was told degrees",
        file="vitcnn/training/augment/geometry.py",
        old="draws[0] * math.radians(bounds.degrees)",
        new="draws[0] * bounds.degrees",
        may=re.compile(AUGMENTED),
        must=tuple(re.compile(AUGMENTED.replace(".*::", f"{name}/.*::")) for name in ("lenet", "vit_micro")),
    ),
)


@dataclass(frozen=True, kw_only=True)
class Trial:
    """One run of the gate: on which suite, what is planted, and whether neighbours keep every core busy.

    Beside neighbours nearly every time is a suspect, so that these trials are narrowed to some cases.
    """

    suite: str
    plant: Plant | None = None
    busy: bool = False

    @property
    def narrowed(self) -> tuple[str, ...]:
        """The options that narrow it."""
        return ("-k", BUSY) if self.busy else ()

    def __str__(self) -> str:
        what = self.plant.name if self.plant else "nothing"
        return f"{what}, beside busy neighbours (-k '{BUSY}')" if self.busy else what

    def is_fine(self, status: int, red: Sequence[Verdict]) -> bool:
        """Whether exit status and red verdicts are what they must be."""
        worse = [verdict.name for verdict in red if verdict.kind == "WORSE"]
        if self.busy:
            only_what_it_may = not worse or (self.plant is not None and all(map(self.plant.may.fullmatch, worse)))
            return only_what_it_may and (status != 0 if self.plant else status == 0 or (bool(red) and not worse))
        if self.plant is None:
            return status == 0 and not red
        seen = all(any(map(must.fullmatch, worse)) for must in self.plant.must)
        return status == 1 and seen and len(worse) == len(red) and all(map(self.plant.may.fullmatch, worse))


def trials(*, unchanged: int, miniature: int) -> list[Trial]:
    """Return what is tried, the most telling first."""
    return [
        *(Trial(suite=SUITE, plant=plant) for plant in PLANTS),
        *[Trial(suite=SUITE)] * unchanged,
        *[Trial(suite=SUITE, busy=True), Trial(suite=SUITE, plant=TWICE, busy=True)] * 2,
        *[Trial(suite=SMALL)] * miniature,
    ]


SUITE, SMALL = "the suite", "a miniature suite"
BUSY = "latency and (lenet or vit_micro)"

AS_IT_MUST_BE = (
    "As it must be: what is planted is WORSE (a fault of augmentation with both of its architectures), nothing else is",
    "red; unchanged code is green. Beside busy neighbours, one for each core, unchanged code is green or cannot be",
    "judged, and a time that doubled is never green.",
)

MINIATURE = """
import zlib

import pytest

WORK = {
    "sum": lambda: sum(range(20_000)),
    "sort": lambda: sorted(range(20_000), key=lambda n: n * 7919 % 20_011),
    "join": lambda: "".join(map(str, range(5_000))),
    "compress": lambda: zlib.compress(bytes(range(256)) * 400),
    "dict": lambda: {n: str(n) for n in range(5_000)},
}

@pytest.mark.parametrize("name", WORK)
def test_work(measure, name):
    measure.time(WORK[name])
"""


class Suite:
    """A suite in a folder, run by this Python with the folder's own code first on its path."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.store = root / "benchmarks" / "baselines"

    def record(self) -> None:
        """Record a baseline of five processes, where none of ours is stored."""
        if list(self.store.rglob("*_proof*.json")):
            return
        main = "from vitcnn.cli import main; raise SystemExit(main())"
        done = self._python("-c", main, "baseline", "record", "--name", "proof")
        if done.returncode:
            raise SystemExit(done.stdout + done.stderr)

    def gate(self, out: Path, narrowed: Sequence[str]) -> tuple[int, list[Verdict], str]:
        """Run the gate; return its exit status, its red verdicts and its last line about the verdicts."""
        done = self._python("-m", "pytest", "benchmarks", "--gate", "--out", str(out), *narrowed)
        if not (out / "run.json").exists():
            raise SystemExit(done.stdout + done.stderr)
        runs = [load_run(file) for file in run_files(out)]
        (store,) = self.store.iterdir()
        red = [verdict for verdict in judge(runs, baseline_of(recordings(store))).verdicts if verdict.kind in RED["on"]]
        closing = re.search(r"^(GREEN|RED) \(mode on\): .*(?:\n  .*)*", done.stdout, re.MULTILINE)
        return done.returncode, red, " ".join(closing[0].split()) if closing else ""

    def _python(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        path = os.pathsep.join(filter(None, (str(self.root), os.environ.get("PYTHONPATH", ""))))
        environment = {**os.environ, "PYTHONPATH": path}
        return subprocess.run(
            [sys.executable, *arguments], cwd=self.root, env=environment, capture_output=True, text=True, check=False
        )


def suites(place: Path) -> dict[str, Suite]:
    """Return both suites below `place`, made where they are not there yet."""
    whole, small = place / "clone", place / "miniature"
    if not whole.exists():
        subprocess.run(["git", "clone", "--quiet", "--local", str(ROOT), str(whole)], check=True)
        (small / "benchmarks").mkdir(parents=True)
        (small / "conftest.py").write_text('pytest_plugins = ["vitcnn.pytest_plugin"]\n', encoding="utf-8")
        (small / "benchmarks" / "test_work.py").write_text(MINIATURE, encoding="utf-8")
    return {SUITE: Suite(whole), SMALL: Suite(small)}


@contextmanager
def planted(plant: Plant | None, root: Path) -> Iterator[None]:
    """Plant a regression below `root`, and take it out again."""
    if plant is None:
        yield
        return
    source = root / plant.file
    before = source.read_text(encoding="utf-8")
    assert before.count(plant.old) == 1, f"{plant.file} no longer has what {plant.name!r} replaces"
    source.write_text(before.replace(plant.old, plant.new), encoding="utf-8")
    try:
        yield
    finally:
        source.write_text(before, encoding="utf-8")


@contextmanager
def neighbours(*, busy: bool) -> Iterator[None]:
    """Keep every core busy with a process of its own, where `busy`."""
    count = (os.cpu_count() or 1) if busy else 0
    processes = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(count)]
    try:
        yield
    finally:
        for process in processes:
            process.kill()
            process.wait()


def try_out(trial: Trial, suite: Suite, out: Path) -> dict[str, Any]:
    """Run the gate as `trial` wants it; return what is kept of it."""
    suite.record()
    shutil.rmtree(out, ignore_errors=True)  # what a trial that was stopped has left
    began = time.perf_counter()
    with planted(trial.plant, suite.root), neighbours(busy=trial.busy):
        status, red, closing = suite.gate(out, trial.narrowed)
    return {
        "suite": trial.suite,
        "trial": str(trial),
        "exit": status,
        "fine": trial.is_fine(status, red),
        "closing": closing,
        "seconds": round(time.perf_counter() - began),
        "red": [[verdict.kind, verdict.name, verdict.reason] for verdict in red],
    }


def page(found: Sequence[dict[str, Any]], commit: str) -> str:
    """Return the page on all trials so far."""
    lines = [
        "# The gate, tried",
        "",
        f"{datetime.now(UTC):%Y-%m-%d}, {os.cpu_count()} cores, {platform.machine()}. Made by "
        f"`{shlex.join(['python', 'tools/prove_gate.py', *sys.argv[1:]])}` (Python {platform.python_version()}, torch "
        f"{version('torch')}), vitcnn {commit}: a baseline of five processes, then these gates by it.",
        "",
        *AS_IT_MUST_BE,
    ]
    for suite in (SUITE, SMALL):
        these = [entry for entry in found if entry["suite"] == suite]
        if not these:
            continue
        rows = [
            [entry["trial"], entry["exit"], "yes" if entry["fine"] else "NO", entry["seconds"], entry["closing"]]
            for entry in these
        ]
        heads = ["planted", "exit", "as it must be", "s", "the gate's last line"]
        lines += ["", f"## {suite}", "", tabulate(rows, headers=heads, tablefmt="github")]
        for entry in these:
            if entry["red"]:
                lines += ["", f"**{entry['trial']}**", ""]
                lines += [f"- {kind} `{name}`: {reason}" for kind, name, reason in entry["red"]]
    return "\n".join(lines) + "\n"


def main() -> int:
    """Try what was not tried yet; return 0 where the gate did as it must in all of it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--place", type=Path, required=True, help="a folder for the clone and the trials")
    parser.add_argument("--unchanged", type=int, default=5, help="gates on unchanged code; default: 5")
    parser.add_argument("--miniature", type=int, default=20, help="gates on a miniature suite; default: 20")
    parser.add_argument("--out", type=Path, required=True, help="the Markdown page to write")
    options = parser.parse_args()
    options.place.mkdir(parents=True, exist_ok=True)
    both, file = suites(options.place), options.place / "trials.jsonl"
    git = ["git", "-C", str(both[SUITE].root), "rev-parse", "--short", "HEAD"]
    commit = subprocess.run(git, capture_output=True, text=True, check=True).stdout.strip()
    found = [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []
    for number, trial in enumerate(trials(unchanged=options.unchanged, miniature=options.miniature)):
        if number < len(found):
            continue
        print(f"{trial.suite}: {trial} ...", flush=True)
        found.append(try_out(trial, both[trial.suite], options.place / f"gate-{number}"))
        print(*(found[-1][key] for key in ("exit", "fine", "seconds", "closing")), flush=True)
        with file.open("a") as journal:
            journal.write(json.dumps(found[-1]) + "\n")
        options.out.write_text(page(found, commit), encoding="utf-8")
    return 0 if all(entry["fine"] for entry in found) else 1


if __name__ == "__main__":
    raise SystemExit(main())
