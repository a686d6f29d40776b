"""The exercise in CONTRIBUTING: one entry of each kind, each added in its one place of a copy of the project.

Beside it a model and data that no copy holds: they stay in a file of the user's.
"""

import json
import shutil
from pathlib import Path

import pytest
from forked import run_forked
from miniature import OPTIONS, PATIENCE_S, environment

ROOT = Path(__file__).parents[1]

ARCHITECTURE = """
from functools import partial

RESNET34 = Architecture(
    name="resnet34",
    family="cnn",
    takes=Takes(at_least_px=224),
    builder=partial(timm_model, "resnet34"),
    published=Published(
        shape=InputShape(px=224, channels=3, num_classes=1000),
        parameters=21_797_672,
        macs=3_670_000_000,
        source=TIMM_RESULTS,
    ),
    source="He et al., arXiv 1512.03385",
)
"""

TASK = '''
"""Are the digits even or odd? 200 of `digits`, relabelled."""

from vitcnn.spec import Data, InputShape, Split, Task
from vitcnn.tasks.digits import load_digits


def load_even_odd(data_root, progress):
    data = load_digits()
    return Data(
        train=Split(images=data.train.images[:200], labels=data.train.labels[:200] % 2),
        test=Split(images=data.test.images, labels=data.test.labels % 2),
    )


EVEN_ODD = Task(
    name="even_odd",
    shape=InputShape(px=28, channels=1, num_classes=2),
    classes=("even", "odd"),
    loader=load_even_odd,
    recipes="digits",
    source="ours",
)
'''

METRIC = '''
"""Time of the fastest round, in seconds."""

from vitcnn.metrics.metric import Metric, of_time

BEST_LATENCY_S = Metric(
    name="best_latency_s",
    unit="s",
    better="lower",
    tolerance=of_time,
    rule="time",
    reads="forward times",
    measure=lambda subject: [min(subject.times_s)],
)
'''

QUESTION = '''
"""How many untrained models are built in a second?"""

from dataclasses import dataclass
from typing import ClassVar

from vitcnn.bench.rounds import MANY_ROUNDS, planned
from vitcnn.questions.question import Question
from vitcnn.report.columns import Column, time_text
from vitcnn.spec import Case, InputShape


@dataclass(frozen=True, kw_only=True)
class BuildCase(Case):
    question: ClassVar[str] = "build"

    px: int = 28

    @property
    def input_px(self):
        return self.px

    def axes(self):
        return (str(self.px),)


def prepare(case, bench):
    from vitcnn.architectures import architecture
    from vitcnn.bench.subject import Subject

    entry, shape = architecture(case.architecture), InputShape(px=case.px, channels=1, num_classes=10)

    def run():
        return entry.build(shape)

    return Subject(
        case=case,
        architecture=entry,
        device=bench.device,
        shape=shape,
        run=run,
        warm_up=lambda: planned(MANY_ROUNDS, run, bench.device.timer),
        images_per_run=1,
        settings={},
    )


BUILD = Question(
    name="build",
    case=BuildCase,
    prepare=prepare,
    provides=frozenset({"throughput", "counts"}),
    columns=lambda records: [Column("models\\nbuilt/s", "build", "images_per_s", time_text)],
)
'''

BENCHMARK = """
from vitcnn.questions.build import BuildCase

CASES = (BuildCase(architecture="lenet"), BuildCase(architecture="vit_micro"))


def test_build(case, measure):
    measure(case)
"""

CORRUPTION = """
NEGATIVE = Corruption(
    name="negative",
    unit="share",
    severities=(0.2, 0.4, 0.6, 0.8, 1.0),
    apply=lambda images, strength, generator: images + strength * (255 - 2 * images),
    source="ours",
)
"""

RECIPE = """
DIGITS_ONE_EPOCH = replace(DIGITS_CNN, name="digits_one_epoch", epochs=1)
"""

CASE = """
CASES = (*CASES, AccuracyCase(architecture="lenet", task="even_odd", recipe="digits_one_epoch"))
"""

OUTSIDE = """
import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import TensorDataset


class Net(nn.Module):
    def __init__(self, channels, num_classes):
        super().__init__()
        self.features = nn.Sequential(nn.Conv2d(channels, 4, 3, stride=2), nn.ReLU(), nn.AdaptiveAvgPool2d(7))
        self.head = nn.Linear(4 * 7 * 7, num_classes)

    def forward(self, images):
        return self.head(self.features(images).flatten(1))


def data():
    found = load_digits()
    images = nn.functional.interpolate(torch.from_numpy(found.images).float()[:300, None] / 16, size=28)
    labels = torch.from_numpy(found.target)[:300]
    return TensorDataset(images[:200], labels[:200]), TensorDataset(images[200:], labels[200:])
"""


