"""Races tiled dense inference side by side with MONAI's `sliding_window_inference` and with the bare forward.

    python tools/tiling_race.py --model light --threads 1
    python tools/tiling_race.py --model resnet18 --threads 2 --out docs/results/tiling-race.json

One frame of photographs, tiles of 512 px with 10 % overlap, blended by the Gaussian window: the same module, precision
and layout on both sides, in turns in one process. MONAI is given the frame as normalised floats, whose making is not
timed, and each of several batch sizes; its best counts. Ours is given the bytes. `bare` is the forward of the same
tiles alone, cut before. `out given` writes every frame's result to the same memory, as for a video, which the system
need not hand out anew. Memory is what a call takes at its peak besides the result and the largest forward.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

import monai
import torch
from monai.inferers import sliding_window_inference
from tabulate import tabulate
from torch import Tensor, nn
from tqdm import tqdm

from vitcnn.architectures import architecture
from vitcnn.device import Device, peak_bytes, resolve
from vitcnn.images import normalize
from vitcnn.inference import Tiler
from vitcnn.inference.forward import memory_format
from vitcnn.inference.tiling import dense_model
from vitcnn.tasks import real_images

MEGA = 1e6

Key = tuple[str, int]
"""What runs, and how many tiles at once."""

Taken = tuple[float, float]
"""Seconds by the wall clock, and of the CPU."""


def light_cnn() -> nn.Module:
    """Return three convolutions at full resolution: 2.2 GMAC a tile of 512 px."""
    layers = nn.Conv2d(3, 16, 3, padding=1), nn.ReLU(), nn.Conv2d(16, 16, 3, padding=1), nn.ReLU(), nn.Conv2d(16, 2, 1)
    return nn.Sequential(*layers)


def built(name: str, tile_px: int) -> tuple[nn.Module, torch.memory_format]:
    """Return a model of every pixel, and its layout."""
    torch.manual_seed(0)
    if name == "light":
        return light_cnn().eval(), torch.channels_last
    entry, shape = architecture(name), real_images.input_shape(tile_px)
    return dense_model(entry.build(shape).eval(), shape), memory_format(entry)


def main() -> None:
    """Race, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="light", help="light, or an architecture of the catalogue")
    parser.add_argument("--width", type=int, default=3840)
    parser.add_argument("--height", type=int, default=2160)
    parser.add_argument("--tile", type=int, default=512)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--batches", type=int, nargs="+", default=[1, 2, 4, 9])
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--out", type=Path, help="a JSON file for the figures")
    options = parser.parse_args()

    torch.set_num_threads(options.threads)
    device = resolve(options.device)
    model, layout = built(options.model, options.tile)
    model = model.to(device.name, memory_format=layout).requires_grad_(False)
    frame = torch.from_numpy(real_images.frame(width=options.width, height=options.height)).to(device.name)
    floats = normalize(frame)[None]

    def of_monai(batch: int) -> Callable[[], Tensor]:
        how = {"overlap": 0.1, "mode": "gaussian", "predictor": _in_layout(model, layout)}
        return lambda: sliding_window_inference(floats, (options.tile,) * 2, batch, **how)[0]

    def of_us(batch: int) -> Callable[[], Tensor]:
        tiler = Tiler(model=model, tile_px=options.tile, batch=batch, layout=layout)
        return lambda: tiler.dense(frame)

    def of_us_again(batch: int) -> Callable[[], Tensor]:
        tiler = Tiler(model=model, tile_px=options.tile, batch=batch, layout=layout)
        out = of_us(1)()
        return lambda: tiler.dense(frame, out)

    def bare(batch: int) -> Callable[[], object]:
        grid = Tiler(model=model, tile_px=options.tile).grid_of(frame)
        tiles = [floats[0, :, t : t + options.tile, q : q + options.tile] for t, q in grid.corners]
        batches = [
            torch.stack(tiles[first : first + batch]).contiguous(memory_format=layout)
            for first in range(0, len(tiles), batch)
        ]
        return lambda: [model(one) for one in batches] and None

    kinds = {"MONAI": of_monai, "vitcnn": of_us, "vitcnn, out given": of_us_again, "bare": bare}
    runs = {(kind, batch): make(batch) for kind, make in kinds.items() for batch in options.batches}
    with torch.inference_mode():
        difference = (of_monai(1)() - of_us(1)()).abs().max().item()
        taken = timed_in_turns(runs, options.rounds, device)
        memory = {}
        for batch in options.batches:
            shape = (batch, 3, options.tile, options.tile)
            tiles = torch.rand(shape, device=device.name).contiguous(memory_format=layout)
            forward = peak_bytes(device, partial(model, tiles))
            result = of_us(batch)().nbytes
            for kind in ("MONAI", "vitcnn"):
                memory[kind, batch] = peak_bytes(device, runs[kind, batch]) - result - forward
    print(table(taken, memory))
    for name, (wall, cpu) in ratios(taken).items():
        print(f"{options.model}: {name} {wall:.3f} by the wall clock, {cpu:.3f} by CPU time, each at its best batch")
    for batch in options.batches:
        share = memory["vitcnn", batch] / memory["MONAI", batch]
        print(f"{options.model}: extra memory, vitcnn / MONAI, {batch} tiles at once: {share:.2f}")
    print(f"largest difference of the results: {difference:.1e}")
    if options.out:
        write(options, taken, memory, difference)


