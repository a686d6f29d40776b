"""Reads whole frames with trained seeds: a seed is trained on tiles before its round, and the round times the reading.

Every architecture and seed reads the same frames. They lie on the device when the clock starts.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor, nn

from vitcnn.bench.bench import Bench
from vitcnn.bench.few import few, few_images_setup
from vitcnn.bench.found import FALSE_ALARMS, Truth, findings_of, truth_of
from vitcnn.bench.mask_head import MOST_TILES, STEPS, outlining
from vitcnn.bench.models import WEIGHTS_SEED
from vitcnn.bench.seed_rounds import SeedRounds, subject_of
from vitcnn.bench.seeds import (
    Findings,
    Pupil,
    SeedResult,
    few_batches,
    new_model,
    result_of,
    seeds_of,
    train_and_ask,
    trained_of,
    trained_pupil,
)
from vitcnn.bench.series import nested, series_of
from vitcnn.bench.setup import Setup
from vitcnn.bench.subject import Subject, Trained
from vitcnn.errors import UserError
from vitcnn.images import Resize
from vitcnn.inference import Tiler
from vitcnn.record import Series
from vitcnn.spec import InputShape, Split
from vitcnn.tasks.defects import KINDS, TileKind, frame, least_px, load_masks
from vitcnn.tasks.scenes import CLASSES, Scene
from vitcnn.training import Source

if TYPE_CHECKING:
    from vitcnn.questions.defects import DefectsCase

TILE_BATCH_PIXELS = 1 << 22
"""Pixels of the tiles that are read together: 1,024 tiles of 64 px, 16 of 512 px."""

FEW_STEPS = 2
"""Steps of the head for masks where only its form counts."""


def defects_subject(case: DefectsCase, bench: Bench) -> Subject:
    """Return the subject whose run reads all frames with one trained seed; UserError for a task without frames."""
    if case.task not in KINDS:
        allowed, do = ", ".join(KINDS), f"Correct {case}."
        raise UserError(field=f"task of {case.question}", value=case.task, allowed=allowed, do=do)
    setup, train_of = few_images_setup(case, bench, case.num_train)
    reading = FrameReading(setup=setup, bench=bench, case=case, kind=KINDS[case.task], train_of=train_of)
    rounds = SeedRounds(reading.seeds, begin=reading.begin, run=reading.run, end=reading.end)
    return subject_of(
        setup,
        rounds,
        warm_up=reading.warm_up,
        images_per_run=case.num_frames,
        settings=reading.settings,
        outcome=lambda: trained_of(setup, rounds.results, reading.warm_up_s),
        series=lambda trained: reading.series(trained, rounds.results),
        counted=reading.counted,
    )


class InPrecision(nn.Module):
    """A model that is asked as it is trained: in bf16 by autocast, or in fp32; its answers are float32."""

    def __init__(self, model: nn.Module, *, is_bf16: bool) -> None:
        super().__init__()
        self.model, self.is_bf16 = model, is_bf16

    def forward(self, images: Tensor) -> Tensor:
        with torch.autocast(images.device.type, torch.bfloat16, enabled=self.is_bf16):
            answers: Tensor = self.model(images)
        return answers.float()


@dataclass(frozen=True)
class Readers:
    """A trained model on whole frames: what says the class of each tile, and what says that of each pixel."""

    tiles: Tiler
    pixels: Tiler


@dataclass(frozen=True)
class OneReading:
    """What came of reading the frames: each one's probabilities (tiles, classes), and pixels (true, predicted)."""

    probabilities: list[Tensor]
    confusion: Tensor


