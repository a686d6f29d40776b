"""Reads a frame of 16,384 x 16,384 px in a budget of memory, every pixel of it, the result in a mapped file.

    python tools/large_frame.py --memory-mb 512 --classes 2

The frame, 805 MB of bytes, lies in a mapped file as well. The batch is chosen by the budget. Told is what the process
holds besides mapped files, which the system can take back at any time: before, and at its highest, sampled every 20 ms.
"""

from __future__ import annotations

import argparse
import threading
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import psutil
import torch
from torch import nn

from vitcnn.device import resolve
from vitcnn.inference import TileGrid, Tiler
from vitcnn.inference.tiling import batch_within
from vitcnn.tasks import real_images

MEGA = 1e6
PERIOD_S = 0.02


class Highest(threading.Thread):
    """Watches what this process holds that is not of a mapped file."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.ended = threading.Event()
        self.process = psutil.Process()
        self.before = self.bytes = self.own_bytes()

    def own_bytes(self) -> int:
        memory = self.process.memory_info()
        return int(memory.rss - memory.shared)

    def run(self) -> None:
        while not self.ended.wait(PERIOD_S):
            self.bytes = max(self.bytes, self.own_bytes())


def main() -> None:
    """Make the frame, read it and print what it took."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--px", type=int, default=16_384)
    parser.add_argument("--tile", type=int, default=512)
    parser.add_argument("--classes", type=int, default=2)
    parser.add_argument("--memory-mb", type=float, default=512)
    parser.add_argument("--folder", type=Path, help="where the files lie; default: a temporary folder")
    options = parser.parse_args()

    device, layout, side = resolve("cpu"), torch.channels_last, options.px
    torch.manual_seed(0)
    layers = nn.Conv2d(3, 16, 3, padding=1), nn.ReLU(), nn.Conv2d(16, options.classes, 1)
    model = nn.Sequential(*layers).eval().requires_grad_(False).to(memory_format=layout)
    with TemporaryDirectory(dir=options.folder) as folder:
        frame = torch.from_numpy(mapped(Path(folder) / "frame.npy", (3, side, side), np.uint8))
        wall = torch.from_numpy(real_images.frame(width=side, height=512))
        for top in range(0, side, 512):
            frame[:, top : top + 512] = wall[:, : min(512, side - top)]
        out = torch.from_numpy(mapped(Path(folder) / "dense.npy", (options.classes, side, side), np.float32))
        budget = int(options.memory_mb * MEGA)
        grid = TileGrid(width=side, height=side, tile_px=options.tile, overlap=0.1)
        batch = batch_within(budget, model, grid, device, layout=layout, is_dense=True)
        tiler = Tiler(model=model, tile_px=options.tile, batch=batch, layout=layout)
        watch, start = Highest(), time.perf_counter()
        watch.start()
        tiler.dense(frame, out)
        seconds = time.perf_counter() - start
        watch.ended.set()
        print(
            f"{side}x{side} px, {len(grid.corners):,} tiles of {options.tile} px, {batch} at once: {seconds:.1f} s; "
            f"result {out.nbytes / MEGA:,.0f} MB in a mapped file; held besides: {watch.before / MEGA:,.0f} MB "
            f"before, {(watch.bytes - watch.before) / MEGA:,.0f} MB more at the highest; budget "
            f"{options.memory_mb:,.0f} MB"
        )


def mapped(path: Path, shape: tuple[int, ...], dtype: type) -> np.ndarray:
    """Return a new array in a mapped file."""
    return np.lib.format.open_memmap(path, mode="w+", dtype=dtype, shape=shape)


if __name__ == "__main__":
    main()
