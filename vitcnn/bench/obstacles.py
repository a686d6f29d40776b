"""Finds out why a case cannot run on this machine, and says what to do; every skipped case gets its reason here."""

from __future__ import annotations

import os
import shutil

from vitcnn.architectures import architecture, hub
from vitcnn.device import Device
from vitcnn.errors import NoCompiler
from vitcnn.input_sizes import InputKind, with_article
from vitcnn.recipes import recipe
from vitcnn.spec import Case, TrainedCase
from vitcnn.tasks import Tasks
from vitcnn.tasks.download import missing_files

COMPILERS = ("c++", "g++", "clang++")


def obstacle(case: Case, device: Device, tasks: Tasks) -> str:
    """Return why `case` cannot be measured here as things are, and the way out; an empty string where it can."""
    return (
        without_compiler(case, device)
        or without_input(case, tasks)
        or without_files(case, tasks)
        or without_weights(case)
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
    if isinstance(case, TrainedCase) and kind not in case.kinds:
        asked = " or ".join(map(with_article, case.kinds))
        return f"{case.question} is asked about {asked}, and one input of {case.task} is {with_article(kind)}"
    if px is None or entry.accepts(px, kind):
        return ""
    resize = "To have such images resized, state takes=Takes(...) in an Architecture"
    is_of_size = entry.file and entry.sizes.kind == kind
    return f"{entry.refusal(px, kind)}. {resize if is_of_size else 'Name another architecture for it'}"


def input_of(case: Case, tasks: Tasks) -> tuple[int | None, InputKind]:
    """Return the resolution that a case gives its architecture, None where it is not known, and the kind of input."""
    if isinstance(case, TrainedCase):
        task = tasks.task(case.task)
        return task.shape.px, task.kind
    return case.input_px, case.input_kind or "image"


def without_files(case: Case, tasks: Tasks) -> str:
    """Return that the files of the case's task are not here, where they are not."""
    if not isinstance(case, TrainedCase) or not missing_files(tasks.task(case.task), tasks.data_root):
        return ""
    return f"{case.task} is not under {tasks.data_root}: run `vitcnn fetch {case.task}` where there is a network"


def needs_weights(case: Case) -> bool:
    """Whether a case trains from the hub's weights."""
    return isinstance(case, TrainedCase) and recipe(case.recipe).weights == "hub"


def without_weights(case: Case) -> str:
    """Return that the hub's weights, from which the case trains, are not here, where they are not."""
    entry = architecture(case.architecture)
    return hub.not_here(entry) if needs_weights(case) and not hub.are_here(entry) else ""
