"""The CUDA path, rehearsed on a machine without a GPU (`rehearsal.py` says what that cannot show).

Streams, events, pinned memory, kernels, compilation and every number of a GPU stay untested here: test_on_cuda.py and
training/test_no_synchronisation.py look at those, on a GPU.
"""

from contextlib import nullcontext
from dataclasses import replace
from functools import partial

import numpy as np
import pytest
import torch
from recipe_builders import EVERYTHING
from rehearsal import REHEARSED, rehearsal
from torch import nn
from torch.optim import Optimizer

from vitcnn import (
    AccuracyCase,
    AdaptationCase,
    DataEfficiencyCase,
    DefectsCase,
    LatencyCase,
    MemoryCase,
    RobustnessCase,
    SequenceCase,
    SequenceLatencyCase,
    TiledCase,
    TrainingCase,
)
from vitcnn.architectures import architectures
from vitcnn.bench import Bench, setup
from vitcnn.bench.fit_batch import fits_on
from vitcnn.bench.models import step_subject
from vitcnn.bench.rounds import ONCE
from vitcnn.device import CleanState, kernels, numerics, spare_bytes
from vitcnn.inference import FullFrame, Tiler, full_frame, resized
from vitcnn.inference.forward import memory_format
from vitcnn.inference.tiling.blending import CLASSES_AT_ONCE
from vitcnn.measuring import counting
from vitcnn.measuring.runner import measure
from vitcnn.recipes import recipes
from vitcnn.recipes.parts import Affine, Flip, Muon, Sgd
from vitcnn.spec import Data, InputShape, Split
from vitcnn.tasks import Tasks, defects, tasks
from vitcnn.training import Resident, Streamed, TrainingStep, fit, optimizers, predict
from vitcnn.training.augment import OPERATIONS, geometry
from vitcnn.training.objectives import CLASSIFICATION, PRESENCE, SUM
from vitcnn.training.step import TrainingStep as Step

pytestmark = pytest.mark.filterwarnings("ignore:Accessing the data pointer of FakeTensor")

NUM_CLASSES = 10
SGD = Sgd(peak_learning_rate=0.01, weight_decay=5e-4)
PLAIN = replace(EVERYTHING, name="plain", epochs=1, augmentation=EVERYTHING.augmentation[6:7])


@pytest.fixture
def rehearsed():
    with rehearsal() as found, numerics(REHEARSED):
        yield found


def split(count, channels=3, px=16):
    images = np.random.default_rng(0).integers(0, 256, (count, channels, px, px), dtype=np.uint8)
    return Split(images=images, labels=np.arange(count) % NUM_CLASSES)


