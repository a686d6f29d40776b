"""LoRA, merged weights and heads on features, raced against what else one would use; all sides in turn, in one process.

Without `--race` all three run:

- `step`: a training step of LoRA of rank 16 on query and value, by vitcnn on timm's fused layer, by peft on the
  separate layers of Hugging Face transformers' ViT of the same size, and by peft on timm's whole fused layer (query,
  key and value: another method, with one A for all three). Same batch, precision and optimiser; the head trains too;
  weights are random.
- `answer`: an answer of the base model, with LoRA merged, with LoRA beside the weights.
- `head`: five epochs of a head on one view of each image, on features that are computed once, and on a frozen backbone
  that is run again in each epoch. The images are noise, and a model may enlarge them.

A ratio is the median over the rounds of the first side's time divided by the other's. `CPU` is the process's own time,
which other work on the machine lengthens less than the clock on the wall. `memory` is what autograd saves for the
backward; on CUDA the peak of a step, beside which the other sides' weights do not count.

    python tools/lora_race.py [--race step] [--arch vit_base] [--px 224] [--batch 8] [--rounds 20] [--mode eager]
"""

from __future__ import annotations

import argparse
import copy
import statistics
import time
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.metadata import version
from importlib.util import find_spec
from typing import Any

import numpy as np
import torch
from peft import LoraConfig, get_peft_model, inject_adapter_in_model
from tabulate import tabulate
from torch import Tensor, nn
from tqdm import tqdm

from vitcnn.adaptation.adapt import adapted, num_trainable
from vitcnn.adaptation.lora import merge
from vitcnn.adaptation.parts import backbone, classifier
from vitcnn.adaptations import Lora, adaptation
from vitcnn.architectures import architecture
from vitcnn.bench.training_memory import saved_for_backward_bytes
from vitcnn.device import Device, numerics, resolve
from vitcnn.device.memory import peak_allocated_bytes
from vitcnn.inference.forward import DTYPES, for_inference, memory_format, resized
from vitcnn.recipes import Recipe
from vitcnn.recipes.parts import STEP_OPTIMIZER, AdamW
from vitcnn.spec import InputShape
from vitcnn.training import Resident, TrainingStep, fit, optimizers
from vitcnn.training.features import features_of

NUM_CLASSES = 10
LORA = Lora(rank=16, targets="qv", alpha=32)
VITS = ("vit_tiny", "vit_small", "vit_base")
WARM = 3
"""Runs of each side before the clock starts; what is compiled, is compiled then."""

Run = Callable[[], object]


@dataclass(frozen=True, kw_only=True)
class Side:
    """One way to do the same: what is timed, and the model of which the memory is asked, None where it is not."""

    name: str
    run: Run
    model: nn.Module | None = None


class Logits(nn.Module):
    """Takes the logits out of what a model of transformers returns."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, images: Tensor) -> Tensor:
        logits: Tensor = self.model(pixel_values=images).logits
        return logits


def ours(name: str, px: int) -> nn.Module:
    """Return a ViT of timm with vitcnn's LoRA."""
    return adapted(timm_vit(name, px), LORA)


def timm_vit(name: str, px: int) -> nn.Module:
    """Return a ViT of timm with random weights."""
    return architecture(name).build(InputShape(px=px, channels=3, num_classes=NUM_CLASSES))


def of_transformers(name: str, px: int) -> nn.Module:
    """Return transformers' ViT of the same size with peft's LoRA on its query and value layers."""
    from transformers import ViTConfig, ViTForImageClassification

    twin: Any = timm_vit(name, px)
    config = ViTConfig(
        hidden_size=twin.embed_dim,
        num_hidden_layers=len(twin.blocks),
        num_attention_heads=twin.blocks[0].attn.num_heads,
        intermediate_size=twin.blocks[0].mlp.fc1.out_features,
        image_size=px,
        patch_size=twin.patch_embed.patch_size[0],
        num_labels=NUM_CLASSES,
        hidden_dropout_prob=0.0,
        attention_probs_dropout_prob=0.0,
    )
    model = ViTForImageClassification(config)
    ends = {found.rpartition(".")[2] for found, module in model.named_modules() if isinstance(module, nn.Linear)}
    targets = sorted(ends & {"query", "value", "q_proj", "v_proj"})  # as versions of transformers call them
    settings = LoraConfig(r=LORA.rank, lora_alpha=LORA.alpha, target_modules=targets, modules_to_save=["classifier"])
    return Logits(get_peft_model(model, settings))


