"""A user's own model as an architecture: `--arch FILE.py:NAME`, or a package's entry point.

NAME is an `Architecture`, a function, or an `nn.Module` class. What its signature names of `px`, `channels`,
`num_classes` and, for sequences, `length` it is given by name; a function of one other argument gets the whole
`InputShape`. Before anything is measured it is tried on the shapes of the benchmarks, without memory where the model
can do without.
"""

from __future__ import annotations

import gc
import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, replace
from functools import _lru_cache_wrapper, cache
from typing import TYPE_CHECKING, Any

from vitcnn.errors import CaseError, UserError
from vitcnn.imported_code import is_users_own
from vitcnn.input_sizes import InputKind
from vitcnn.references import Reference, load_reference, offered, raised
from vitcnn.spec import Architecture, InputShape

if TYPE_CHECKING:
    from torch import nn

GROUP = "vitcnn.architectures"
"""The entry points by which packages offer architectures."""

GREYSCALE_PX = 28
TRIED_PX = (GREYSCALE_PX, 32, 224, 512)
"""What the benchmarks show a model: digits at 28 px, photographs at any other resolution."""

NAMES = tuple(entry.name for entry in fields(InputShape))
ALLOWED = "an Architecture, a function that returns an nn.Module, or an nn.Module class (each seed builds it anew)"
MAPS = "a model that maps images (batch, channels, px, px) to logits (batch, num_classes)"
MAPS_SEQUENCES = "a model that maps sequences (batch, length, channels, px, px) to numbers (batch, num_classes)"
BATCH = 2
LENGTHS: dict[InputKind, int] = {"sequence of images": 10, "anchor and sequence of images": 11}
"""What the benchmarks show a model of sequences: ten digits, with an anchor one more."""


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
    sizes = stated.sizes if stated.takes or stated.resolutions else Tried(builder=builder)
    tried_px = stated.resolutions or (TRIED_PX if sizes.kind == "image" else TRIED_PX[:1])
    trials = {px: builder.trial(shown(px, sizes.model_px(px), sizes.kind)) for px in tried_px}
    wrong = {px: trial.wrong for px, trial in trials.items() if trial.wrong}
    if wrong and (len(wrong) == len(trials) or not isinstance(sizes, Tried)):
        px, reason = next(iter(wrong.items()))
        allowed = MAPS if sizes.kind == "image" else MAPS_SEQUENCES
        raise UserError(field=field, value=builder.name, allowed=allowed, do=f"At {px} px: {reason}.")
    if sizes.kind != "image" and stated.any_length:
        _require_any_length(field, builder, shown(tried_px[0], sizes.model_px(tried_px[0]), sizes.kind))
    return replace(
        stated,
        name=builder.name,
        builder=builder,
        takes=None if stated.resolutions else sizes,
        source=stated.source or builder.name,
        file=builder.file,
        counted_parameters=trials[min(trials.keys() - wrong)].num_parameters,
    )


def _require_any_length(field: str, builder: Builder, shape: InputShape) -> None:
    """Raise UserError where a model that is built for sequences of `shape` answers no longer ones."""
    assert shape.length is not None, "only sequences have a length"
    longer = replace(shape, length=2 * shape.length)
    if reason := builder.trial(shape, longer).wrong:
        built = f"Built for {shape.length} images, it was given {longer.length}"
        do = f"{built}: {reason}. If it takes no longer sequences, set any_length=False."
        raise UserError(field=field, value=builder.name, allowed="a model of sequences of any length", do=do)


def shown(px: int, model_px: int | None = None, kind: InputKind = "image") -> InputShape:
    """Return what a model is built for where a benchmark has `px`, at `model_px` where the images are resized."""
    channels, length = 1 if px == GREYSCALE_PX else 3, LENGTHS.get(kind)
    return InputShape(px=model_px or px, channels=channels, num_classes=1 if length else 10, length=length)


