"""Nests what a host's threads did: who called whom, in which phase and part of the model, and of which family."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from vitcnn.tracing.families import ATTENTION, FUSED, family_of
from vitcnn.tracing.names import BACKWARD, ENGINE, FORWARD, OPTIMISER, OPTIMISER_STEP, PART, PHASES
from vitcnn.tracing.trace_file import HOST, Event


@dataclass(slots=True, eq=False)
class Call:
    """An operator or a range, within the call that it belongs to; what it is told by itself or by those around it.

    `alone_s` are the spans, (start, end), in which none of what it called ran.
    """

    event: Event
    parent: Call | None
    phase: str
    part: str
    family: str
    alone_s: list[tuple[float, float]] = field(default_factory=list)


def calls_of(events: Sequence[Event]) -> list[Call]:
    """Return the calls behind the events of the host, thread by thread, in the order in which they began."""
    threads: dict[tuple[str, str], list[Event]] = {}
    for event in events:
        threads.setdefault(event.thread, []).append(event)
    found = [call for thread in threads.values() for call in _nested(thread)]
    _enter_parts_of_backward(found)
    return found


def _nested(events: Sequence[Event]) -> Iterator[Call]:
    """Yield the calls of one thread, and note when each was alone at work."""
    stack: list[Call] = []
    now = 0.0

    def advance(until: float) -> None:
        """Close what ends until then."""
        nonlocal now
        while stack and stack[-1].event.end_s <= until:
            call = stack.pop()
            call.alone_s.append((now, max(now, call.event.end_s)))
            now = max(now, call.event.end_s)
        if stack:
            stack[-1].alone_s.append((now, max(now, until)))
        now = max(now, until)

    for event in sorted(events, key=lambda event: (event.start_s, -event.end_s)):
        advance(event.start_s)
        call = _call(event, stack[-1] if stack else None)
        stack.append(call)
        yield call
    advance(float("inf") if not stack else max(call.event.end_s for call in stack))


def _call(event: Event, parent: Call | None) -> Call:
    """Return a call: the phase is that of the outermost range, the part that of the innermost.

    What attention calls is attention; else a call is of its own family, or of that of who called it.
    """
    outer = parent or Call(event, None, "", "", "")
    named = family_of(event.name)
    own = named if event.kind == HOST or named == FUSED else ""
    is_inside = outer.family == ATTENTION or own in ("", FUSED)
    return Call(
        event=event,
        parent=parent,
        phase=outer.phase or _phase(event),
        part=event.name.removeprefix(PART) if event.name.startswith(PART) else outer.part,
        family=outer.family or own if is_inside else own,
    )


def _phase(event: Event) -> str:
    """Return the phase that an event begins, empty where it begins none."""
    name = event.name
    if name in PHASES:
        return name
    if name.startswith((ENGINE, "CompiledFunctionBackward")):
        return BACKWARD
    if name.startswith(OPTIMISER_STEP):
        return OPTIMISER
    return FORWARD if name.startswith("Torch-Compiled Region") else ""


def _enter_parts_of_backward(calls: Sequence[Call]) -> None:
    """Tell each function of the backward pass the part whose forward it belongs to: both have one number."""
    forward = {call.event.sequence: call.part for call in calls if call.part and call.event.sequence >= 0}
    for call in calls:  # a caller stands before whom it calls
        if call.phase == BACKWARD and not call.part:
            outer = call.parent.part if call.parent else ""
            call.part = outer or forward.get(call.event.sequence, "")
