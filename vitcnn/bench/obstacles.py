"""Finds out why a case cannot run on this machine, and says what to do; every skipped case gets its reason here."""

from __future__ import annotations

import os
import shutil
from functools import cache

from vitcnn.adaptation.weights_file import WeightsFile, weights_path
from vitcnn.adaptations import FULL, adaptation
from vitcnn.architectures import architecture, hub
from vitcnn.architectures.own import GREYSCALE_PX
from vitcnn.device import Device
from vitcnn.errors import NoCompiler, UnknownName, UserError
from vitcnn.input_sizes import InputKind, with_article
from vitcnn.quantity import counted
from vitcnn.recipes import recipe
from vitcnn.recipes.parts import HUB, OF_FILE, RANDOM
from vitcnn.references import note_named
from vitcnn.spec import AdaptableCase, Case, InputShape, Task, TrainedCase
from vitcnn.tasks import Tasks
from vitcnn.tasks.download import missing_files

COMPILERS = ("c++", "g++", "clang++")


def obstacle(case: Case, device: Device, tasks: Tasks) -> str:
    """Return why `case` cannot be measured here as things are, and the way out; an empty string where it can."""
    return (
        without_compiler(case, device)
        or without_input(case, tasks)
        or without_files(case, tasks)
        or without_weights(case, tasks)
    )


def without_compiler(case: Case, device: Device) -> str:
    """Return what to do where a compiled case on a CPU finds no compiler."""
    if case.mode != "compiled" or device.is_cuda or compiler():
        return ""
    return "torch.compile needs a C++ compiler: install g++ or clang++, or set $CXX"


def require_compiler(case: Case, device: Device) -> None:
    """Raise NoCompiler where a compiled case on a CPU finds no compiler."""
    if reason := without_compiler(case, device):
        raise NoCompiler(reason)


def compiler() -> str:
    """Return the path of the C++ compiler that torch.compile finds: $CXX or a usual name; else an empty string."""
    named = os.environ.get("CXX")
    return next(filter(None, map(shutil.which, [named] if named else COMPILERS)), "")


def without_input(case: Case, tasks: Tasks) -> str:
    """Return that the architecture or the question cannot take what the case gives it, where it cannot."""
    entry, (px, kind) = architecture(case.architecture), input_of(case, tasks)
    if kind not in case.kinds:
        asked = " or ".join(map(with_article, case.kinds))
        return f"{case.question} can be asked where one input is {asked}, not {with_article(kind)}"
    if px is None or entry.accepts(px, kind):
        return ""
    resize = "To have such images resized, state takes=Takes(...) in an Architecture"
    is_of_size = entry.file and entry.sizes.kind == kind
    return f"{entry.refusal(px, kind)}. {resize if is_of_size else 'Name another architecture for it'}"


def without_targets(case: Case, tasks: Tasks) -> str:
    """Return that an architecture has no such part as the adaptation of a case needs that it was put into, or "".

    It is built without memory for that. Where a case itself says so, measuring it refuses it.
    """
    if not isinstance(case, AdaptableCase) or case.adaptation == FULL:
        return ""
    px, _ = input_of(case, tasks)
    return "" if px is None else _without_targets(case.architecture, case.adaptation, px)


@cache
def _without_targets(name: str, how: str, px: int) -> str:
    import torch

    from vitcnn.adaptation.adapt import adapted

    shape = InputShape(px=px, channels=1 if px == GREYSCALE_PX else 3, num_classes=10)
    try:
        with torch.device("meta"), torch.random.fork_rng(devices=()):
            adapted(architecture(name).build(shape), adaptation(how))
    except UserError as error:
        return f"{name} cannot be adapted by {how}. {error.do}"
    except Exception:  # whatever else is wrong with a user's own model, measuring it tells
        return ""
    return ""


def input_of(case: Case, tasks: Tasks) -> tuple[int | None, InputKind]:
    """Return what a case gives its architecture: pixels a side, None where nobody knows, and the kind of input.

    Where the question can be asked about several kinds and no task decides, it is what the architecture takes.
    """
    if isinstance(case, TrainedCase):
        task = tasks.task(case.task)
        return task.shape.px, task.kind
    taken = architecture(case.architecture).sizes.kind
    return case.input_px, taken if taken in case.kinds else case.kinds[0]


