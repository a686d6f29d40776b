"""Do the counts see what was planted, and nothing else? In a fresh process for each plant, however busy the machine is.

    python tools/prove_counts.py --processes 5 --out docs/results/counts-cpu.md

Counts some cases in several processes of unchanged code, which must agree; then plants one fault after the other in a
copy of the package and counts again: only the figures that the fault changes may differ, and must be worse.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tabulate import tabulate

from vitcnn.metrics.counts import INSTRUCTIONS_TOLERANCE

ROOT = Path(__file__).resolve().parents[1]
COUNTING = """
import json
from pathlib import Path
from vitcnn import AccuracyCase, LatencyCase, RobustnessCase, TiledCase, TrainingCase
from vitcnn.bench import Bench
from vitcnn.measuring.counting import graphs_so_far
from vitcnn.device import resolve
from vitcnn.questions import prepared
from vitcnn.measuring.runner import counts, forgetting_compiled_code
from vitcnn.tasks import Tasks

CASES = (
    *(LatencyCase(architecture=name, px=28, batch=1) for name in ("lenet", "vit_micro", "resnet18")),
    *(TrainingCase(architecture=name, px=28, batch=16) for name in ("lenet", "vit_micro")),
    AccuracyCase(architecture="lenet", task="digits", recipe="digits_cnn"),
    AccuracyCase(architecture="vit_micro", task="digits", recipe="digits_vit"),
    RobustnessCase(architecture="lenet", task="digits", recipe="digits_cnn"),
    TiledCase(architecture="lenet", width=100, height=70, tile_px=32, batch=5),
)
COMPILED = LatencyCase(architecture="lenet", px=28, batch=1, mode="compiled")
found = {}
bench = Bench(device=resolve("cpu"), tasks=Tasks(Path("unused")), progress=lambda *_: None)
for case in CASES:
    subject = prepared(case, bench)
    subject.warm_up()
    found |= {f"{case}::{name}": count for name, count in counts(subject).items()}
with forgetting_compiled_code(COMPILED):
    before = graphs_so_far()
    subject = prepared(COMPILED, bench)
    subject.warm_up()
    graphs = {name: count - before[name] for name, count in graphs_so_far().items()}
    found |= {f"{COMPILED}::{name}": count for name, count in {**counts(subject), **graphs}.items()}
print(json.dumps(found))
"""
COUNTING_INSTRUCTIONS = """
import json
from vitcnn import LatencyCase
from vitcnn.measuring.instructions import instructions_of
cases = [LatencyCase(architecture=name, px=28, batch=1) for name in ("lenet", "vit_micro")]
print(json.dumps({f"{case}::instructions": count for case, count in instructions_of(cases).items()}))
"""


@dataclass(frozen=True, kw_only=True)
class Plant:
    """A fault: what replaces what in a file of the project, and which counts it must change, and no other."""

    name: str
    file: str
    old: str
    new: str
    red: re.Pattern[str]


LENET = "    return nn.Sequential(\n        nn.Conv2d(shape.channels, 6, 5, padding=padding),"
COMPUTES = "::(operators|allocated_bytes)"
EVERY_LENET = "(latency|training|accuracy|robustness|tiled)/lenet/.*"


def around_lenet(body: str) -> str:
    """Return lenet's builder with a forward of its own: `body`, in which `images` and `super().forward` are known."""
    return f"""    import torch

    class Planted(nn.Sequential):
        def forward(self, images):
            {body}

    return Planted(
        nn.Conv2d(shape.channels, 6, 5, padding=padding),"""


PLANTS = (
    Plant(
        name="a clone in lenet's forward",
        file="vitcnn/architectures/cnn.py",
        old=LENET,
        new=around_lenet("return super().forward(images.clone())"),
        red=re.compile(EVERY_LENET + COMPUTES),
    ),
    Plant(
        name="a contiguous too many in lenet's forward",
        file="vitcnn/architectures/cnn.py",
        old=LENET,
        new=around_lenet("return super().forward(images.transpose(2, 3).contiguous().transpose(2, 3))"),
        red=re.compile(EVERY_LENET + COMPUTES),
    ),
    Plant(
        name="lenet's first ReLU runs twice",
        file="vitcnn/architectures/cnn.py",
        old=LENET,
        new=around_lenet("""for place, layer in enumerate(self):
                images = layer(layer(images)) if place == 1 else layer(images)
            return images"""),
        red=re.compile(EVERY_LENET + COMPUTES),
    ),
    Plant(
        name="a graph break in lenet's forward",
        file="vitcnn/architectures/cnn.py",
        old=LENET,
        new=around_lenet("torch._dynamo.graph_break(); return super().forward(images)"),
        red=re.compile(r"latency/lenet/.*/compiled::(graphs|graph_breaks)"),
    ),
    Plant(
        name="an .item() in the training step",
        file="vitcnn/training/step.py",
        old="        return loss.detach()",
        new="        loss.item()\n        return loss.detach()",
        red=re.compile(r"(training|accuracy)/.*::(operators|synchronisations)"),
    ),
    Plant(
        name="augmented images are normalised twice",
        file="vitcnn/training/augment/__init__.py",
        old="    return normalized(block)\n",
        new="    return replace(normalized(block), images=normalize(normalized(block).images))\n",
        red=re.compile(r"accuracy/.*" + COMPUTES),
    ),
)