@dataclass(frozen=True, kw_only=True)
class Tried:
    """What a model takes of which nothing is stated: every size at which it answers, as it is."""

    builder: Builder
    kind: InputKind = "image"

    @property
    def words(self) -> str:
        answered = ", ".join(str(px) for px in TRIED_PX if not self.refusal(px))
        return f"the sizes at which it answers, such as {answered} px"

    def refusal(self, px: int) -> str:
        return self.builder.trial(shown(px)).wrong if px >= 1 else "images have at least one pixel"

    def model_px(self, px: int) -> int | None:
        return None if self.refusal(px) else px


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
            if shape.length is not None:
                image = f"sequences of {shape.length} {shape.channels} x {shape.px} x {shape.px} images"
            raise CaseError(f"{self.name} cannot be used on {image}: {reason}")
        model: nn.Module = self._made(shape)
        return model

    @cache  # noqa: B019  # a builder lives as long as the process
    def trial(self, shape: InputShape, asked: InputShape | None = None) -> Trial:
        """Try the model that is built for `shape`, on what is `asked` or of that shape.

        That needs no memory where the model can do without, and otherwise runs on the CPU.
        """
        without_memory = self._tried_on("meta", shape, asked or shape)
        forget_what_is_cached()
        return self._tried_on("cpu", shape, asked or shape) if without_memory.wrong else without_memory

    def _tried_on(self, device: str, shape: InputShape, asked: InputShape) -> Trial:
        import torch

        try:
            with torch.device(device), torch.random.fork_rng(devices=()), torch.compiler.set_stance("force_eager"):
                return _trial(self._made(shape), asked)
        except (Exception, SystemExit) as error:
            return Trial(wrong=f"it raised {raised(error, self.file)}")

    def _made(self, shape: InputShape) -> Any:
        parts = {name: getattr(shape, name) for name in NAMES if getattr(shape, name) is not None}
        names = named_parts(self.make, tuple(parts))
        return self.make(shape) if names is None else self.make(**{name: parts[name] for name in names})


def forget_what_is_cached() -> None:
    """Empty the caches (functools.lru_cache) of the user's functions: they would hand out tensors without numbers."""
    for found in gc.get_objects():
        is_cache = type(found) is _lru_cache_wrapper  # to ask a proxy for its class fails where its object is gone
        if is_cache and is_users_own(str(getattr(found, "__module__", ""))):
            found.cache_clear()


def named_parts(make: Callable[..., Any], known: Sequence[str]) -> tuple[str, ...] | None:
    """Return which of the `known` parts of an InputShape a signature names; None where it takes the whole alone.

    Raises TypeError where it needs anything else.
    """
    try:
        parameters = inspect.signature(make).parameters.values()
    except (TypeError, ValueError):  # written in C
        return None
    named = tuple(p.name for p in parameters if p.name in known)
    optional = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    needed = [p.name for p in parameters if p.default is p.empty and p.kind not in optional and p.name not in known]
    if not needed:
        return named
    if len(needed) == 1 and not named and not isinstance(make, type):
        return None
    if "length" in needed:
        raise TypeError("it needs length, which only models of sequences have: state takes=Takes(kind=...)")
    do = f"name them {', '.join(known)}, or write a function that takes the InputShape and calls it"
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
        logits = model.eval()(torch.zeros(shape.of_batch(BATCH)))
    if not isinstance(logits, torch.Tensor):
        return Trial(wrong=f"it returned a {type(logits).__name__}: return the logits alone")
    if tuple(logits.shape) != (BATCH, shape.num_classes):
        asked = "images" if shape.length is None else "sequences"
        return Trial(wrong=f"it returned {tuple(logits.shape)} for {BATCH} {asked}, not {(BATCH, shape.num_classes)}")
    if not logits.is_floating_point():
        return Trial(wrong=f"it returned {logits.dtype} instead of floating-point numbers")
    return Trial(num_parameters=sum(parameter.numel() for parameter in model.parameters()))