def require_input(case: Case, tasks: Tasks) -> None:
    """Raise UserError where a case gives its architecture, or asks its question about, what they cannot take."""
    entry, (px, kind) = architecture(case.architecture), input_of(case, tasks)
    do = f"Correct {case}, or name another architecture."
    if isinstance(case, TrainedCase) and kind not in case.kinds:
        allowed = f"tasks of which one input is {' or '.join(map(with_article, case.kinds))}"
        raise UserError(field=f"task of {case.question}", value=case.task, allowed=allowed, do=f"Correct {case}.")
    if px is not None and entry.sizes.kind != kind:
        allowed = f"architectures that take {with_article(kind)}"
        raise UserError(field="architecture", value=entry.name, allowed=allowed, do=do)
    if px is not None and not entry.accepts(px, kind):
        allowed = f"what {entry.name} takes, {entry.sizes.words}"
        raise UserError(field="px", value=px, allowed=allowed, do=do)


def without_files(case: Case, tasks: Tasks) -> str:
    """Return that the files of the case's task are not here, where they are not."""
    return _not_under(case.task, tasks) if isinstance(case, TrainedCase) else ""


def _not_under(name: str, tasks: Tasks) -> str:
    if not missing_files(tasks.task(name), tasks.data_root):
        return ""
    return f"{name} is not under {tasks.data_root}: run `vitcnn fetch {name}` where there is a network"


def require_weights(field: str, value: str, tasks: Tasks) -> None:
    """Raise UserError, which names `field`, where nobody knows weights of that name, or a file cannot be used."""
    if value in (RANDOM, HUB):
        return
    if value.startswith(OF_FILE):
        note_named(WeightsFile.read(field, weights_path(value)).path)
        return
    known = [name for name in tasks.names() if can_be_made(tasks.task(name))]
    if value not in known:
        raise UnknownName(field=field, value=value, known=known, also=(RANDOM, HUB, f"{OF_FILE}PATH"))


def can_be_made(task: Task) -> bool:
    """Whether weights can be trained on a task: it is classification of images."""
    return task.kind == "image" and task.objective == "classification"


def needs_weights(case: Case) -> bool:
    """Whether a case trains from the hub's weights."""
    return isinstance(case, TrainedCase) and recipe(case.recipe).weights == HUB


def without_weights(case: Case, tasks: Tasks) -> str:
    """Return that the weights from which the case trains, or the data to make them, are not here or do not fit.

    An empty string where neither is so. A file of weights was looked at before: it is there.
    """
    if not isinstance(case, TrainedCase):
        return ""
    value = recipe(case.recipe).weights
    if value == RANDOM or value.startswith(OF_FILE):
        return ""
    return unfit_weights(case, tasks) or _weights_not_here(case, value, tasks)


def unfit_weights(case: Case, tasks: Tasks) -> str:
    """Return that the weights from which the case trains cannot be had for its architecture and task, or ""."""
    if not isinstance(case, TrainedCase):
        return ""
    entry, by, input_px = architecture(case.architecture), recipe(case.recipe), tasks.task(case.task).shape.px
    value = by.weights
    if value == HUB and not entry.hub:
        return f"{entry.name} has no weights on the hub: name others, or another architecture"
    if value == HUB and entry.accepts(input_px):
        return hub.other_layers(entry, input_px, by.model_px or entry.model_px(input_px))
    is_task = value not in (RANDOM, HUB) and not value.startswith(OF_FILE)
    return other_channels(tasks.task(value), tasks.task(case.task)) if is_task else ""


def other_channels(first: Task, task: Task) -> str:
    """Return that a model of `first` cannot go on with `task`, since one is grey and the other has colours, or ""."""
    if first.shape.channels == task.shape.channels:
        return ""
    return (
        f"images of {task.name} have {counted(task.shape.channels, 'channel')} and those of {first.name} "
        f"{first.shape.channels}: "
        f"name others, such as --weights {'shapes' if task.shape.channels > 1 else 'glyphs62'}"
    )


def _weights_not_here(case: TrainedCase, value: str, tasks: Tasks) -> str:
    entry = architecture(case.architecture)
    if value == HUB:
        return "" if hub.are_here(entry) else hub.not_here(entry)
    return _not_under(value, tasks)
