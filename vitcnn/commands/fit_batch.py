"""`vitcnn fit-batch`: the largest batch that trains within a budget of memory, and what would make room."""

from __future__ import annotations

import argparse
from dataclasses import replace
from typing import TYPE_CHECKING, Any, get_args

from vitcnn.adaptations import FULL, adaptation
from vitcnn.commands.fit_batch_words import Found, answer, no_room
from vitcnn.commands.output import say, tell
from vitcnn.errors import NotPredictable, UserError
from vitcnn.quantity import bytes_of
from vitcnn.recipes.parts import STEP_OPTIMIZER, Adam, Muon, Optimizer, Sgd
from vitcnn.spec import Precision

if TYPE_CHECKING:
    from vitcnn.bench.predicted_memory import Asked
    from vitcnn.device import Device

OPTIMIZERS: dict[str, Optimizer] = {
    "adamw": STEP_OPTIMIZER,
    "adam": Adam(peak_learning_rate=1e-4, weight_decay=0.0),
    "sgd": Sgd(peak_learning_rate=0.1, weight_decay=0.0),
    "muon": Muon(peak_learning_rate=0.02, momentum=0.95, rest=STEP_OPTIMIZER),
}
"""Their rates change nothing of the memory."""

USUAL_OPTIMIZER = "adamw"
MOST_BYTES = 10**15
"""A larger budget is a slip: torch counts the bytes of a batch that would fill it in 64 bits, and no machine has it."""
CLASSES = 10
"""Of the suite's cases too, so that a prediction can be set beside them."""


def add_to(commands: Any) -> None:
    """Add the grammar of `vitcnn fit-batch` to the subparsers of `vitcnn`."""
    fit = commands.add_parser("fit-batch", help="find the largest batch that trains within a budget of memory")
    fit.add_argument("arch", metavar="ARCH", help="the architecture, as --arch of the suite takes it")
    fit.add_argument("--memory", required=True, metavar="BYTES", help="the budget: 16GiB, 800MB or 16e9")
    px = "pixels a side of the images, which are RGB, at 28 px greyscale; default: 224"
    fit.add_argument("--px", type=int, default=224, metavar="N", help=px)
    classes = f"classes that the head tells apart, such as 1000; default: {CLASSES}"
    fit.add_argument("--classes", type=int, default=CLASSES, metavar="N", help=classes)
    fit.add_argument("--precision", choices=get_args(Precision), default="fp32", help="default: fp32")
    how = "what trains: full, head, or loraR_TARGETS such as lora16_qv; default: full"
    fit.add_argument("--adaptation", default=FULL, metavar="NAME", help=how)
    fit.add_argument("--optimizer", choices=tuple(OPTIMIZERS), help=f"default: {USUAL_OPTIMIZER}")
    checkpointing = "keep each block's input alone, and compute the block again in the backward"
    fit.add_argument("--checkpointing", action="store_true", help=checkpointing)
    fit.add_argument("--inference", action="store_true", help="the largest batch of one forward instead of a step")
    device = "auto, cpu, cuda or cuda:N; on CUDA the prediction is confirmed by steps; default: auto"
    fit.add_argument("--device", default="auto", metavar="NAME", help=device)
    fit.set_defaults(run=run_fit_batch)


def run_fit_batch(options: argparse.Namespace) -> int:
    """Predict the largest batch, confirm it on CUDA, and say what takes the memory."""
    from vitcnn.bench.fit_batch import largest_batch, smallest_peak
    from vitcnn.bench.predicted_memory import predicted_peak
    from vitcnn.device import resolve

    memory_bytes = bytes_of("--memory", options.memory)
    if memory_bytes > MOST_BYTES:
        allowed = "at most 1,000 TB"
        raise UserError(field="--memory", value=options.memory, allowed=allowed, do="Write 16GiB, 800MB or 16e9.")
    asked = asked_by(options)
    device = resolve(options.device)
    smallest, peak = smallest_peak(asked)
    if peak.total > memory_bytes:
        raise no_room(asked, options.memory, smallest, peak)

    def total(batch: int) -> int:
        return predicted_peak(replace(asked, batch=batch)).total

    tell(f"predicting the memory of {asked.architecture.name}, which takes seconds, or half a minute for a large one")
    batch = largest_batch(total, memory_bytes, fitting=smallest)
    asked = replace(asked, batch=batch)
    found = Found(
        asked=asked,
        budget=options.memory,
        memory_bytes=memory_bytes,
        peak=predicted_peak(asked),
        next_bytes=total(batch + 1),
        room=room(asked, memory_bytes),
        confirmed=confirmed(asked, memory_bytes, device, smallest) if device.is_cuda else None,
    )
    say(answer(found))
    return 0


