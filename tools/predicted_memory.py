"""Sets predicted peaks of memory on a CPU beside those that torch's profiler sees, for each architecture.

    python tools/predicted_memory.py --px 224 --batch 8 resnet18 vit_tiny

Both are of one step (or forward) that is not the first. The prediction is for a CPU here: other kernels run there than
on CUDA, and nothing is rounded up. The measured peak is what the step allocates, and beside it what was there before.
The last column is the operator in which the measured peak lies: what it allocates inside itself is not predicted.
"""

from __future__ import annotations

import argparse
import gc
from collections.abc import Callable
from itertools import accumulate

import torch
from torch.profiler import ProfilerActivity, profile

from vitcnn import MemoryCase
from vitcnn.architectures import architecture
from vitcnn.bench.models import forward_subject, step_subject
from vitcnn.bench.predicted_memory import Asked, predicted_peak
from vitcnn.bench.rounds import ONCE
from vitcnn.device import numerics, resolve
from vitcnn.recipes.parts import STEP_OPTIMIZER
from vitcnn.tasks import real_images

HEADERS = (
    "architecture",
    "px",
    "batch",
    "phase",
    "precision",
    "there before, MB",
    "predicted above, MB",
    "measured above, MB",
    "difference of the whole",
    "of what the run takes",
    "peak lies in",
)
SUBJECTS = {"training": step_subject, "inference": forward_subject}


def row(name: str, px: int, batch: int, phase: str, precision: str) -> str:
    """Return the line of one architecture: what is there before, the peak above it, the prediction of both."""
    shape = real_images.input_shape(px)
    entry = architecture(name)
    optimizer = None if phase == "inference" else STEP_OPTIMIZER
    asked = Asked(architecture=entry, shape=shape, batch=batch, precision=precision, optimizer=optimizer, kind="cpu")
    predicted = predicted_peak(asked)
    before = predicted.weights + predicted.optimizer + predicted.inputs
    device = resolve("cpu")
    case = MemoryCase(architecture=name, px=px, batch=batch, phase=phase, precision=precision)
    with numerics(device):
        subject = SUBJECTS[phase](case, device, ONCE)
        subject.run()
        gc.collect()
        above, operator = measured_peak(subject.run)
    figures = [before, predicted.total - before, above]
    difference, of_run = (predicted.total / (before + above) - 1, (predicted.total - before) / above - 1)
    cells = [name, f"{px}", f"{batch}", phase, precision, *(f"{value / 1e6:,.1f}" for value in figures)]
    return "| " + " | ".join([*cells, f"{100 * difference:+.1f} %", f"{100 * of_run:+.1f} %", operator]) + " |"


def measured_peak(run: Callable[[], object]) -> tuple[int, str]:
    """Return the bytes that a run allocates at its peak, and the outermost of torch's operators that runs then."""
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as profiled:
        run()
    events = profiled.profiler.kineto_results.events()
    changes = sorted((event.start_ns(), event.nbytes()) for event in events if event.name() == "[memory]")
    sizes = list(accumulate(change for _, change in changes))
    when = changes[sizes.index(max(sizes))][0]
    running = [
        event
        for event in events
        if event.name().startswith("aten::") and event.start_ns() <= when <= event.start_ns() + event.duration_ns()
    ]
    return max(sizes), min(running, key=lambda event: event.start_ns()).name() if running else "-"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="+", metavar="ARCH")
    parser.add_argument("--px", type=int, default=224)
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--phase", choices=tuple(SUBJECTS), default="training")
    parser.add_argument("--precision", choices=("fp32", "bf16"), default="fp32")
    options = parser.parse_args()
    print(f"torch {torch.__version__}, {torch.get_num_threads()} threads\n")
    print(f"| {' | '.join(HEADERS)} |\n|{'---|' * len(HEADERS)}")
    for name in options.names:
        print(row(name, options.px, options.batch, options.phase, options.precision), flush=True)


if __name__ == "__main__":
    main()