def small_model(channels):
    with torch.device(REHEARSED.name):
        body = [nn.Conv2d(4, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten()]
        return nn.Sequential(nn.Conv2d(channels, 4, 3, stride=2), *body, nn.Linear(4, NUM_CLASSES))


def waits_of_training(rehearsed, source, recipe=EVERYTHING, precision="fp32"):
    """Train a small model on `source` by `recipe`; return what the host waited for meanwhile, and where."""
    model = small_model(source.images.shape[1])
    how = {"device": REHEARSED, "layout": torch.channels_last, "precision": precision, "mode": "eager"}
    rehearsed.waits.clear()
    fit(model, source, recipe=recipe, seed=0, keep=(1,), **how)
    return [wait.partition(":")[0] for wait in rehearsed.waits]


READ_OF_THE_LOSS = "reads a number (fit.py"


def test_everything_that_augments_is_rehearsed():
    assert {type(part) for part in EVERYTHING.augmentation} == set(OPERATIONS)


@pytest.mark.parametrize("channels, precision", [(1, "fp32"), (3, "bf16")])
@pytest.mark.parametrize("kind", [Resident, Streamed])
def test_training_with_every_augmentation_reads_one_number_an_epoch(rehearsed, kind, channels, precision):
    source = kind.of(split(20, channels), REHEARSED, num_classes=NUM_CLASSES)
    assert waits_of_training(rehearsed, source, precision=precision) == [READ_OF_THE_LOSS] * EVERYTHING.epochs


@pytest.mark.parametrize(
    "optimizer",
    [SGD, *(Muon(peak_learning_rate=0.1, momentum=0.6, keep_norm=keep, rest=SGD) for keep in (False, True))],
    ids=["sgd", "muon", "muon_keep_norm"],
)
def test_training_by_every_optimiser_reads_one_number_an_epoch(rehearsed, optimizer):
    source = Resident.of(split(16), REHEARSED, num_classes=NUM_CLASSES)
    assert waits_of_training(rehearsed, source, replace(PLAIN, optimizer=optimizer)) == [READ_OF_THE_LOSS]


def plant_a_read(monkeypatch):
    step = Step.__call__
    monkeypatch.setattr(Step, "__call__", lambda self, *batch: torch.full_like(loss := step(self, *batch), loss.item()))


def plant_a_copy_to_the_host(monkeypatch):
    zero_grad = Optimizer.zero_grad
    monkeypatch.setattr(
        Optimizer,
        "zero_grad",
        lambda self, **settings: (self.param_groups[0]["params"][0].grad.cpu(), zero_grad(self, **settings)),
    )


def plant_a_tensor_on_the_cpu(monkeypatch):
    monkeypatch.setattr(geometry, "warp", lambda images, _matrices: images * torch.ones(images.shape[-1]))


def plant_a_generator_of_the_cpu(monkeypatch):
    affine = OPERATIONS[Affine]
    monkeypatch.setitem(OPERATIONS, Affine, lambda block, bounds, _: affine(block, bounds, torch.Generator()))


@pytest.mark.parametrize("plant", [plant_a_read, plant_a_copy_to_the_host])
def test_a_planted_wait_inside_an_epoch_is_caught(rehearsed, monkeypatch, plant):
    plant(monkeypatch)
    source = Resident.of(split(16), REHEARSED, num_classes=NUM_CLASSES)
    assert len(waits_of_training(rehearsed, source, PLAIN)) == 2 + 1, "one a step, and the loss"


@pytest.mark.parametrize(
    "plant, message",
    [
        (plant_a_tensor_on_the_cpu, "two devices, cuda:1"),
        (plant_a_generator_of_the_cpu, "generator but found cpu"),
    ],
)
def test_a_planted_mix_of_devices_is_caught(rehearsed, monkeypatch, plant, message):
    plant(monkeypatch)
    source = Resident.of(split(16), REHEARSED, num_classes=NUM_CLASSES)
    with pytest.raises(RuntimeError, match=message):
        waits_of_training(rehearsed, source, PLAIN)


@pytest.mark.parametrize("test_time", ["none", "flip", "flip_and_shift"])
@pytest.mark.parametrize("kind", [Resident, Streamed])
def test_answers_are_copied_to_the_host_once(rehearsed, kind, test_time):
    source = kind.of(split(20), REHEARSED, num_classes=NUM_CLASSES)
    rehearsed.waits.clear()
    answers = predict(small_model(3), source, precision="bf16", layout=torch.channels_last, test_time=test_time)
    assert (answers.shape, answers.device.type) == ((20, NUM_CLASSES), "cpu")
    to_the_host = [wait for wait in rehearsed.waits if wait.startswith("copies to the host")]
    assert len(to_the_host) == 1
    assert "predict.py" in to_the_host[0]


def without_repeats(model):
    """Cut each run of layers whose parameters are alike to two of them, which saves most of the time."""
    for module in list(model.modules()):
        kept = []
        for name, child in list(module.named_children()) if isinstance(module, nn.Sequential) else []:
            shapes = [parameter.shape for parameter in child.parameters()]
            if shapes and kept[-2:] == [shapes, shapes]:
                del module._modules[name]
            else:
                kept.append(shapes)
    return model


@pytest.mark.parametrize("entry", architectures().values(), ids=lambda entry: entry.name)
def test_a_training_step_of_every_architecture_stays_on_the_device(rehearsed, entry):
    kind = entry.sizes.kind
    shape = InputShape(px=28, channels=3, num_classes=NUM_CLASSES) if kind == "image" else entry.published.shape
    objective = {"image": CLASSIFICATION, "sequence of images": SUM, "anchor and sequence of images": PRESENCE}[kind]
    with torch.device("meta"):  # a fifth of the time; what is made on the CPU stays there, and is found in the forward
        model = without_repeats(resized(entry, shape))
    model._apply(lambda t: torch.empty_like(t, device=REHEARSED.name) if t.is_meta else t)
    layout = memory_format(entry)
    model = model.to(memory_format=layout)
    updating = optimizers(model, SGD)
    step = TrainingStep(
        model, updating, device=REHEARSED, layout=layout, precision="bf16", mode="eager", objective=objective
    )
    images = torch.zeros(shape.of_batch(2), device=REHEARSED.name)
    rehearsed.waits.clear()
    assert step(images, torch.arange(2, device=REHEARSED.name)).shape == ()
    assert rehearsed.waits == []


CASES = [
    LatencyCase(architecture="vit_micro", px=28, batch=2, precision="bf16"),
    TrainingCase(architecture="lenet", px=224, batch=2, precision="bf16"),
    MemoryCase(architecture="speedrun_vit", px=28, batch=2, phase="inference"),
    MemoryCase(architecture="lenet", px=28, batch=2, phase="training"),
    TiledCase(architecture="lenet", batch=20, precision="bf16"),
    TiledCase(architecture="resnet18", width=90, height=70, tile_px=32, batch=4, way="dense", precision="bf16"),
    AccuracyCase(architecture="speedrun_cnn", task="two_batches", recipe="plain", num_seeds=1, precision="bf16"),
    RobustnessCase(architecture="lenet", task="two_batches", recipe="plain", num_seeds=1),
    DataEfficiencyCase(architecture="lenet", task="two_batches", recipe="plain", num_train=8, num_seeds=2),
    DefectsCase(
        architecture="lenet", task="defects", recipe="plain", num_train=16, num_frames=2, num_seeds=1, precision="bf16"
    ),
    DefectsCase(architecture="vit_micro", task="defects", recipe="plain", num_train=16, num_frames=1, num_seeds=1),
    SequenceCase(architecture="sum_transformer", task="few_sums", recipe="flipped", num_seeds=1, precision="bf16"),
    SequenceCase(architecture="anchor_matching", task="few_anchors", recipe="flipped", num_seeds=1),
    SequenceLatencyCase(architecture="anchor_transformer", px=28, batch=2, length=3, anchored=True),
    LatencyCase(architecture="vit_micro", px=28, batch=2, precision="bf16", adaptation="lora2_qv"),
    LatencyCase(architecture="vit_micro", px=28, batch=2, adaptation="lora2_qv", merged=True),
    TrainingCase(architecture="vit_micro", px=28, batch=2, precision="bf16", adaptation="lora2_qv"),
    TrainingCase(architecture="lenet", px=28, batch=2, adaptation="head"),
    MemoryCase(architecture="vit_micro", px=28, batch=2, phase="training", adaptation="lora2_qv"),
    MemoryCase(architecture="lenet", px=28, batch=2, phase="training", precision="bf16", adaptation="lora2_conv"),
    AdaptationCase(architecture="vit_micro", task="two_batches", recipe="plain", num_seeds=1, adaptation="lora2_qv"),
    AdaptationCase(architecture="lenet", task="two_batches", recipe="plain", num_seeds=1, adaptation="head"),
]


def sequences(task, length):
    """Return few sequences of the images of `split`, in the way of the whole task."""
    members = np.where(np.arange(length) < np.arange(3, 3 + 16)[:, None] % length + 2, np.arange(16)[:, None], -1)
    labels = np.arange(16) % 2
    few = replace(
        split(16, 1, 28), members=members.astype(np.int64), labels=labels, drawn_anew=lambda _: (members, labels)
    )
    data = Data(train=few, test=replace(few, drawn_anew=None), longer=replace(few, drawn_anew=None))
    return replace(tasks()[task], loader=lambda *_: data)


def stopwatch(run, *, rounds, calls, before_round=None, after_round=None):
    for _ in range(rounds if before_round else 1):
        if before_round:
            before_round()
        run()
        if after_round:
            after_round()
    return (0.5,) * rounds


@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_case_of_each_question_goes_from_build_to_record(monkeypatch, case, tmp_path):
    """What only a GPU counts, and the states of its generators, stay unrehearsed."""
    monkeypatch.setattr(counting, "fixed_draws", lambda _device: nullcontext())
    monkeypatch.setattr(counting, "counts_on_gpu", lambda _run, _device: {})
    monkeypatch.setattr(kernels, "busy_time_s", lambda _device, _run: 0.25)
    digits = tasks()["digits"]
    data = Data(train=split(16, 1, 28), test=split(10, 1, 28))
    monkeypatch.setitem(recipes(), "plain", PLAIN)
    monkeypatch.setitem(tasks(), "two_batches", replace(digits, name="two_batches", loader=lambda *_: data))
    monkeypatch.setitem(
        recipes(), "flipped", replace(PLAIN, name="flipped", augmentation=(Flip(),), label_smoothing=0.0)
    )
    monkeypatch.setitem(tasks(), "few_sums", sequences("digit_sum_digits", 10))
    monkeypatch.setitem(tasks(), "few_anchors", sequences("digit_anchor_digits", 11))
    tiny = replace(defects.SMALL, width=200, height=140, num_train=16, num_test=8)
    monkeypatch.setitem(defects.KINDS, "defects", tiny)
    monkeypatch.setitem(tasks(), "defects", replace(tasks()["defects"], loader=partial(defects.load_tiles, tiny)))
    monkeypatch.setattr("vitcnn.bench.defects.STEPS", 2)
    bench = Bench(device=REHEARSED, tasks=Tasks(tmp_path), progress=lambda *_told: None)
    with rehearsal():
        clean = CleanState(REHEARSED)
        record = measure(case, bench=bench, stopwatch=stopwatch, floor_bytes=clean.floor_bytes)
    on_cuda = {
        "latency": {"event_time_s", "busy_time_s", "bandwidth_utilisation", "peak_allocated_bytes"},
        "sequence_latency": {"event_time_s", "busy_time_s", "bandwidth_utilisation", "peak_allocated_bytes"},
        "training": {"busy_time_s", "bandwidth_utilisation"},
        "sequences": {"order_dependence", "padding_dependence"},
        "accuracy": set(),
        "adaptation": {"training_memory_bytes"},
        "data_efficiency": set(),
        "defects": {"frame_tile_accuracy", "defect_recall", "defect_iou"},
        "robustness": set(),
    }
    expected = on_cuda.get(case.question, {"peak_allocated_bytes"})
    assert record.status == "ok"
    assert expected <= {measurement.metric for measurement in record.measurements}


def tiler_of_a_dense_model(num_classes):
    model = nn.Conv2d(3, num_classes, 1).to(REHEARSED.name)
    return Tiler(model=model, tile_px=32, overlap=0.25, batch=2)


def test_the_tiles_of_a_frame_are_read_without_a_wait(rehearsed):
    tiler, frame = tiler_of_a_dense_model(5), torch.zeros(3, 32, 90, dtype=torch.uint8, device=REHEARSED.name)
    rehearsed.waits.clear()
    assert tiler.tiles(frame).shape == (4, 5, 32, 32)
    assert rehearsed.waits == []


def test_more_classes_than_are_added_at_once_are_blended_in_memory_of_the_host(rehearsed):
    num_classes = CLASSES_AT_ONCE + 1
    tiler, frame = tiler_of_a_dense_model(num_classes), torch.zeros(3, 40, 60, dtype=torch.uint8)
    out = torch.full((num_classes, 40, 60), torch.nan)
    assert tiler.dense(frame, out) is out
    assert not out.isnan().any()


def test_a_frame_goes_whole_through_a_model_without_a_wait(monkeypatch):
    """The receptive field comes of a model on a CPU: it is found by the numbers of its answers."""
    front = [nn.Conv2d(3, 8, 3, stride=2, padding=1), nn.ReLU(), nn.Conv2d(8, 9, 3, stride=2, padding=1)]
    model = nn.Sequential(*front, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(9, 5)).eval()
    field = FullFrame(model, height=120, width=80).field
    monkeypatch.setattr(full_frame, "receptive_field", lambda *_args, **_settings: field)
    with rehearsal() as rehearsed:
        whole = FullFrame(model.to(REHEARSED.name), height=120, width=80, strip_px=64)
        frame, out = (
            torch.zeros(3, 120, 80, dtype=torch.uint8, device=REHEARSED.name),
            torch.full((9, 30, 20), torch.nan),
        )
        assert len(whole.plan.strips) == 2
        rehearsed.waits.clear()
        assert whole.features(frame).shape == (9, 30, 20)
        assert rehearsed.waits == []
        assert whole.features(frame, out) is out
    assert not out.isnan().any()
    assert [wait.partition(" (")[0] for wait in rehearsed.waits] == ["copies to the host"] * 2, "one a strip"


def test_snapshots_take_a_share_of_what_is_free_on_the_device(rehearsed):
    with torch.device("meta"):
        model = nn.Linear(1 << 14, 1 << 12, bias=False)  # 256 MB; 8 GB would hold 32
    tested = setup.tested_epochs(model, replace(EVERYTHING, epochs=100), REHEARSED)
    assert len(tested) == spare_bytes(REHEARSED) // (1 << 28) == 6


def test_snapshots_hold_only_what_trains(rehearsed):
    with torch.device("meta"):
        model = nn.Sequential(nn.Linear(1 << 14, 1 << 14, bias=False), nn.Linear(1 << 14, 1 << 12, bias=False))
    model[0].requires_grad_(False)
    assert len(setup.tested_epochs(model, replace(EVERYTHING, epochs=100), REHEARSED)) == 6


@pytest.mark.parametrize("memory_bytes, expected", [(2 << 20, True), (1 << 19, False)])
def test_a_batch_fits_by_the_peak_that_the_device_tells(memory_bytes, expected):
    """The stand-in tells a peak of 1 MiB."""
    with rehearsal(), numerics(REHEARSED):
        case = MemoryCase(architecture="lenet", px=28, batch=2, phase="training", precision="bf16")
        fits = fits_on(REHEARSED, lambda batch: step_subject(replace(case, batch=batch), REHEARSED, ONCE), memory_bytes)
        assert fits(2) is expected


def test_a_subject_with_checkpoints_is_built_there():
    with rehearsal(), numerics(REHEARSED):
        case = MemoryCase(architecture="vit_tiny", px=32, batch=2, phase="training")
        subject = step_subject(case, REHEARSED, ONCE, checkpointing=True)
        assert any(getattr(module, "grad_checkpointing", False) for module in subject.model.modules())
