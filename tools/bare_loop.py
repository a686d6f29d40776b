"""vitcnn against a bare PyTorch loop over the same model: what does the harness add to a step and to a forward?

Both sides run in this process on the same model and images, in turn, round by round; the first of each pair alternates.
The ratio is the median over the pairs of vitcnn's time divided by the bare loop's, with a 95 % bootstrap interval.

    python tools/bare_loop.py [--pairs 200]
"""

from __future__ import annotations

import argparse
from collections.abc import Callable

import numpy as np
import torch
from scipy import stats
from tabulate import tabulate
from torch.nn import functional as F
from tqdm import tqdm

from vitcnn import LatencyCase, TrainingCase
from vitcnn.bench.models import forward_subject, step_subject
from vitcnn.bench.models import images_on as real_images_on
from vitcnn.bench.rounds import warm_up
from vitcnn.bench.subject import Subject
from vitcnn.device import Device, numerics, resolve
from vitcnn.recipes.parts import STEP_OPTIMIZER
from vitcnn.spec import BatchCase
from vitcnn.training import optimizers

ROUND_S = 0.02
TARGET = 1.02
CASES: tuple[BatchCase, ...] = (
    LatencyCase(architecture="lenet", px=28, batch=1),
    LatencyCase(architecture="vit_micro", px=28, batch=1),
    LatencyCase(architecture="resnet18", px=28, batch=1),
    LatencyCase(architecture="vit_tiny", px=28, batch=1),
    TrainingCase(architecture="lenet", px=28, batch=16),
    TrainingCase(architecture="vit_micro", px=28, batch=16),
    TrainingCase(architecture="resnet18", px=28, batch=16),
    TrainingCase(architecture="vit_tiny", px=28, batch=16),
)


def bare_forward(subject: Subject) -> Callable[[], object]:
    """Return the loop body that a careful user writes for inference."""
    model, images = subject.model, images_for(subject)

    def run() -> object:
        with torch.inference_mode():
            return model(images)

    return run


def bare_step(subject: Subject) -> Callable[[], object]:
    """Return the loop body that a careful user writes for training."""
    model, images = subject.model, images_for(subject)
    (optimizer,) = optimizers(model, STEP_OPTIMIZER)
    labels = torch.arange(len(images), device=images.device) % subject.shape.num_classes

    def run() -> object:
        optimizer.zero_grad(set_to_none=True)
        loss = F.cross_entropy(model(images), labels)
        loss.backward()
        optimizer.step()
        return loss

    return run


def images_for(subject: Subject) -> torch.Tensor:
    """Return the case's own images in the layout of its model."""
    from vitcnn.inference.forward import memory_format

    return real_images_on(subject.device, subject.case, memory_format(subject.architecture))


def seconds(run: Callable[[], object], calls: int, device: Device) -> float:
    """Return the seconds of one call, over `calls` calls."""
    start = device.timer()
    for _ in range(calls):
        run()
    return (device.timer() - start) / calls


def compare(case: BatchCase, device: Device, pairs: int) -> list[object]:
    """Return the table's row for one case."""
    training = isinstance(case, TrainingCase)
    subject = (step_subject if training else forward_subject)(case, device)
    sides = {"vitcnn": subject.run, "bare": (bare_step if training else bare_forward)(subject)}
    calls = max(1, round(ROUND_S / max(warm_up(subject.run, subject.device.timer), 1e-6)))
    times: dict[str, list[float]] = {name: [] for name in sides}
    for pair in tqdm(range(pairs + 2), desc=str(case), leave=False, disable=None):
        for name in sorted(sides, reverse=bool(pair % 2)):
            times[name].append(seconds(sides[name], calls, device))
    ours, bare = (np.array(times[name][2:]) for name in ("vitcnn", "bare"))
    interval = stats.bootstrap((ours / bare,), np.median, rng=0, n_resamples=2000).confidence_interval
    ratio = float(np.median(ours / bare))
    verdict = "yes" if ratio <= TARGET else "NO"
    return [str(case), np.median(ours) * 1e3, np.median(bare) * 1e3, ratio, interval.low, interval.high, verdict]


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", type=int, default=200, help="pairs of rounds for each case")
    parser.add_argument("--device", default="auto")
    arguments = parser.parse_args()
    device = resolve(arguments.device)
    with numerics(device):
        rows = [compare(case, device, arguments.pairs) for case in CASES]
    print(f"torch {torch.__version__}, {device.key}, {arguments.pairs} pairs a case")
    headers = ["case", "vitcnn ms", "bare ms", "ratio", "low", "high", f"<= {TARGET}"]
    print(tabulate(rows, headers=headers, tablefmt="github", floatfmt=("", ".3f", ".3f", ".3f", ".3f", ".3f", "")))


if __name__ == "__main__":
    main()
