"""CUDA without a GPU: what is on the device are torch's fake tensors, which know shape, type and device and no numbers.

What is on the CPU is real. Two devices in one operation raise, as on CUDA; so do shapes that depend on numbers, and a
generator of another device. What makes the host wait for the device is noted (`Rehearsal.waits`), and answered by
made-up numbers. What no fake tensor can show: streams and events, which are inert here, pinned memory, kernels, their
numbers and speed, torch.compile, memory. `backward` walks autograd's graph in Python: torch's engine asks for a driver.
"""

from __future__ import annotations

import linecache
import os
import sys
from contextlib import ExitStack, contextmanager, nullcontext
from functools import cache
from pathlib import Path
from unittest import mock

import peft  # noqa: F401  # it imports transformers, which declares types of what is replaced here
import torch
from torch import Tensor
from torch._subclasses.fake_tensor import FakeTensor, FakeTensorMode, unset_fake_temporarily
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_map_only

import vitcnn
from vitcnn.device import Device

REHEARSED = Device(name="cuda:1", key="nvidia-rehearsed")
"""Not the default device, so that what is left to the default is on another one."""

FREE_BYTES, TOTAL_BYTES = 6 << 30, 8 << 30
"""Memory of the device, as `torch.cuda.mem_get_info` tells it."""

AUTOCAST = "torch.cuda.amp.common.amp_definitely_not_available"

PRODUCT = Path(vitcnn.__file__).parent

aten = torch.ops.aten
WITHOUT_FAKE = {aten._fused_sgd_.default, aten._fused_sgd_.tensor_lr}
"""They change what they are given, return nothing, and torch has no fake kernel for them."""


class Generator(torch.Generator):
    """A generator of a device that is not there: it says where it is, and nothing is drawn from it there."""

    def __new__(cls, _device: object = "cpu") -> Generator:
        return super().__new__(cls, "cpu")

    def __init__(self, device: object = "cpu") -> None:
        self._device = torch.device(device)  # type: ignore[arg-type]

    @property
    def device(self) -> torch.device:  # type: ignore[override]
        return self._device


def _tensors(values):
    """Yield the tensors among an operation's arguments, which may be lists of tensors."""
    for value in values:
        if isinstance(value, Tensor):
            yield value
        elif isinstance(value, list | tuple):
            yield from _tensors(value)


@cache
def is_composite(func) -> bool:
    """Whether an operation is made of others on every device."""
    key = "CompositeImplicitAutograd"
    return func.namespace == "aten" and torch._C._dispatch_has_kernel_for_dispatch_key(func.name(), key)


class OwnGenerator(TorchFunctionMode):
    """Refuses a generator of another device than what it draws; torch does so in its kernels, which do not run here."""

    def __torch_function__(self, func, types, args=(), kwargs=None):
        result = func(*args, **(kwargs or {}))
        generator = (kwargs or {}).get("generator")
        if isinstance(result, Tensor) and isinstance(generator, Generator) and generator.device != result.device:
            found = f"found {generator.device} in {func.__name__}"
            raise RuntimeError(f"Expected a {result.device} device type for generator but {found}")
        return result


class Rehearsal(TorchDispatchMode):
    """Runs what concerns the device on fake tensors and all else for real; notes in `waits` what the host waits for."""

    def __init__(self, fake: FakeTensorMode) -> None:
        super().__init__()
        self.fake = fake
        self.waits: list[str] = []

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        if func.namespace == "prim":  # asks where a tensor is
            return func(*args, **kwargs)
        tensors = list(_tensors((*args, *kwargs.values())))
        places = [kwargs.get("device"), *(value for value in args if isinstance(value, torch.device))]
        makes_there = any(place is not None and torch.device(place).type == "cuda" for place in places)
        if not makes_there and not any(isinstance(tensor, FakeTensor) for tensor in tensors):
            with unset_fake_temporarily():
                return func(*args, **kwargs)
        if is_composite(func):  # as they arrive in inference mode: their parts are looked at one by one
            with self:
                return func.decompose(*args, **kwargs)
        if func is aten._local_scalar_dense.default:
            self._note("reads a number")
            return args[0].dtype.is_floating_point * 1.0 or (args[0].dtype == torch.bool or 1)
        if func is aten.allclose.default:
            self._note("reads a number")
            return True
        if func is aten.copy_.default and not isinstance(args[0], FakeTensor):
            self._note("copies to the host")
            with unset_fake_temporarily():
                return args[0].fill_(0)
        if func in WITHOUT_FAKE:
            assert all(isinstance(tensor, FakeTensor) for tensor in tensors), "a weight or gradient is on the CPU"
            return None
        self._note_copy(func, tensors, kwargs)
        if func in (aten.index_put_.default, aten.index_put.default) and _has_mask(args[1]) and args[2].numel() > 1:
            self._note("looks for the places of a mask")
        if not all(isinstance(tensor, FakeTensor) for tensor in tensors):
            args, kwargs = tree_map_only(Tensor, self._faked, (args, kwargs))
        result = func(*args, **kwargs)
        return self._returned(result) if isinstance(result, Tensor) else tree_map_only(Tensor, self._returned, result)

    def _note_copy(self, func, tensors, kwargs):
        """Note a copy from pageable memory: the host waits until it is done."""
        copies = func is aten.copy_.default or (func is aten._to_copy.default and "device" in kwargs)
        if copies and not isinstance(tensors[-1], FakeTensor) and not kwargs.get("non_blocking"):
            self._note("copies to the device")

    def _note(self, what):
        self.waits.append(f"{what} ({_place()})")

    def _faked(self, tensor):
        return tensor if isinstance(tensor, FakeTensor) else self.fake.from_tensor(tensor)

    def _returned(self, tensor):
        """Return a tensor of the device as it is; one that was copied to the host with numbers, a likely answer."""
        if tensor.device.type == "cuda":
            assert tensor.device.index == 1, f"made on {tensor.device}, while {REHEARSED.name} is measured"
            return tensor
        self._note("copies to the host")
        share = 1 / tensor.shape[-1] if tensor.ndim and tensor.shape[-1] else 1.0
        with unset_fake_temporarily():
            return torch.full(tensor.shape, share if tensor.dtype.is_floating_point else 0, dtype=tensor.dtype)