def fused_by_peft(name: str, px: int) -> nn.Module:
    """Return timm's ViT with peft's LoRA on the whole of its fused layers."""
    model = timm_vit(name, px).requires_grad_(False)
    inject_adapter_in_model(LoraConfig(r=LORA.rank, lora_alpha=LORA.alpha, target_modules=["qkv"]), model)
    classifier(model)[1].requires_grad_(True)
    return model


STEPS: Mapping[str, Callable[[str, int], nn.Module]] = {
    "vitcnn, q and v of timm's qkv": ours,
    "peft on transformers' ViT, q and v": of_transformers,
    "peft on timm's qkv, all of it": fused_by_peft,
}


def steps(options: argparse.Namespace, device: Device) -> list[Side]:
    """Return the sides of a training step."""
    images = torch.randn(options.batch, 3, options.px, options.px, device=device.name)
    labels = torch.arange(options.batch, device=device.name) % NUM_CLASSES
    sides = []
    for name, build in STEPS.items():
        torch.manual_seed(0)
        model = build(options.arch, options.px).to(device.name)
        step = TrainingStep(
            model,
            optimizers(model, STEP_OPTIMIZER),
            device=device,
            layout=torch.contiguous_format,
            precision=options.precision,
            mode=options.mode,
        )
        sides.append(Side(name=name, run=lambda step=step: step(images, labels), model=model))
    trained = {num_trainable(side.model) for side in sides[:2] if side.model}
    assert len(trained) == 1, f"the two methods train different numbers: {trained}"
    return sides


def answers(options: argparse.Namespace, device: Device) -> list[Side]:
    """Return the sides of an answer: the base, merged, and beside its weights."""
    images = torch.randn(options.batch, 3, options.px, options.px, device=device.name, dtype=DTYPES[options.precision])
    torch.manual_seed(0)
    base = timm_vit(options.arch, options.px)
    beside = adapted(copy.deepcopy(base), LORA)
    models = {"LoRA merged": merge(copy.deepcopy(beside)), "base": base, "LoRA beside the weights": beside}
    how = {"device": device, "layout": torch.contiguous_format, "precision": options.precision, "mode": options.mode}

    def answering(model: nn.Module) -> Run:
        ready = for_inference(model, **how)

        def run() -> Tensor:
            with torch.inference_mode():
                return ready(images)

        return run

    return [Side(name=name, run=answering(model)) for name, model in models.items()]


def heads(options: argparse.Namespace, device: Device) -> list[Side]:
    """Return the sides of five epochs of a head: on features computed once, and on a backbone run in each epoch."""
    entry = architecture(options.head_arch)
    shape = InputShape(px=options.head_px, channels=3, num_classes=NUM_CLASSES)
    pixels = np.random.default_rng(0).integers(0, 256, (options.images, 3, shape.px, shape.px), dtype=np.uint8)
    images = torch.from_numpy(pixels).to(device.name)
    labels = torch.arange(options.images, device=device.name) % NUM_CLASSES
    source = Resident(images=images, labels=labels, num_classes=NUM_CLASSES)
    recipe = Recipe(
        name="five_epochs_of_a_head",
        epochs=5,
        batch=min(options.images, 64),
        optimizer=AdamW(peak_learning_rate=1e-3, weight_decay=0.05),
        warmup_share=0.1,
        augmentation=(),
        source="here",
    )
    torch.manual_seed(0)
    model = adapted(resized(entry, shape).to(device.name), adaptation("head"))
    layout = memory_format(entry)
    how = {"device": device, "precision": options.precision, "mode": "eager", "recipe": recipe, "seed": 0}

    def once() -> object:
        features = features_of(
            backbone(model.to(memory_format=layout)),
            source,
            device=device,
            layout=layout,
            precision=options.precision,
            num_classes=NUM_CLASSES,
        )
        return fit(classifier(model)[1], features, layout=torch.contiguous_format, **how)

    def in_each_epoch() -> object:
        return fit(model, source, layout=layout, **how)

    return [Side(name="features once", run=once), Side(name="backbone in each epoch", run=in_each_epoch)]


@dataclass(frozen=True, kw_only=True)
class Race:
    """Who runs, in how many rounds, and what is to be reached against the second side."""

    sides: Callable[[argparse.Namespace, Device], list[Side]]
    what: Callable[[argparse.Namespace], str]
    warm: int = WARM
    target: str


def of_vit(options: argparse.Namespace) -> str:
    """Return what runs, of a ViT."""
    return f"{options.arch}, {options.px} px, batch {options.batch}, {options.precision}, {options.mode}"


