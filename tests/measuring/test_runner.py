import json
import shutil
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from vitcnn import AccuracyCase, Architecture, FullFrameCase, LatencyCase, MemoryCase, TiledCase, TrainingCase
from vitcnn.architectures import architecture, architectures
from vitcnn.bench import Bench
from vitcnn.device import CleanState
from vitcnn.errors import CaseError, Diverged, OutOfMemory, UnsupportedResolution
from vitcnn.measuring.runner import failed_record, measure
from vitcnn.recipes import recipes
from vitcnn.recipes.small import DIGITS_CNN
from vitcnn.record import Record
from vitcnn.spec import Split
from vitcnn.tasks import Tasks, tasks
from vitcnn.tasks.digits import load_digits

NO_COMPILER = not any(map(shutil.which, ("c++", "g++", "clang++")))
LATENCY = LatencyCase(architecture="lenet", px=28, batch=2)
TRAINING = TrainingCase(architecture="lenet", px=28, batch=4)
MEMORY = MemoryCase(architecture="lenet", px=28, batch=4, phase="training")
TILED = TiledCase(architecture="lenet", width=100, height=70, tile_px=32, batch=5)
ACCURACY = AccuracyCase(architecture="lenet", task="few_digits", recipe="toy", num_seeds=2)
TIMED = {
    LATENCY: "latency_s",
    LatencyCase(architecture="vit_micro", px=32, batch=2, precision="bf16"): "latency_s",
    TRAINING: "step_time_s",
    TrainingCase(architecture="vit_micro", px=32, batch=2, precision="bf16"): "step_time_s",
    TILED: "frame_time_s",
    TiledCase(architecture="resnet18", width=80, height=32, tile_px=32, batch=3, way="dense"): "frame_time_s",
    TiledCase(architecture="lenet", width=80, height=32, tile_px=32, batch=3, way="stream"): "frame_time_s",
    FullFrameCase(architecture="resnet18", width=300, height=64): "frame_time_s",
    ACCURACY: "training_time_s",
}
ARITHMETIC = ["matmul_flops_per_s", "convolution_flops_per_s", "model_flop_utilisation"]
TRAFFIC = ["flops", "traffic_bytes"]
ROOFLINE = [
    *(*ARITHMETIC, *TRAFFIC, "flops_per_s"),
    *("bytes_per_s", "copy_bytes_per_s", "bandwidth_utilisation", "dispatch_time_s"),
]
ALSO = {
    "latency": ["images_per_s", *ROOFLINE],
    "training": ["images_per_s", *ROOFLINE],
    "tiled": ["frames_per_s", *ARITHMETIC],
    "full_frame": ["frames_per_s", *ARITHMETIC],
    "accuracy": [
        "best_epoch_accuracy",
        "f1_weighted",
        "first_call_time_s",
        "images_per_s",
        *ARITHMETIC,
        "roc_auc_macro",
        "roc_auc_micro",
        "test_accuracy",
    ],
}
OF_A_RUN = ["allocated_bytes", "operators", "synchronisations"]
OF_A_STEP = [
    "gradient_bytes",
    "optimizer_bytes",
    "saved_for_backward_bytes",
    "trainable_parameters",
    "training_memory_bytes",
    "weights_bytes",
]
PREDICTED = [
    f"predicted_{part}_bytes"
    for part in ("activation", "gradient", "input", "optimizer", "peak", "temporary", "weights")
]
SIZE = ["allocated_bytes", "macs", "parameters", *TRAFFIC, *PREDICTED]
COUNTED = {
    MEMORY: [*SIZE, *OF_A_STEP],
    replace(MEMORY, phase="inference"): SIZE,
    replace(MEMORY, adaptation="head"): [*SIZE, *OF_A_STEP, "adapter_bytes"],
    replace(MEMORY, adaptation="lora1_linear"): [*SIZE, *OF_A_STEP, "adapter_bytes", "peft_bytes"],
}
NAMES = {
    **{
        case: [name, *ALSO[case.question], *OF_A_RUN, *(PREDICTED if case.question in ("latency", "training") else [])]
        for case, name in TIMED.items()
    },
    **COUNTED,
}


class Stopwatch:
    """Runs everything as often as it is told to and says that each round took half a second a call."""

    def __init__(self):
        self.seen = []

    def __call__(self, run, *, rounds, calls, before_round=None, after_round=None):
        for _ in range(rounds):
            (before_round or str)()
            for _ in range(calls):
                run()
            (after_round or str)()
        self.seen.append((rounds, calls))
        return (0.5,) * rounds


def few_digits(*_unused):
    digits = load_digits()
    return replace(digits, train=Split(images=digits.train.images[:320], labels=digits.train.labels[:320]))