def _place():
    """Return the file, line and code of the innermost call that is the product's own."""
    frame = sys._getframe()
    while frame is not None and not frame.f_code.co_filename.startswith(f"{PRODUCT}{os.sep}"):
        frame = frame.f_back
    if frame is None:
        return "outside vitcnn"
    path, number = frame.f_code.co_filename, frame.f_lineno
    return f"{Path(path).name}:{number}: {linecache.getline(path, number).strip()}"


def _has_mask(indices):
    return any(index is not None and index.dtype is torch.bool for index in indices)


class Cuda:
    """Stands in for the functions of `torch.cuda`: inert, but each must be about the device that is rehearsed."""

    def __init__(self) -> None:
        self.current = torch.device("cuda:0")

    @contextmanager
    def device(self, device):
        before, self.current = self.current, torch.device(device)
        yield
        self.current = before

    def about(self, answer=None):
        def function(device=None):
            asked = self.current if device is None else torch.device(device)
            assert asked == torch.device(REHEARSED.name), f"about {asked}, while {REHEARSED.name} is measured"
            return answer

        return function

    def functions(self):
        about_memory = ("memory_allocated", "memory_reserved", "max_memory_allocated")
        return {
            "device": self.device,
            "is_available": lambda: False,  # else fake tensors are made on a real device first
            "is_bf16_supported": lambda *_: True,
            "synchronize": self.about(),
            "reset_peak_memory_stats": self.about(),
            "mem_get_info": self.about((FREE_BYTES, TOTAL_BYTES)),
            "empty_cache": lambda: None,
            "Event": lambda **_: mock.Mock(elapsed_time=lambda _end: 1.0),
            "Stream": self.about(mock.Mock()),
            "stream": lambda _stream: nullcontext(),
            "current_stream": self.about(mock.Mock()),
            **dict.fromkeys(about_memory, self.about(1 << 20)),
        }


@contextmanager
def rehearsal():
    """Make `cuda:1` a device that can be rehearsed on; yield the `Rehearsal`."""
    fake = FakeTensorMode()
    rehearsed = Rehearsal(fake)
    with ExitStack() as stack:
        for name, function in Cuda().functions().items():
            stack.enter_context(mock.patch.object(torch.cuda, name, function))
        for place, function in {
            AUTOCAST: lambda: False,
            "torch._C._cuda_clearCublasWorkspaces": lambda: None,
            "torch.Generator": Generator,
            "torch.Tensor.backward": backward,
            "torch.Tensor.pin_memory": lambda tensor: tensor,
            "torch.Tensor.record_stream": lambda *_: None,
            "torch.nn.init.dirac_": lambda weight: weight,  # sets number by number what has no numbers here
            "torch.utils.swap_tensors": _swap,
        }.items():
            stack.enter_context(mock.patch(place, function, create=place.startswith("torch._C")))
        for mode in (fake, rehearsed, OwnGenerator()):
            stack.enter_context(mode)
        yield rehearsed


def _swap(old: Tensor, new: Tensor) -> None:
    """Give a module's parameter what `module.to` made of it; torch's own way refuses fake tensors."""
    old.data = new


def backward(loss: Tensor) -> None:
    """Fill in the gradients of what `loss` depends on, node by node."""
    gradients = {loss.grad_fn: {0: torch.ones_like(loss)}}
    with torch.no_grad():
        for node in _from_the_loss(loss.grad_fn):
            incoming = gradients.pop(node, {})
            if hasattr(node, "variable"):
                leaf, [gradient] = node.variable, incoming.values()
                leaf.grad = gradient if leaf.grad is None else leaf.grad + gradient
                continue
            given = [incoming.get(number) for number in range(len(node._input_metadata))]
            results = _as_tuple(node.apply(*given) if hasattr(node, "apply") else node(*given))
            of_tensors = results[: len(node.next_functions)]  # a Function's own: its tensors come first
            for (following, number), result in zip(node.next_functions, of_tensors, strict=True):
                if following is None or result is None:
                    continue
                wanted, sums = following._input_metadata[number], gradients.setdefault(following, {})
                if result.shape != wanted.shape or result.dtype != wanted.dtype:
                    result = result.sum_to_size(wanted.shape).to(wanted.dtype)
                sums[number] = sums[number] + result if number in sums else result


def _as_tuple(results):
    return results if isinstance(results, tuple) else (results,)


def _from_the_loss(root):
    """Return the graph's nodes, each before those that it hands gradients to."""
    finished, seen, stack = [], {root}, [(root, iter(root.next_functions))]
    while stack:
        node, following = stack[-1]
        new = next((n for n, _ in following if n is not None and n not in seen), None)
        if new is None:
            finished.append(node)
            stack.pop()
        else:
            seen.add(new)
            stack.append((new, iter(new.next_functions)))
    return reversed(finished)
