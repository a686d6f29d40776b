"""Names the phases and the parts of a model in a trace, by hooks that are there while they are needed and no longer."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

from torch import nn
from torch.nn.modules.module import register_module_forward_hook, register_module_forward_pre_hook
from torch.optim.optimizer import (
    register_optimizer_step_post_hook,
    register_optimizer_step_pre_hook,
)
from torch.profiler import record_function

from vitcnn.tracing.names import FORWARD, OPTIMISER, PART

CONTAINERS = (nn.Sequential, nn.ModuleList)

NEARLY_ALL = 0.95
"""Share of a model's parameters beyond which a child is the model itself in a wrapper."""


def models_of(run: Callable[[], object]) -> list[nn.Module]:
    """Call `run` once and return the modules that it calls which no other module calls: the models."""
    found: dict[int, nn.Module] = {}
    depth = 0

    def enter(module: nn.Module, _args: Any) -> None:
        nonlocal depth
        if depth == 0:
            found[id(module)] = module
        depth += 1

    def leave(*_: Any) -> None:
        nonlocal depth
        depth -= 1

    with ExitStack() as stack:
        stack.callback(register_module_forward_pre_hook(enter).remove)
        stack.callback(register_module_forward_hook(leave, always_call=True).remove)
        run()
    return list(found.values())


def parts_of(model: nn.Module) -> dict[str, nn.Module]:
    """Return the parts of a model by their paths: its children, and the children of those that are lists of modules.

    Of a child that holds nearly all parameters without being a list, as of a wrapper, its own parts are returned too.
    """
    found: dict[str, nn.Module] = {}
    whole = _size(model)
    for name, child in model.named_children():
        found[name] = child
        if isinstance(child, CONTAINERS):
            below = dict(child.named_children())
        else:
            below = parts_of(child) if _size(child) > NEARLY_ALL * whole else {}
        found |= {f"{name}.{path}": part for path, part in below.items()}
    return found


def _size(module: nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


@contextmanager
def named_ranges(models: Sequence[nn.Module]) -> Iterator[None]:
    """Name the forward of `models`, their parts and each optimiser's step in what a profiler records meanwhile."""
    with ExitStack() as stack:
        for model in models:
            _name(stack, model, FORWARD)
            for path, part in parts_of(model).items():
                _name(stack, part, f"{PART}{path}")
        ranges = _Ranges(OPTIMISER)
        stack.callback(register_optimizer_step_pre_hook(ranges.enter).remove)
        stack.callback(register_optimizer_step_post_hook(ranges.leave).remove)
        yield


def _name(stack: ExitStack, module: nn.Module, name: str) -> None:
    """Hook a range around the forward of a module until the stack ends; it ends where the forward raises, too."""
    ranges = _Ranges(name)
    stack.callback(module.register_forward_pre_hook(ranges.enter).remove)
    stack.callback(module.register_forward_hook(ranges.leave, always_call=True).remove)


class _Ranges:
    """The ranges of one name that are open: a module may call itself."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._open: list[record_function] = []

    def enter(self, *_: Any) -> None:
        self._open.append(record_function(self._name))
        self._open[-1].__enter__()

    def leave(self, *_: Any) -> None:
        self._open.pop().__exit__(None, None, None)
