"""Is the gate red for what got worse, for nothing else, and green where nothing changed? On this machine, for real.

    python tools/prove_gate.py plants --out docs/results/gate-plants-cpu.md
    python tools/prove_gate.py same --times 5 --out docs/results/gate-same-cpu.md

`plants` clones this repository's last commit, records a baseline there, plants one regression after the other in the
clone's source and runs the gate on each. `same` records a baseline and runs the gate on unchanged code, on the suite
and on a miniature one that needs no torch. Both take minutes to an hour: stop what else uses the machine.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tabulate import tabulate

from vitcnn.baseline import baseline_of, recordings
from vitcnn.gate.judge import judge
from vitcnn.gate.verdict import RED, Judgement
from vitcnn.offline import run_files
from vitcnn.record import load_run

ROOT = Path(__file__).resolve().parents[1]
SELECTED = ("-k", "lenet or vit_micro and not compiled or resnet18 and (training or memory) and 28")
"""What the plants are looked for in: all questions of the small models, time and memory of resnet18."""


@dataclass(frozen=True, kw_only=True)
class Plant:
    """A regression: what replaces what in a file of the project, and which verdicts it must cause, and no other."""

    name: str
    file: str
    old: str
    new: str
    red: re.Pattern[str]


PLANTS = (
    Plant(
        name="lenet's forward takes 3x the time",
        file="vitcnn/architectures/cnn.py",
        old="    return nn.Sequential(\n        nn.Conv2d(shape.channels, 6, 5, padding=padding),",
        new="""    import time

    class Slow(nn.Sequential):
        def forward(self, images):
            start = time.perf_counter()
            logits = super().forward(images)
            end = start + 3 * (time.perf_counter() - start)
            while time.perf_counter() < end:
                pass
            return logits

    return Slow(
        nn.Conv2d(shape.channels, 6, 5, padding=padding),""",
        red=re.compile(
            r"(latency|training|accuracy|data_efficiency)/lenet/.*::(latency_s|step_time_s|training_time_s)"
        ),
    ),
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
        red=re.compile(r"memory/resnet18/.*/training/.*::saved_for_backward_bytes"),
    ),
    Plant(
        name="augmentation turns images by radians where it was told degrees",
        file="vitcnn/training/augment/geometry.py",
        old="draws[0] * math.radians(bounds.degrees)",
        new="draws[0] * bounds.degrees",
        red=re.compile(r"(accuracy|data_efficiency|robustness)/.*::(test_accuracy|mean_relative_accuracy)"),
    ),
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

    def __init__(self, root: Path, arguments: Sequence[str] = ()) -> None:
        self.root = root
        self.arguments = tuple(arguments)
        self.num_runs = 0

    def record(self) -> None:
        """Record a baseline of five processes."""
        command = (
            "-c",
            "from vitcnn.cli import main; raise SystemExit(main())",
            "baseline",
            "record",
            "--name",
            "before",
        )
        done = self._python(*command, "--", *self.arguments)
        if done.returncode:
            raise SystemExit(done.stdout + done.stderr)

    def gate(self) -> tuple[int, Judgement, float]:
        """Run the gate; return its exit status, its verdicts and its seconds."""
        self.num_runs += 1
        out = self.root / f"gate-{self.num_runs}"
        began = time.perf_counter()
        done = self._python("-m", "pytest", "benchmarks", "--gate", "--out", str(out), *self.arguments)
        seconds = time.perf_counter() - began
        if not (out / "run.json").exists():
            raise SystemExit(done.stdout + done.stderr)
        (store,) = (self.root / "benchmarks" / "baselines").iterdir()
        runs = [load_run(file) for file in run_files(out)]
        return done.returncode, judge(runs, baseline_of(recordings(store))), seconds

    def _python(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        path = os.pathsep.join(filter(None, (str(self.root), os.environ.get("PYTHONPATH", ""))))
        environment = {**os.environ, "PYTHONPATH": path}
        return subprocess.run(
            [sys.executable, *arguments], cwd=self.root, env=environment, capture_output=True, text=True, check=False
        )


def clone(place: Path) -> Path:
    """Clone the last commit of this repository."""
    subprocess.run(["git", "clone", "--quiet", "--local", str(ROOT), str(place)], check=True)
    return place


def prove_plants(place: Path) -> tuple[list[str], bool]:
    """Plant each regression and judge; return a table's lines and whether each was red for the right metrics alone."""
    suite, rows, right = Suite(clone(place / "clone"), SELECTED), [], True
    lines: list[str] = []
    suite.record()
    for plant in (None, *PLANTS):
        print(f"{plant.name if plant else 'nothing changed'} ...", flush=True)
        if plant:
            source = suite.root / plant.file
            before = source.read_text(encoding="utf-8")
            assert before.count(plant.old) == 1, f"{plant.file} no longer has what {plant.name!r} replaces"
            source.write_text(before.replace(plant.old, plant.new), encoding="utf-8")
        status, judgement, seconds = suite.gate()
        if plant:
            source.write_text(before, encoding="utf-8")
        red = [verdict for verdict in judgement.verdicts if verdict.kind in RED["on"]]
        wrong = [v.name for v in red if not (plant and v.kind == "WORSE" and plant.red.fullmatch(v.name))]
        fine = not wrong and bool(red) == bool(plant) == bool(status)
        right = right and fine
        rows.append([plant.name if plant else "nothing", status, len(red), "yes" if fine else "NO", f"{seconds:.0f}"])
        lines += [f"\n**{rows[-1][0]}**\n", *(f"- {v.kind} `{v.name}`: {v.reason}" for v in red)] if red else []
    return [tabulate(rows, headers=["planted", "exit", "red", "as it must be", "s"], tablefmt="github"), *lines], right


def prove_same(place: Path, times: int, miniature_times: int, arguments: Sequence[str]) -> tuple[list[str], bool]:
    """Judge unchanged code: `miniature_times` times on a miniature suite, then `times` times on the suite."""
    miniature = place / "miniature"
    (miniature / "benchmarks").mkdir(parents=True)
    (miniature / "conftest.py").write_text('pytest_plugins = ["vitcnn.pytest_plugin"]\n', encoding="utf-8")
    (miniature / "benchmarks" / "test_work.py").write_text(MINIATURE, encoding="utf-8")
    lines, green = [], True
    for name, suite, count in (
        ("the miniature suite", Suite(miniature), miniature_times),
        ("the suite", Suite(clone(place / "clone"), arguments), times),
    ):
        if count:
            suite.record()
        rows = []
        for number in range(1, count + 1):
            status, judgement, seconds = suite.gate()
            kinds: dict[str, int] = {}
            for verdict in judgement.verdicts:
                kinds[verdict.kind] = kinds.get(verdict.kind, 0) + 1
            rows.append([number, status, json.dumps(kinds), f"{seconds:.0f}"])
            green = green and status == 0
            print(name, *rows[-1], flush=True)
        lines += [f"## {name}", "", tabulate(rows, headers=["run", "exit", "verdicts", "s"], tablefmt="github"), ""]
    return lines, green


def main() -> int:
    """Prove one of both; return 0 where the gate did as it must."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("plants", "same"))
    parser.add_argument("--times", type=int, default=5, help="gates on the unchanged suite; default: 5")
    parser.add_argument("--miniature-times", type=int, default=20, help="and on a miniature one; default: 20")
    parser.add_argument("--out", type=Path, help="the Markdown page to write")
    parser.add_argument("--select", metavar="EXPR", help="in `same`: pytest's -k for the suite; default: all of it")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        prove = prove_plants(Path(place)) if options.what == "plants" else None
        lines, right = prove or prove_same(
            Path(place), options.times, options.miniature_times, ("-k", options.select) if options.select else ()
        )
    text = "\n".join(lines)
    print(text)
    if options.out:
        options.out.write_text(f"{text}\n", encoding="utf-8")
    return 0 if right else 1


if __name__ == "__main__":
    raise SystemExit(main())