def output_of(program: str, root: Path) -> dict[str, float]:
    """Return what `program` prints as JSON, by the code below `root`, in a fresh process."""
    environment = {**os.environ, "PYTHONPATH": str(root), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, cwd=root, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(done.stdout + done.stderr)
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def count(root: Path) -> dict[str, float]:
    """Return every count of the cases, by the code below `root`."""
    return output_of(COUNTING, root)


def instructions(root: Path) -> dict[str, float]:
    """Return the instructions of the small forwards, by the code below `root`."""
    return output_of(COUNTING_INSTRUCTIONS, root)


@contextmanager
def planted(fault: Plant, root: Path) -> Iterator[None]:
    """Plant `fault` below `root`, and take it out again."""
    source = root / fault.file
    unchanged = source.read_text(encoding="utf-8")
    assert unchanged.count(fault.old) == 1, f"{fault.file} no longer has what {fault.name!r} replaces"
    source.write_text(unchanged.replace(fault.old, fault.new), encoding="utf-8")
    yield
    source.write_text(unchanged, encoding="utf-8")


def prove_instructions(root: Path, processes: int) -> tuple[list[str], bool]:
    """Return lines about instructions, and whether a clone shows in the case that it slows, and in no other."""
    runs = [instructions(root) for _ in range(processes)]
    with planted(PLANTS[0], root):
        now = instructions(root)
    rows, right = [], True
    for name, count in now.items():
        low, high = (extreme(run[name] for run in runs) for extreme in (min, max))
        beyond = count > high * (1 + INSTRUCTIONS_TOLERANCE)
        right = right and beyond == name.startswith("latency/lenet/")
        red = "red" if beyond else "green"
        rows.append([f"`{name}`", f"{low:,.0f} to {high:,.0f}", f"{high / low - 1:.2%}", f"{count:,.0f}", red])
    heads = [
        "one forward",
        f"{processes} processes",
        "they differ by",
        f"with {PLANTS[0].name}",
        f"beyond {INSTRUCTIONS_TOLERANCE:.1%}",
    ]
    return ["", tabulate(rows, headers=heads, tablefmt="github")], right


def plant(fault: Plant, root: Path, before: dict[str, float]) -> tuple[list[object], list[str], bool]:
    """Plant `fault` below `root`, count, take it out; return a row, what changed, and whether that is as it must be."""
    began = time.perf_counter()
    with planted(fault, root):
        now = count(root)
    changed = [name for name in before if now[name] != before[name]]
    fine = bool(changed) and all(fault.red.fullmatch(name) and now[name] > before[name] for name in changed)
    lines = [f"- `{name}`: {before[name]:,} -> {now[name]:,}" for name in changed]
    row = [fault.name, len(changed), "yes" if fine else "NO", f"{time.perf_counter() - began:.0f}"]
    return row, lines, fine


def main() -> int:
    """Prove both; return 0 where the counts did as they must."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--processes", type=int, default=5, help="of unchanged code; default: 5")
    parser.add_argument("--out", type=Path, help="the Markdown page to write")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        root = Path(place)
        shutil.copytree(ROOT / "vitcnn", root / "vitcnn")
        runs = [count(root) for _ in range(options.processes)]
        same = all(run == runs[0] for run in runs)
        verdict = "all equal" if same else "NOT EQUAL"
        lines = [f"Unchanged code, {options.processes} processes, {len(runs[0])} counts: {verdict}.", ""]
        print(lines[0], flush=True)
        rows, details, right = [], [], same
        for fault in PLANTS:
            row, changed, fine = plant(fault, root, runs[0])
            print(*row, flush=True)
            rows.append(row)
            details += [f"\n**{fault.name}**\n", *changed]
            right = right and fine
        about_instructions: list[str] = []
        if shutil.which("valgrind"):
            about_instructions, fine = prove_instructions(root, options.processes)
            right = right and fine
    lines += [
        tabulate(rows, headers=["planted", "counts changed", "as it must be", "s"], tablefmt="github"),
        *about_instructions,
    ]
    lines += details
    text = "\n".join(lines)
    print(text)
    if options.out:
        options.out.write_text(f"{text}\n", encoding="utf-8")
    return 0 if right else 1


if __name__ == "__main__":
    raise SystemExit(main())