def timed_in_turns(runs: Mapping[Key, Callable[[], object]], rounds: int, device: Device) -> dict[Key, list[Taken]]:
    """Return the seconds of each run in each round, by the wall clock and of the CPU."""
    taken: dict[Key, list[Taken]] = {key: [] for key in runs}
    for _ in tqdm(range(rounds), desc="rounds", disable=None):
        for key, run in runs.items():
            start, start_cpu = device.timer(), time.process_time()
            run()
            taken[key].append((device.timer() - start, time.process_time() - start_cpu))
    return taken


def medians(taken: Mapping[Key, list[Taken]]) -> dict[Key, Taken]:
    """Return the median round of each run, by either clock."""
    return {
        key: (statistics.median(wall for wall, _ in rounds), statistics.median(cpu for _, cpu in rounds))
        for key, rounds in taken.items()
    }


def ratios(taken: Mapping[Key, list[Taken]]) -> dict[str, Taken]:
    """Return what ours takes by what the others take, each at the batch that is its best by that clock."""
    middle = medians(taken)

    def best(kind: str) -> Taken:
        of_kind = [both for (name, _), both in middle.items() if name == kind]
        return min(wall for wall, _ in of_kind), min(cpu for _, cpu in of_kind)

    return {
        f"{ours} / {theirs}": (best(ours)[0] / best(theirs)[0], best(ours)[1] / best(theirs)[1])
        for ours in ("vitcnn", "vitcnn, out given")
        for theirs in ("MONAI", "bare")
    }


def table(taken: Mapping[Key, list[Taken]], memory: Mapping[Key, int]) -> str:
    """Return a row for each run."""
    rows = [
        (*key, f"{wall:.3f}", f"{cpu:.3f}", f"{memory[key] / MEGA:,.0f}" if key in memory else "")
        for key, (wall, cpu) in medians(taken).items()
    ]
    return tabulate(rows, headers=("", "batch", "median s", "CPU s", "extra MB"), disable_numparse=True) + "\n"


def write(
    options: argparse.Namespace, taken: Mapping[Key, list[Taken]], memory: Mapping[Key, int], difference: float
) -> None:
    """Write what was measured as JSON."""
    asked = {name: value for name, value in vars(options).items() if name != "out"}
    figures = {
        **asked,
        "torch": torch.__version__,
        "monai": monai.__version__,
        "wall_and_cpu_s": {f"{kind}, {batch} at once": values for (kind, batch), values in taken.items()},
        "extra_bytes": {f"{kind}, {batch} at once": value for (kind, batch), value in memory.items()},
        "ratios": ratios(taken),
        "largest_difference": difference,
    }
    options.out.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")


def _in_layout(model: nn.Module, layout: torch.memory_format) -> Callable[[Tensor], Tensor]:
    return lambda tiles: model(tiles.contiguous(memory_format=layout))


if __name__ == "__main__":
    main()
