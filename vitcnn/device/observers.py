"""Lets observers watch the device while the rounds run, before and after them or from a thread of their own.

None does anything in the timed thread while the clock runs. What an observer saw becomes settings of the record.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from typing import Any

from vitcnn.device.busy import watch_processor
from vitcnn.device.throttling import watch_clocks
from vitcnn.device.which import Device

Observer = Callable[[Device], AbstractContextManager[dict[str, Any]]]
"""Stands around the rounds on a device; what it yields is filled by the time that it ends."""

OBSERVERS: tuple[Observer, ...] = (watch_clocks, watch_processor)


@contextmanager
def observing(device: Device) -> Iterator[dict[str, Any]]:
    """Let all observers watch what the block does; what is yielded holds what they saw, once the block has ended."""
    seen: dict[str, Any] = {}
    with ExitStack() as stack:
        watched = [stack.enter_context(observer(device)) for observer in OBSERVERS]
        yield seen
    for each in watched:
        seen.update(each)