def asked_by(options: argparse.Namespace) -> Asked:
    """Return what is asked about, of one image; UserError where a name or a size is not known."""
    from vitcnn import architectures
    from vitcnn.bench.predicted_memory import Asked
    from vitcnn.input_sizes import with_article
    from vitcnn.tasks import real_images

    adaptation(options.adaptation, "--adaptation")
    (name,) = architectures.ask_for([options.arch], "ARCH")
    entry = architectures.architecture(name)
    if entry.sizes.kind != "image":
        allowed = f"an architecture of single images: {name} takes {with_article(entry.sizes.kind)}"
        do = "`vitcnn list architectures` shows which take what."
        raise UserError(field="ARCH", value=name, allowed=allowed, do=do)
    refusal = entry.refusal(options.px) if options.px > 0 else "a size is above 0"
    if refusal:
        raise UserError(field="--px", value=options.px, allowed=refusal, do="Choose another size or architecture.")
    for option, value in (("--checkpointing", options.checkpointing), ("--optimizer", options.optimizer)):
        if options.inference and value:
            do = "Leave out one of the two."
            raise UserError(field=option, value=value, allowed="only without --inference, which trains nothing", do=do)
    if options.classes < 2:
        do = f"Leave it out for {CLASSES} classes."
        raise UserError(field="--classes", value=options.classes, allowed="a number from 2 on", do=do)
    return Asked(
        architecture=entry,
        shape=real_images.input_shape(options.px, options.classes),
        batch=1,
        precision=options.precision,
        optimizer=None if options.inference else OPTIMIZERS[options.optimizer or USUAL_OPTIMIZER],
        adaptation=options.adaptation,
        checkpointing=options.checkpointing,
    )


def room(asked: Asked, memory_bytes: int) -> dict[str, int]:
    """Return about how large a batch would fit with each option that takes less, where it does."""
    from vitcnn.bench.fit_batch import batch_about

    others = {"--precision bf16": replace(asked, precision="bf16")}
    if asked.optimizer is not None:
        others |= {
            "--checkpointing": replace(asked, checkpointing=True),
            "--adaptation lora16_linear": replace(asked, adaptation="lora16_linear"),
            "--adaptation head": replace(asked, adaptation="head"),
            "--optimizer sgd": replace(asked, optimizer=OPTIMIZERS["sgd"]),
        }
    found = {}
    for option, other in others.items():
        try:
            about = batch_about(other, memory_bytes) if other != asked else 0
        except (NotPredictable, UserError):  # a model without blocks or attention has no such option
            continue
        if about > asked.batch:
            found[option] = about
    return found


def confirmed(asked: Asked, memory_bytes: int, device: Device, smallest: int) -> int:
    """Return the largest batch from `smallest` on that runs on a CUDA device within the budget; it says what it tries.

    0 where none does.
    """
    from vitcnn.bench.fit_batch import confirmed_batch, fits_on
    from vitcnn.bench.models import forward_subject, step_subject
    from vitcnn.bench.rounds import ONCE
    from vitcnn.bench.subject import Subject
    from vitcnn.device import numerics
    from vitcnn.questions.memory import MemoryCase

    def subject_of(batch: int) -> Subject:
        tell(f"trying {batch} images on {device.name}")
        case = MemoryCase(
            architecture=asked.architecture.name,
            px=asked.shape.px,
            batch=batch,
            phase="training" if asked.optimizer else "inference",
            precision=asked.precision,
            adaptation=asked.adaptation,
        )
        num_classes = asked.shape.num_classes
        if asked.optimizer is None:
            return forward_subject(case, device, ONCE, num_classes=num_classes)
        return step_subject(
            case,
            device,
            ONCE,
            optimizer=asked.optimizer,
            checkpointing=asked.checkpointing,
            num_classes=num_classes,
        )

    with numerics(device):
        return confirmed_batch(asked.batch, fits_on(device, subject_of, memory_bytes), smallest=smallest)
