"""Says what checkpointing, bf16, fused attention and channels_last each save of a training step's memory, as predicted.

    python tools/memory_savings.py vit_base resnet50 convnext_tiny swin_tiny

Needs no GPU. Each row changes one thing of the step in the first row of its architecture. "-" stands where a model
cannot do that.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from typing import Any

import torch

from vitcnn.architectures import architecture
from vitcnn.bench.predicted_memory import Asked, predicted_peak
from vitcnn.errors import NotPredictable
from vitcnn.inference.forward import memory_format
from vitcnn.recipes.parts import STEP_OPTIMIZER
from vitcnn.tasks import real_images

HEADERS = ("architecture", "step", "peak, MB", "less", "weights", "optimiser", "activations", "temporary and the rest")


def ways(asked: Asked) -> dict[str, Asked]:
    """Return the step as it is, and with one thing changed each."""
    is_last = memory_format(asked.architecture) is torch.channels_last
    changes: dict[str, dict[str, Any]] = {
        f"fp32, fused attention, {'channels_last' if is_last else 'contiguous'}": {},
        "attention not fused": {"fused_attention": False},
        "contiguous" if is_last else "channels_last": {"channels_last": not is_last},
        "bf16": {"precision": "bf16"},
        "checkpointing": {"checkpointing": True},
        "bf16 and checkpointing": {"precision": "bf16", "checkpointing": True},
        "the head alone trains": {"adaptation": "head"},
    }
    return {name: replace(asked, **change) for name, change in changes.items()}


def rows(name: str, px: int, batch: int) -> list[str]:
    """Return the lines of one architecture."""
    asked = Asked(
        architecture=architecture(name), shape=real_images.input_shape(px), batch=batch, optimizer=STEP_OPTIMIZER
    )
    first, lines = 0, []
    for way, other in ways(asked).items():
        try:
            peak = predicted_peak(other)
        except NotPredictable:
            lines.append(f"| {name} | {way} |" + " - |" * (len(HEADERS) - 2))
            continue
        first = first or peak.total
        rest = peak.gradients + peak.inputs + peak.temporary
        sizes = (peak.weights, peak.optimizer, peak.activations, rest)
        figures = " | ".join(f"{size / 1e6:,.0f}" for size in sizes)
        lines.append(
            f"| {name} | {way} | {peak.total / 1e6:,.0f} | {100 * (1 - peak.total / first):.0f} % | {figures} |"
        )
    return lines


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="+", metavar="ARCH")
    parser.add_argument("--px", type=int, default=224)
    parser.add_argument("--batch", type=int, default=64)
    options = parser.parse_args()
    print(f"torch {torch.__version__}, {options.px} px, batch {options.batch}, AdamW\n")
    print(f"| {' | '.join(HEADERS)} |\n|{'---|' * len(HEADERS)}")
    for name in options.names:
        print("\n".join(rows(name, options.px, options.batch)), flush=True)


if __name__ == "__main__":
    main()