def of_head(options: argparse.Namespace) -> str:
    """Return what runs, of a head."""
    return f"{options.head_arch}, {options.images} images of {options.head_px} px, {options.precision}, eager"


RACES = {
    "step": Race(sides=steps, what=of_vit, target="time and memory <= 1.0 of the second (GPU: time <= 0.9)"),
    "answer": Race(sides=answers, what=of_vit, target="merged <= 1.01 of the base"),
    "head": Race(sides=heads, what=of_head, warm=0, target="<= 0.25 of the second: four times as fast"),
}


def timed(sides: list[Side], rounds: int, warm: int, device: Device) -> dict[str, np.ndarray]:
    """Return the seconds of each round by the clock on the wall and of the process, (rounds, 2), by side."""
    times: dict[str, list[tuple[float, float]]] = {side.name: [] for side in sides}
    for side in sides:
        for _ in range(warm):
            side.run()
    for index in tqdm(range(rounds), leave=False, disable=None):
        first = index % len(sides)
        for side in [*sides[first:], *sides[:first]]:
            start, cpu_start = device.timer(), time.process_time()
            side.run()
            times[side.name].append((device.timer() - start, time.process_time() - cpu_start))
    return {name: np.array(found) for name, found in times.items()}


def memory_bytes(side: Side, device: Device) -> float:
    """Return the memory of a step; on CUDA what it adds to all that lies there, and its own of that."""
    assert side.model is not None
    if not device.is_cuda:
        return saved_for_backward_bytes(side.model, side.run)
    there = torch.cuda.memory_allocated(device.name)
    own = sum(p.nbytes for p in side.model.parameters()) + 2 * 4 * num_trainable(side.model)
    return peak_allocated_bytes(device, side.run) - there + own


def rows(sides: list[Side], times: Mapping[str, np.ndarray], device: Device) -> list[list[object]]:
    """Return a row for each side, with the first side's ratio to it."""
    memory = {side.name: memory_bytes(side, device) for side in sides if side.model}
    first = sides[0].name
    table: list[list[object]] = []
    for side in sides:
        found, ratios = times[side.name], np.median(times[first] / times[side.name], axis=0)
        wall, cpu = (statistics.median(column) * 1e3 for column in found.T)
        of_memory = [memory[side.name] / 1e6, memory[first] / memory[side.name]] if memory else []
        table.append([side.name, wall, cpu, *ratios, *of_memory])
    return table


HEADERS = ["side", "wall ms", "CPU ms", "first / it, wall", "first / it, CPU", "memory MB", "first / it, memory"]


def run_race(race: Race, options: argparse.Namespace, device: Device) -> None:
    """Run one race and print its table."""
    rounds = options.rounds if race.warm else options.head_rounds
    sides = race.sides(options, device)
    times = timed(sides, rounds, race.warm, device)
    print(f"\n{race.what(options)}, {rounds} rounds; target: {race.target}\n")
    formats, table = ("", ".1f", ".1f", ".3f", ".3f", ".1f", ".3f"), rows(sides, times, device)
    print(tabulate(table, headers=HEADERS[: len(table[0])], tablefmt="github", floatfmt=formats))


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--race", nargs="+", choices=RACES, default=list(RACES))
    parser.add_argument("--arch", choices=VITS, default="vit_small")
    parser.add_argument("--px", type=int, default=224)
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--device", default="auto")
    parser.add_argument("--precision", choices=("fp32", "bf16"), default="fp32")
    parser.add_argument("--mode", choices=("eager", "compiled"), default="eager")
    parser.add_argument("--head-arch", default="resnet50", help="whose head is trained")
    parser.add_argument("--head-px", type=int, default=64, help="pixels of its images; a model may enlarge them")
    parser.add_argument("--head-rounds", type=int, default=3)
    parser.add_argument("--images", type=int, default=128, help="images that its head is trained on")
    options = parser.parse_args()
    device = resolve(options.device)
    warnings.simplefilter("ignore", FutureWarning)  # transformers' about its own
    names = ("torch", "timm", "peft", "transformers")
    if "step" in options.race and not find_spec("transformers"):
        raise SystemExit("The race of steps needs transformers: pip install transformers, or --race answer head")
    print(
        ", ".join(f"{name} {version(name)}" for name in names if find_spec(name)),
        device.key,
        f"{torch.get_num_threads()} threads",
    )
    with numerics(device):
        for name in options.race:
            run_race(RACES[name], options, device)


if __name__ == "__main__":
    main()
