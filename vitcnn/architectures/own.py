"""A user's own model as an architecture: `--arch FILE.py:NAME`, or a package's entry point.

NAME is an `Architecture`, a function, or an `nn.Module` class. What its signature names of `px`, `channels` and
`num_classes` it is given by name; a function of one other argument gets the whole `InputShape`. Before anything is
measured it is tried on the shapes of the benchmarks, without memory where the model can do without.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from functools import cache
from typing import TYPE_CHECKING, Any

from vitcnn.errors import CaseError, UserError
from vitcnn.references import Reference, load_reference, offered, raised
from vitcnn.spec import Architecture, InputShape

if TYPE_CHECKING:
    from torch import nn

GROUP = "vitcnn.architectures"
"""The entry points by which packages offer architectures."""

SHAPES = (
    InputShape(px=28, channels=1, num_classes=10),
    *(InputShape(px=px, channels=3, num_classes=10) for px in (32, 224, 512)),
)
"""What the benchmarks on batches and tiles show a model: digits at 28 px, photographs at any other resolution."""

NAMES = tuple(entry.name for entry in fields(InputShape))
ALLOWED = "an Architecture, a function that returns an nn.Module, or an nn.Module class (each seed builds it anew)"
MAPS = "a model that maps images (batch, channels, px, px) to logits (batch, num_classes)"
BATCH = 2


def own_architecture(text: str) -> Architecture:
    """Return the architecture of `FILE.py:NAME` or `package.module:NAME`, by the name that ids show.

    Raises UserError for what is not there, is something else, or takes none of the shapes of the benchmarks.
    """
    return _architecture("--arch", load_reference("--arch", text, is_fit=is_fit, allowed=ALLOWED))


@cache
def offered_architecture(name: str) -> Architecture:
    """Return the architecture that a package offers as `name`, which ids show; UserError as `own_architecture`."""
    field, value = f"entry point {GROUP}", offered(GROUP)[name]
    found = _architecture(field, load_reference(field, value, is_fit=is_fit, allowed=ALLOWED))
    return replace(found, name=name)


def is_fit(value: object) -> bool:
    """Whether `value` can stand for an architecture."""
    from torch import nn

    if isinstance(value, type):
        return issubclass(value, nn.Module) and value is not nn.Module
    return isinstance(value, Architecture) or (callable(value) and not isinstance(value, nn.Module))


def _architecture(field: str, found: Reference) -> Architecture:
    stated = (
        found.value
        if isinstance(found.value, Architecture)
        else Architecture(name=str(found), family="other", builder=found.value)
    )
    builder = Builder(name=str(found), file=found.file, make=stated.builder)
    trials = _tried(builder, stated.resolutions)
    refused = {px: trial.wrong for px, trial in trials.items() if trial.wrong}
    taken = {px: stated.resolutions.get(px, px) for px in trials if px not in refused}
    if not taken or (stated.resolutions and refused):
        px, reason = next(iter(refused.items()))
        raise UserError(field=field, value=builder.name, allowed=MAPS, do=f"At {px} px: {reason}.")
    return replace(
        stated,
        name=builder.name,
        builder=builder,
        resolutions={**stated.resolutions, **taken},
        source=stated.source or builder.name,
        file=builder.file,
        refused=refused,
        counted_parameters=trials[min(taken)].num_parameters,
    )


def _tried(builder: Builder, stated: Mapping[int, int]) -> dict[int, Trial]:
    """Try the model on what the benchmarks show, at the resolutions that are stated, or at all of them."""
    return {
        shape.px: builder.trial(replace(shape, px=stated.get(shape.px, shape.px)))
        for shape in SHAPES
        if not stated or shape.px in stated
    }


@dataclass(frozen=True, kw_only=True)
class Trial:
    """What came of building a model and asking it once: what is wrong, in one sentence, or its size."""

    wrong: str = ""
    num_parameters: int = 0


@dataclass(frozen=True, kw_only=True)
class Builder:
    """Builds a user's model for a shape."""

    name: str
    file: str
    make: Callable[..., Any]

    def __call__(self, shape: InputShape) -> nn.Module:
        """Build the model; CaseError where it is none, or does not answer images of `shape`."""
        reason = self.trial(shape).wrong
        if reason:
            image = f"{shape.channels} x {shape.px} x {shape.px} images of {shape.num_classes} classes"
            raise CaseError(f"{self.name} cannot be used on {image}: {reason}")
        model: nn.Module = self._made(shape)
        return model

    @cache  # noqa: B019  # a builder lives as long as the process
    def trial(self, shape: InputShape) -> Trial:
        """Try the model on images of `shape`: without memory where it can do without, otherwise on the CPU."""
        without_memory = self._tried_on("meta", shape)
        return self._tried_on("cpu", shape) if without_memory.wrong else without_memory

    def _tried_on(self, device: str, shape: InputShape) -> Trial:
        import torch

        try:
            with torch.device(device), torch.random.fork_rng(devices=()):
                return _trial(self._made(shape), shape)
        except (Exception, SystemExit) as error:
            return Trial(wrong=f"it raised {raised(error, self.file)}")

    def _made(self, shape: InputShape) -> Any:
        names = named_parts(self.make)
        return self.make(shape) if names is None else self.make(**{name: getattr(shape, name) for name in names})


def named_parts(make: Callable[..., Any]) -> tuple[str, ...] | None:
    """Return which parts of an InputShape a signature names; None where it takes the whole as its only argument.

    Raises TypeError where it needs anything else.
    """
    try:
        parameters = inspect.signature(make).parameters.values()
    except (TypeError, ValueError):  # written in C
        return None
    named = tuple(p.name for p in parameters if p.name in NAMES)
    optional = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    needed = [p.name for p in parameters if p.default is p.empty and p.kind not in optional and p.name not in NAMES]
    if not needed:
        return named
    if len(needed) == 1 and not named and not isinstance(make, type):
        return None
    do = f"name them {', '.join(NAMES)}, or write a function that takes the InputShape and calls it"
    raise TypeError(f"it needs {' and '.join(needed)}, which vitcnn does not know: {do}")


def _trial(model: Any, shape: InputShape) -> Trial:
    """Ask a built model about two images."""
    import torch
    from torch import nn
    from torch.nn.parameter import is_lazy

    if not isinstance(model, nn.Module):
        return Trial(wrong=f"it returned {type(model).__name__} instead of an nn.Module")
    if any(is_lazy(parameter) for parameter in model.parameters()):
        return Trial(wrong="it has lazy layers, whose sizes are unknown before the first call: set their sizes")
    with torch.no_grad():
        logits = model.eval()(torch.zeros(BATCH, shape.channels, shape.px, shape.px))
    if not isinstance(logits, torch.Tensor):
        return Trial(wrong=f"it returned a {type(logits).__name__}: return the logits alone")
    if tuple(logits.shape) != (BATCH, shape.num_classes):
        return Trial(wrong=f"it returned {tuple(logits.shape)} for {BATCH} images, not {(BATCH, shape.num_classes)}")
    if not logits.is_floating_point():
        return Trial(wrong=f"it returned {logits.dtype} instead of floating-point numbers")
    return Trial(num_parameters=sum(parameter.numel() for parameter in model.parameters()))