@pytest.fixture(scope="module", autouse=True)
def toys():
    """Enter a short recipe and a small task into the catalogues; one thread, as in tests/conftest.py."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OMP_NUM_THREADS", "1")
        patch.setitem(recipes(), "toy", replace(DIGITS_CNN, name="toy", epochs=8))
        patch.setitem(tasks(), "few_digits", replace(tasks()["digits"], name="few_digits", loader=few_digits))
        yield


def silent(done, total, text):
    pass


def measured(case, cpu, *, stopwatch=None, progress=silent):
    bench = Bench(device=cpu, tasks=Tasks(Path("unused")), progress=progress)
    return measure(case, bench=bench, stopwatch=stopwatch or Stopwatch(), floor_bytes=0)


@pytest.mark.parametrize("case, names", NAMES.items(), ids=str)
def test_record_holds_what_its_question_reports_and_repeats_the_case(cpu, case, names):
    stopwatch = Stopwatch()
    clean = CleanState(cpu)
    record = measured(case, cpu, stopwatch=stopwatch)
    clean.check()
    assert (record.case, record.status, record.architecture) == (str(case), "ok", case.architecture)
    assert record.family == architectures()[case.architecture].family
    assert sorted(m.metric for m in record.measurements) == sorted(names)
    assert record.settings["question"] == case.question
    repeated = {key: value for key, value in asdict(case).items() if key != "recipe"}
    assert repeated.items() <= record.settings.items()
    assert record.settings["weights"] == "random"
    [(rounds, calls)] = stopwatch.seen
    assert (record.settings["rounds"], record.settings["calls_per_round"]) == (rounds, calls)
    assert Record.from_json(json.loads(json.dumps(record.to_json()))).to_json() == record.to_json()
    if case in TIMED:
        assert record.samples(TIMED[case]) == (0.5 / record.settings.get("frames_per_run", 1),) * rounds
    if case.question in ("latency", "training"):
        assert set(record.samples("images_per_s")) == {2.0 * case.batch}


def test_counts_of_lenet_by_hand(cpu):
    record = measured(MEMORY, cpu)
    assert record.samples("parameters") == (61_706,)
    assert record.samples("macs") == (416_520,)


def test_tiled_record_says_how_many_tiles_there_are(cpu):
    record = measured(TILED, cpu, stopwatch=lambda _run, **_settings: ())
    assert record.settings["num_tiles"] == 4 * 3  # 28 px apart: 0 28 56 68 and 0 28 38


def test_accuracy_is_that_of_the_answers_kept_for_each_seed(cpu):
    told = []
    record = measured(ACCURACY, cpu, progress=lambda done, total, _text: told.append((done, total)))
    series = {entry.name: entry for entry in record.series}
    labels = load_digits().test.labels
    assert series["test_labels"].values == tuple(labels.tolist())
    predictions = np.array(series["test_predictions"].values)
    assert predictions.shape == (2, 355)
    assert record.samples("test_accuracy") == tuple(np.mean(predictions == labels, axis=1))
    assert min(record.samples("test_accuracy")) > 0.5, "chance is a tenth"
    assert not np.array_equal(*predictions), "two seeds, two models"
    assert np.shape(series["training_loss"].values) == (2, 8)
    assert (record.settings["recipe"], record.settings["training"]["epochs"]) == ("toy", 8)
    assert (record.settings["num_train_images"], record.settings["num_test_images"]) == (320, 355)
    assert record.settings["train_images_on"] == "device"
    assert told == [(done, 16) for done in range(1, 17)]
    alone = {entry.name: entry for entry in measured(replace(ACCURACY, num_seeds=1), cpu).series}
    assert alone["test_predictions"].values == series["test_predictions"].values[:1]


def test_accuracy_record_holds_every_tested_epoch_and_every_class(cpu):
    record = measured(ACCURACY, cpu)
    series = {entry.name: entry for entry in record.series}
    assert series["tested_epoch"].values == (1, 2, 3, 4, 5, 6, 7, 8)
    accuracies = np.array(series["test_accuracy"].values)
    assert tuple(accuracies[:, -1]) == record.samples("test_accuracy")
    assert tuple(accuracies.max(axis=1)) == record.samples("best_epoch_accuracy")
    assert (np.diff(series["training_time_s"].values) > 0).all()
    matrices = np.array(series["confusion_matrix"].values)
    assert series["confusion_matrix"].axes == ("seed", "true_class", "predicted_class")
    for predictions, matrix in zip(series["test_predictions"].values, matrices, strict=True):
        expected = np.zeros((10, 10), int)
        np.add.at(expected, (np.array(series["test_labels"].values), np.array(predictions)), 1)
        assert (matrix == expected).all()
    right = matrices.diagonal(axis1=1, axis2=2) / matrices.sum(axis=2)
    assert np.array(series["class_accuracy"].values) == pytest.approx(right)
    assert record.settings["parameters_by_part"] == {"stem": 156, "stages": 60_700, "head": 850}


@pytest.mark.skipif(NO_COMPILER, reason="torch.compile needs a C++ compiler")
def test_a_compiled_case_is_measured_and_leaves_nothing_behind(cpu):
    clean = CleanState(cpu)
    record = measured(replace(LATENCY, mode="compiled"), cpu)
    clean.check()
    assert (record.case, record.status) == ("latency/lenet/28/b2/fp32/compiled", "ok")


def test_a_compiled_case_of_which_nothing_is_compiled_is_not_measured(cpu):
    with (
        torch._dynamo.config.patch(disable=True),
        pytest.raises(CaseError, match="made no graph of it, so what would be measured is eager"),
    ):
        measured(replace(LATENCY, mode="compiled"), cpu)


def test_on_a_cpu_nothing_is_said_about_clocks(cpu):
    assert "clocks" not in measured(LATENCY, cpu).settings


def test_clocks_are_watched_during_the_timed_rounds_alone(cpu, monkeypatch):
    seen = []

    @contextmanager
    def watch(device):
        seen.append(f"{device.name}: before")
        settings = {}
        yield settings
        seen.append("after")
        settings["clocks"] = ["sw_power_cap"]

    def stopwatch(_run, **_settings):
        seen.append("timed")
        return ()

    monkeypatch.setattr("vitcnn.device.observers.OBSERVERS", (watch,))
    assert measured(LATENCY, cpu, stopwatch=stopwatch).settings["clocks"] == ["sw_power_cap"]
    assert seen == ["cpu: before", "timed", "after"]


def test_where_nothing_is_timed_there_are_no_measurements(cpu):
    record = measured(LATENCY, cpu, stopwatch=lambda _run, **_settings: ())
    assert (record.status, record.measurements, record.series) == ("ok", (), ())


class Broken(nn.Module):
    """Answers NaN, or raises what it is given."""

    def __init__(self, error=None):
        super().__init__()
        self.error = error
        self.weight = nn.Parameter(torch.ones(1))

    def forward(self, images):
        if self.error:
            raise self.error
        return images.flatten(1)[:, :10] * self.weight * float("nan")


@pytest.fixture
def broken(monkeypatch):
    """Return what enters an architecture that fails into the catalogue and makes a latency case of it."""

    def enter(name, error=None):
        entry = Architecture(
            name=name,
            family="cnn",
            resolutions={28: 28, 32: 32},
            builder=lambda _shape: Broken(error),
            published=None,
            source="this test",
        )
        monkeypatch.setitem(architectures(), name, entry)
        return replace(LATENCY, architecture=name)

    return enter


def test_an_answer_that_is_not_a_number_has_diverged(cpu, broken):
    with pytest.raises(Diverged, match=r"\(2, 10\), holds NaN or infinity"):
        measured(broken("nan_latency"), cpu)


def test_a_loss_that_is_not_a_number_has_diverged(cpu, broken):
    case = broken("nan_training")
    with pytest.raises(Diverged):
        measured(TrainingCase(architecture=case.architecture, px=28, batch=2), cpu)


def test_tiles_whose_answer_is_not_a_number_have_diverged(cpu, broken):
    case = broken("nan_tiled")
    with pytest.raises(Diverged):
        measured(TiledCase(architecture=case.architecture, width=64, height=64, tile_px=32, batch=2), cpu)


@pytest.mark.parametrize("error", [MemoryError("no room"), RuntimeError("DefaultCPUAllocator: can't allocate memory")])
def test_running_out_of_memory_is_a_case_error(cpu, broken, error):
    with pytest.raises(OutOfMemory, match=f"out of memory on cpu: {error}; choose a smaller batch"):
        measured(broken(f"oom_{type(error).__name__}", error), cpu)


def test_other_errors_pass_through(cpu, broken):
    with pytest.raises(RuntimeError, match=r"^shapes differ$"):
        measured(broken("shapes", RuntimeError("shapes differ")), cpu)


def test_a_resolution_that_the_architecture_cannot_take_is_a_case_error(cpu, monkeypatch):
    listed = replace(architecture("lenet"), name="listed", takes=None, resolutions={28: 28})
    monkeypatch.setitem(architectures(), "listed", listed)
    with pytest.raises(UnsupportedResolution, match="listed takes 28 px, not 96 px"):
        measured(replace(LATENCY, architecture="listed", px=96), cpu)


def test_record_of_a_case_that_failed_has_its_settings_and_no_measurements():
    record = failed_record(LATENCY, OutOfMemory("why"))
    assert (record.status, record.measurements, record.family) == ("out_of_memory", (), "cnn")
    assert {"question": "latency", "px": 28, "batch": 2}.items() <= record.settings.items()
    assert Record.from_json(record.to_json()) == record