@pytest.fixture(scope="module")
def copy(tmp_path_factory):
    """Copy the project and add one entry of each kind, each in its one place."""
    folder = tmp_path_factory.mktemp("copy")
    for name in ("vitcnn", "benchmarks"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("baselines"))
    for name in ("conftest.py", "pyproject.toml"):
        shutil.copy(ROOT / name, folder / name)
    append(folder / "vitcnn/architectures/cnn.py", ARCHITECTURE)
    append(folder / "vitcnn/tasks/even_odd.py", TASK)
    append(folder / "vitcnn/metrics/best_latency_s.py", METRIC)
    append(folder / "vitcnn/recipes/small.py", RECIPE)
    append(folder / "vitcnn/corruptions/pixels.py", CORRUPTION)
    append(folder / "vitcnn/questions/build.py", QUESTION)
    append(folder / "benchmarks/test_build.py", BENCHMARK)
    append(folder / "benchmarks/test_accuracy.py", CASE)
    return folder


def append(path, text):
    with path.open("a", encoding="utf-8") as file:
        file.write(text.lstrip() if file.tell() == 0 else text)


def pytest_in(folder, *arguments):
    """Run pytest on the copy, which shadows the installed package; return its status and what it wrote."""
    variables = {**environment(), "PYTHONPATH": str(folder)}
    how = {"folder": folder, "environment": variables, "patience_s": 8 * PATIENCE_S, "server": "libraries"}
    return run_forked("pytest", [*OPTIONS, *arguments], **how)


def listed_in(folder, *arguments):
    """Return what pytest collects of the copy."""
    status, output = pytest_in(folder, *arguments, "--collect-only", "-q")
    assert status == 0, output
    return output


def passed_in(out):
    """Return the record of each case that passed."""
    cases = json.loads((out / "run.json").read_text())["vitcnn"]["cases"]
    return {case["id"]: case["record"] for case in cases if case["outcome"] == "passed"}


def test_new_architecture_takes_the_places_of_its_family(copy):
    listed = listed_in(copy, "benchmarks", "--arch", "resnet34")
    assert "[latency/resnet34/224/b1/fp32/eager]" in listed
    assert "[tiled/resnet34/3840x2160/t512/o10/b5/fp32/eager]" in listed
    assert "[accuracy/resnet34/digits/digits_deep_cnn/fp32/eager]" in listed
    assert "resnet18" not in listed


def test_new_task_recipe_case_metric_corruption_and_question_are_measured(copy):
    chosen = "even_odd or (latency and lenet and /28/ and not b16) or build or (robustness and lenet)"
    status, output = pytest_in(copy, "benchmarks", "--out", "out", "--seeds", "1", "-k", chosen)
    assert status == 0, output
    records = passed_in(copy / "out")
    metrics = {name: [m["metric"] for m in record["measurements"]] for name, record in records.items()}
    assert "test_accuracy" in metrics["accuracy/lenet/even_odd/digits_one_epoch/s1/fp32/eager"]
    assert "best_latency_s" in metrics["latency/lenet/28/b1/fp32/eager"]
    assert {"images_per_s", "operators"} <= set(metrics["build/vit_micro/28/fp32/eager"])
    described = records["robustness/lenet/digits/digits_cnn/s1/fp32/eager"]["settings"]["corruptions"]
    assert "negative" in [entry["name"] for entry in described]
    assert set(records) == {
        "accuracy/lenet/even_odd/digits_one_epoch/s1/fp32/eager",
        "build/lenet/28/fp32/eager",
        "build/vit_micro/28/fp32/eager",
        "latency/lenet/28/b1/fp32/eager",
        "robustness/lenet/digits/digits_cnn/s1/fp32/eager",
    }
    assert "built/s" in output, "the question's own column"


def test_new_task_replaces_the_suites_own(copy):
    listed = listed_in(copy, "benchmarks/test_accuracy.py", "--task", "even_odd")
    assert "[accuracy/lenet/even_odd/digits_one_epoch/fp32/eager]" in listed
    assert "/digits/" not in listed


def test_a_model_and_data_from_a_file_outside_the_package_are_measured(copy, tmp_path):
    mine = tmp_path / "mine.py"
    mine.write_text(OUTSIDE, encoding="utf-8")
    own = ("--arch", f"{mine}:Net", "--task", f"{mine}:data", "--recipe", "digits_one_epoch", "--seeds", "1")
    chosen = "accuracy or (latency and /28/b1/ and eager)"
    status, output = pytest_in(copy, "benchmarks", *own, "--out", "own", "-k", chosen)
    assert status == 0, output
    says = "mine:Net: no family is set, so the recipes for transformers train it."
    assert says not in output, "its recipe was chosen"
    assert says in pytest_in(copy, "benchmarks/test_memory.py", *own[:2], "--collect-only")[1]
    records = passed_in(copy / "own")
    trained = records["accuracy/mine:Net/mine:data/digits_one_epoch/s1/fp32/eager"]["settings"]
    assert (trained["num_train_images"], trained["num_test_images"], trained["seeds"]) == (200, 100, [0])
    assert trained["num_parameters"] == (9 * 4 + 4) + (4 * 7 * 7 * 10 + 10)
    assert records["latency/mine:Net/28/b1/fp32/eager"]["settings"]["model_px"] == 28
    assert len(records) == 2
