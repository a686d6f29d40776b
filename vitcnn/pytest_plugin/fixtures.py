"""The public fixtures: device, task, architecture, model, data, measure. `docs/your-own-benchmark.md` shows them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from vitcnn import architectures
from vitcnn.device import Device
from vitcnn.errors import MissingData, UserError
from vitcnn.input_sizes import with_article
from vitcnn.pytest_plugin.ledger import case_of, is_measured
from vitcnn.pytest_plugin.measuring import Measure, check_clean, end_unmeasured
from vitcnn.pytest_plugin.options import Options
from vitcnn.pytest_plugin.telling_time import progress_of
from vitcnn.spec import Architecture, Task, TrainedCase
from vitcnn.suite import declared_cases

if TYPE_CHECKING:
    from torch import nn

    from vitcnn.training import Arranged, Resident

OPTIONS = pytest.StashKey[Options]()


@dataclass(frozen=True, kw_only=True)
class SplitsOnDevice:
    """Both parts of a task, on the device: `Arranged` where a sample is a sequence of images, else `Resident`."""

    train: Resident | Arranged
    test: Resident | Arranged


DEFAULT_ARCHITECTURES = ("resnet18", "vit_tiny")
DEFAULT_TASKS = ("digits",)
"""What a user's own benchmark runs over where --arch and --task say nothing."""


@pytest.fixture
def device(pytestconfig: pytest.Config) -> Device:
    """The device that is measured; `device.name` is what torch calls it."""
    return pytestconfig.stash[OPTIONS].device


@pytest.fixture
def architecture(request: pytest.FixtureRequest) -> Architecture:
    """The architecture of the case, or each of --arch in turn."""
    case = case_of(request.node)
    return architectures.architecture(case.architecture if case else request.param)


@pytest.fixture
def task(request: pytest.FixtureRequest) -> Task:
    """The task of the case, or each of --task in turn."""
    case, tasks = case_of(request.node), request.config.stash[OPTIONS].tasks
    if case is None:
        return tasks.task(request.param)
    if not isinstance(case, TrainedCase):
        do = "Use measure(case), which builds what it needs, or write a test without `case`."
        raise UserError(field="task", value=str(case), allowed="a case that has a task", do=do)
    return tasks.task(case.task)


@pytest.fixture
def data(task: Task, device: Device, pytestconfig: pytest.Config) -> SplitsOnDevice:
    """The task's `train` and `test` parts on the device: `images`, uint8 (n, c, px, px), and `labels`, int64 (n,).

    Of a task of sequences the `labels` are theirs, and `members`, int64 (sequences, length), say which images are in
    each, -1 behind the last; both are in host memory.
    """
    from vitcnn.training import Arranged, Resident

    tasks = pytestconfig.stash[OPTIONS].tasks
    try:
        loaded = tasks.data(task.name, progress_of(pytestconfig))
    except MissingData as missing:
        end_unmeasured(missing, tasks)
    kind, classes = Resident if task.kind == "image" else Arranged, task.shape.num_classes
    train, test = (kind.of(split, device, num_classes=classes) for split in (loaded.train, loaded.test))
    return SplitsOnDevice(train=train, test=test)


@pytest.fixture
def model(architecture: Architecture, task: Task, device: Device) -> nn.Module:
    """The architecture for the task's images with seeded random weights: on the device, fp32, in eval mode.

    It takes floats (batch, channels, px, px) of the task's resolution and resizes them where it works at another; of a
    task of sequences (batch, length, channels, px, px). UserError where it does not take what the task gives.
    """
    import torch

    from vitcnn.inference import for_inference, resized
    from vitcnn.inference.forward import memory_format

    if architecture.sizes.kind != task.kind:
        allowed = f"architectures that take {with_article(task.kind)}, as {task.name} asks for"
        do = "Name one with --arch, or another task with --task."
        raise UserError(field="architecture", value=architecture.name, allowed=allowed, do=do)
    torch.manual_seed(0)
    layout = memory_format(architecture)
    return for_inference(
        resized(architecture, task.shape), device=device, layout=layout, precision="fp32", mode="eager"
    )


@pytest.fixture
def measure(request: pytest.FixtureRequest, benchmark: Any) -> Iterator[Measure]:
    """Measures a case, or times a function: `measure(case)`, `measure.time(function, images=n)`. Once a test."""
    if not is_measured(request.node):
        do = "Write `def test_mine(measure)`."
        raise UserError(field="measure", value=request.node.nodeid, allowed="as an argument of the test", do=do)
    yield Measure(request.node, request.config.stash[OPTIONS], benchmark)
    check_clean(request.node)


def parametrize(metafunc: pytest.Metafunc, options: Options) -> bool:
    """Give a test that measures its cases, or the architectures and tasks it runs over; tell whether it has any."""
    from vitcnn.pytest_plugin.selection import select

    names = set(metafunc.fixturenames)
    if "measure" not in names:
        return True
    taken = {name for marker in metafunc.definition.iter_markers("parametrize") for name in _argument_names(marker)}
    if "case" in names - taken and hasattr(metafunc.module, "CASES"):
        file = metafunc.definition.nodeid.partition("::")[0]
        chosen = select(declared_cases(file, metafunc.module.CASES), options)
        metafunc.parametrize("case", chosen)
        return bool(chosen)
    if "architecture" in names - taken:
        metafunc.parametrize("architecture", options.architectures or DEFAULT_ARCHITECTURES, indirect=True)
    if "task" in names - taken:
        metafunc.parametrize("task", options.tasks.asked or DEFAULT_TASKS, indirect=True)
    return True


def _argument_names(marker: pytest.Mark) -> list[str]:
    names = marker.args[0] if marker.args else marker.kwargs.get("argnames", ())
    return [name.strip() for name in names.split(",")] if isinstance(names, str) else list(names)