@dataclass(kw_only=True)
class FrameReading:
    """What happens to a seed before, in and after its round."""

    setup: Setup
    bench: Bench
    case: DefectsCase
    kind: TileKind
    train_of: Callable[[int], Source]
    warm_up_s: float = 0.0
    readers: Readers | None = None
    read: OneReading | None = None

    @property
    def seeds(self) -> range:
        """The seeds of the case."""
        return seeds_of(self.setup, self.bench)

    @property
    def shape(self) -> InputShape:
        """A tile as it is cut from a frame."""
        return replace(self.setup.shape, px=self.kind.tile_px)

    @cached_property
    def scenes(self) -> list[Scene]:
        """The held-out frames."""
        return [frame(self.kind, number) for number in range(self.case.num_frames)]

    @cached_property
    def frames(self) -> list[Tensor]:
        """Their images, uint8 (3, height, width), on the device."""
        return [torch.from_numpy(scene.image).to(self.setup.device.name) for scene in self.scenes]

    @cached_property
    def masks(self) -> list[Tensor]:
        """The classes of their pixels, int64 (pixels,), on the device."""
        return [torch.from_numpy(scene.mask).to(self.setup.device.name).flatten().long() for scene in self.scenes]

    @cached_property
    def tiles_with_masks(self) -> tuple[Split, np.ndarray]:
        """The training tiles of the task, and the classes of their pixels, uint8 (tiles, px, px)."""
        tasks = self.bench.tasks
        masks = load_masks(self.kind, tasks.data_root, self.bench.progress).train
        tiles = tasks.data(self.case.task, self.bench.progress).train
        assert np.array_equal(masks.labels, tiles.labels), "masks are of the same tiles"
        return tiles, masks.images[:, 0]

    def begin(self, seed: int) -> Pupil:
        """Build and train the model and the head for masks, so that neither is timed."""
        pupil = trained_pupil(self.setup, self.bench, seed, self.train_of(seed))
        self.readers = self.readers_of(pupil.model, seed, STEPS)
        _ = self.frames, self.masks
        return pupil

    def readers_of(self, model: nn.Module, seed: int, steps: int) -> Readers:
        """Return a trained model on whole frames, its head for masks trained on masks of the seed's tiles."""
        tiles, masks = self.tiles_with_masks
        numbered = Split(images=np.arange(len(tiles.labels)), labels=tiles.labels)
        chosen = few(numbered, self.case.num_train, seed=seed).images[:MOST_TILES]
        whole = model if self.setup.shape.px == self.kind.tile_px else nn.Sequential(Resize(self.setup.shape.px), model)
        outlines = outlining(
            whole,
            torch.from_numpy(tiles.images[chosen]),
            torch.from_numpy(masks[chosen]),
            shape=self.shape,
            device=self.setup.device,
            precision=self.case.precision,
            seed=seed,
            steps=steps,
        )
        return Readers(self._tiler(whole), self._tiler(outlines))

    def _tiler(self, model: nn.Module) -> Tiler:
        return Tiler(
            model=InPrecision(model, is_bf16=self.case.precision == "bf16").eval(),
            tile_px=self.kind.tile_px,
            overlap=self.case.overlap,
            batch=max(1, TILE_BATCH_PIXELS // self.kind.tile_px**2),
            layout=self.setup.layout,
        )

    def run(self, _pupil: Pupil) -> None:
        """Read all frames; what comes of it stays on the device."""
        assert self.readers is not None, "begin comes first"
        self.read = read(self.readers, self.frames, self.masks)

    def end(self, pupil: Pupil) -> SeedResult:
        """Score what was read, and ask the model about the test tiles too."""
        assert pupil.history is not None
        result = result_of(self.setup, pupil.model, pupil.history, self.scored)
        self.readers = self.read = None
        return result

    @cached_property
    def truths(self) -> list[Truth]:
        """What there is in the tiles of each frame."""
        assert self.readers is not None, "begin comes first"
        grids = [self.readers.tiles.grid_of(image) for image in self.frames]
        return [truth_of(scene, grid.boxes, grid.tile_px) for scene, grid in zip(self.scenes, grids, strict=True)]

    def scored(self, _model: nn.Module) -> Findings:
        """Return what the frames say of the seed that has read them."""
        assert self.read is not None, "run comes first"
        probabilities = [each.cpu().numpy() for each in self.read.probabilities]
        return findings_of(probabilities, self.read.confusion.cpu().numpy(), self.truths)

    def warm_up(self) -> tuple[int, int]:
        """Train a throw-away model and read a frame with it; return the plan: one round for each seed."""
        setup, seed = self.setup, self.seeds[0]
        start = setup.device.timer()
        model = new_model(setup, seed)
        train_and_ask(setup, model, few_batches(setup))
        read(self.readers_of(model, seed, FEW_STEPS), self.frames[:1], self.masks[:1])
        self.warm_up_s = setup.device.timer() - start
        return len(self.seeds), 1

    def counted(self) -> Callable[[], object]:
        """Build a model of its own and return its reading of two tiles: no seed's."""
        model = new_model(self.setup, WEIGHTS_SEED).to(memory_format=self.setup.layout).eval()
        readers, px = self.readers_of(model, WEIGHTS_SEED, FEW_STEPS), self.kind.tile_px
        two = self.frames[0][:, :px, : 2 * px]
        mask = torch.zeros(two.shape[-2] * two.shape[-1], dtype=torch.int64, device=two.device)
        return lambda: read(readers, [two], [mask])

    @property
    def settings(self) -> dict[str, Any]:
        """What repeats the training and the frames, as JSON values."""
        return {
            **self.setup.settings(self.seeds),
            "frame": [self.kind.width, self.kind.height],
            "tile_px": self.kind.tile_px,
            "num_frames": self.case.num_frames,
            "overlap": self.case.overlap,
            "least_defect_px": least_px(self.kind.tile_px),
            "threshold": "chosen by the scores of the same frames' tiles without a pixel of a defect",
            "mask_head": {"tiles": min(MOST_TILES, self.case.num_train), "steps": STEPS},
        }

    def series(self, trained: Trained, results: list[SeedResult]) -> list[Series]:
        """Return the curves and answers, recall by false alarms, and what became of each class on the frames."""
        by_class, by_alarms = ("seed", "class"), ("seed", "false_alarms_per_frame")
        found = trained.findings
        return [
            *series_of(trained, [result.history for result in results], self.setup.objective),
            Series(name="false_alarms_per_frame", unit="1", axes=by_alarms[1:], values=FALSE_ALARMS),
            Series(name="recall", unit="1", axes=by_alarms, values=nested(found["recalls"])),
            Series(name="defects", unit="1", axes=("seed", "defect"), values=nested(found["defects"])),
            Series(name="defects_found", unit="1", axes=("seed", "defect"), values=nested(found["found"])),
            Series(name="defects_in_a_tile", unit="1", axes=("seed",), values=nested(found["in_a_tile"])),
            Series(name="mask_intersection", unit="pixel", axes=by_class, values=nested(found["intersections"])),
            Series(name="mask_union", unit="pixel", axes=by_class, values=nested(found["unions"])),
        ]


def read(readers: Readers, frames: list[Tensor], masks: list[Tensor]) -> OneReading:
    """Return what a model says of the tiles and of the pixels of frames whose classes are `masks`, (pixels,) each."""
    probabilities, num = [], len(CLASSES)
    confusion = torch.zeros(num * num, dtype=torch.int64, device=frames[0].device)
    for image, mask in zip(frames, masks, strict=True):
        probabilities.append(readers.tiles.tiles(image).softmax(dim=1))
        answers = readers.pixels.dense(image).argmax(dim=0).flatten()
        pairs = mask * num + answers
        confusion += torch.stack([(pairs == pair).sum() for pair in range(num * num)])  # bincount would wait for a GPU
    return OneReading(probabilities, confusion.view(num, num))
