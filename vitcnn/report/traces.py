"""Says in a table and in words where the time of a traced run goes, and why another one takes longer."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Mapping, Sequence

from tabulate import tabulate

from vitcnn.quantity import counted, percent, quantity, significant
from vitcnn.tracing.difference import Difference
from vitcnn.tracing.families import IDLE, PRODUCT
from vitcnn.tracing.summary import Summary

MOST_OPERATORS, MOST_PARTS = 8, 8
LEAST_SHARE = 0.001
"""A part of the model that takes less of a run is not shown."""

LONGEST_NAME = 60
"""Characters of an operator's or a kernel's name: kernels' signatures are long."""

LEAST_NAME = 20
"""Names are not cut below this many characters, however narrow a terminal is."""

LAUNCH_BOUND_IDLE = 0.3
"""Share of a run that a GPU idles from which on the host does not keep it busy."""

HOST_BOUND_IDLE = 0.2
"""The same of a CPU: the share that Python takes between operators."""

TOLD_SHARE = 0.1
"""A family that makes up less of a difference is not told in words."""

ALIKE = 0.02
"""Runs whose times differ by less are called alike: two traces of one model differ as much."""


def trace_text(summary: Summary, *, width: int) -> str:
    """Return the tables of one trace, and the sentences that say where its time goes."""
    what = "Kernel or copy" if summary.on_gpu else "Operator"
    operators = [
        (_short(one.name), one.family, one.time_s, f"{one.calls:,.4g}") for one in summary.operators[:MOST_OPERATORS]
    ]
    parts = [
        _shares("Phase", summary.phases, summary.run_s),
        _shares("Family", summary.families, summary.run_s),
        _parts(summary),
        _named(
            [(name, family, *_time(seconds, summary.run_s), calls) for name, family, seconds, calls in operators],
            headers=[what, "family", "time a run", "share", "calls a run"],
            aligned=("left", "left", "right", "right", "right"),
            width=width,
        ),
    ]
    words = "\n".join(textwrap.fill(line, width) for line in where_it_goes(summary))
    return "\n\n".join([heading(summary), words, *(part for part in parts if part)])


def heading(summary: Summary) -> str:
    """Return the line above a trace's tables."""
    title = f"{summary.name} ({'GPU' if summary.on_gpu else 'CPU'})"
    return f"{title}\n{'=' * len(title)}"


def where_it_goes(summary: Summary) -> list[str]:
    """Return sentences that say where the time of a run goes."""
    images = f" of {counted(summary.images, 'image')}" if summary.images else ""
    timed = f"; {_s(summary.timed_s)} without the profiler" if summary.timed_s else ""
    out = f", without {counted(summary.num_disturbed, 'slow one')}" if summary.num_disturbed else ""
    runs = f"the mean of {counted(summary.num_runs, 'run')}{out}{timed}"
    busy = {name: seconds for name, seconds in summary.families.items() if name != IDLE}
    largest = _largest(busy, summary.run_s)
    phases = {name: seconds for name, seconds in summary.phases.items() if name != IDLE}
    by_phase = f" By phase: {_list(_largest(phases, summary.run_s))}." if len(phases) > 1 else ""
    what = "The part that stands for a run" if summary.is_part else f"A run{images}"
    first = f"{what} takes {_s(summary.run_s)} ({runs}). Of that, {_list(largest)}.{by_phase}"
    return [first, _waiting(summary)]


def _largest(times_s: Mapping[str, float], whole_s: float, most: int = 3) -> list[str]:
    order = sorted(times_s.items(), key=lambda item: -item[1])
    return [f"{name} {_share(seconds, whole_s)}" for name, seconds in order[:most] if seconds > 0]


def _waiting(summary: Summary) -> str:
    """Return the sentence on the time in which nothing ran: who waits for whom."""
    share = summary.idle_s / summary.run_s if summary.run_s else 0.0
    ran = f"{summary.calls:,.0f} {'kernels and copies' if summary.on_gpu else 'operators'} a run"
    each = f"{_s((summary.run_s - summary.idle_s) / max(summary.calls, 1))} each on average"
    gaps = f"{summary.gaps:,.4g} gaps of 10 µs or more, the longest {_s(summary.longest_gap_s)}"
    facts = f"{ran}, {each}; {gaps}."
    what = "The GPU idles for" if summary.on_gpu else "For"
    idle = "of it" if summary.on_gpu else "of it no operator runs"
    return f"{what} {_percent(share)} {idle}{_who_waits(summary, share)}. {facts}"


def _who_waits(summary: Summary, share: float) -> str:
    """Return what takes the idle time where it is much of a run; what the profiler adds to a run could be all of it."""
    if share <= (LAUNCH_BOUND_IDLE if summary.on_gpu else HOST_BOUND_IDLE):
        return ""
    added_s = summary.run_s - summary.timed_s
    if summary.timed_s and added_s >= summary.idle_s:
        return f", which may all be due to the profiler: it adds {_s(added_s)} to a run"
    if summary.waited_s > summary.idle_s / 2:
        return ", most of it because the host waits for results of the GPU before it launches more"
    if summary.on_gpu:
        return ": it waits for the host, which cannot launch fast enough"
    return ": Python between the operators takes that long"


def _shares(title: str, times_s: Mapping[str, float], whole_s: float) -> str:
    rows = [(name, *_time(seconds, whole_s)) for name, seconds in times_s.items() if seconds > 0]
    aligned = ("left", "right", "right")
    return tabulate(rows, headers=[title, "time a run", "share"], colalign=aligned, disable_numparse=True)


def _parts(summary: Summary) -> str:
    """Return the table of the model's parts, in order; of many, those of one list are one row. Empty without parts."""
    names = dict.fromkeys((*summary.parts, *summary.parts_backward))
    pairs = {name: (summary.parts.get(name, 0.0), summary.parts_backward.get(name, 0.0)) for name in names}
    if len(pairs) > MOST_PARTS:
        pairs = _by_list(pairs)
    has_backward = bool(summary.parts_backward)
    rows = [
        (name, _s(forward), *([_s(backward)] if has_backward else []), _share(forward + backward, summary.run_s))
        for name, (forward, backward) in pairs.items()
        if (forward + backward) >= LEAST_SHARE * summary.run_s
    ]
    if not rows:
        return ""
    headers = ["Part of the model", "forward", *(["backward"] if has_backward else []), "share"]
    return tabulate(rows, headers=headers, colalign=("left", *("right",) * (len(headers) - 1)), disable_numparse=True)


def _by_list(pairs: Mapping[str, tuple[float, float]]) -> dict[str, tuple[float, float]]:
    """Return the parts with those of one list, such as `blocks.0` and `blocks.1`, as one: `blocks.*, 12 parts`."""
    lists: dict[str, list[str]] = {}
    for name in pairs:
        above, _, number = name.rpartition(".")
        lists.setdefault(above if above and number.isdecimal() else name, []).append(name)
    return {
        f"{key}.*, {len(names)} parts" if len(names) > 1 else names[0]: (
            sum(pairs[name][0] for name in names),
            sum(pairs[name][1] for name in names),
        )
        for key, names in lists.items()
    }


def difference_text(found: Difference, *, width: int) -> str:
    """Return the tables that set two traces side by side, and the sentences that explain the difference."""
    unit = "an image" if found.per_image else "a run"
    names = f"A: {found.left.name}\nB: {found.right.name}"
    words = "\n".join(textwrap.fill(line, width) for line in why(found))
    most = dict(list(found.operators.items())[:MOST_OPERATORS])
    tables = [
        _pairs(f"Family, {unit}", {**found.families, "all": found.run_s}, found.more_s, width),
        _pairs(f"Phase, {unit}", found.phases, found.more_s, width),
        _pairs(f"Operator, {unit}", {_short(name): pair for name, pair in most.items()}, found.more_s, width),
    ]
    return "\n\n".join([names, words, *tables])


def _pairs(title: str, rows: Mapping[str, tuple[float, float]], more_s: float, width: int) -> str:
    shown = [
        (name, _s(left), _s(right), _signed(right - left), _share(right - left, more_s) if more_s else "")
        for name, (left, right) in rows.items()
        if left or right
    ]
    headers = [title, "A", "B", "B - A", "of the difference"]
    return _named(shown, headers=headers, aligned=("left", *("right",) * 4), width=width)


def _named(rows: Sequence[tuple[str, ...]], *, headers: Sequence[str], aligned: Sequence[str], width: int) -> str:
    """Return a table whose first column holds names, which are cut where the table would be too wide."""
    table = tabulate(rows, headers=headers, colalign=aligned, disable_numparse=True)
    over = max(map(len, table.splitlines())) - width
    if over <= 0:
        return table
    room = max(LEAST_NAME, max((len(name) for name, *_ in rows), default=0) - over)
    cut = [(_cut(name, room), *rest) for name, *rest in rows]
    return tabulate(cut, headers=headers, colalign=aligned, disable_numparse=True)


def why(found: Difference) -> list[str]:
    """Return sentences that explain the difference between two traces."""
    unit = "an image" if found.per_image else "a run"
    compared = _compared(*found.run_s, unit)
    told = [compared[0].upper() + compared[1:], *_without_profiler(found, unit)]
    if _are_alike(*found.run_s):
        return [*told, *_by_family(found)]
    devices = [] if found.left.on_gpu == found.right.on_gpu else ["One ran on a GPU, the other on a CPU."]
    return [*told, *devices, *_by_family(found), _by_calls(found)]


def _are_alike(left_s: float, right_s: float) -> bool:
    return abs(right_s - left_s) <= ALIKE * max(left_s, right_s)


def _compared(left_s: float, right_s: float, unit: str) -> str:
    """Say how many times as long one takes as the other."""
    if _are_alike(left_s, right_s):
        return f"both take about as long: {_s(left_s)} and {_s(right_s)} {unit}."
    slow, fast = ("B", "A") if right_s > left_s else ("A", "B")
    less, more = sorted((left_s, right_s))
    times = significant(more / max(less, 1e-12))
    return f"{slow} takes {times} times as long as {fast}: {_s(more)} against {_s(less)} {unit}."


def _without_profiler(found: Difference, unit: str) -> list[str]:
    """Tell what both took in the timed rounds, where both traces say it: short operators seem longer in a trace."""
    return [f"Without the profiler {_compared(*found.timed_s, unit)}"] if all(found.timed_s) else []


def _by_family(found: Difference) -> list[str]:
    """Tell which families make up the difference, and which take away from it."""
    sign = 1 if found.more_s >= 0 else -1
    slow, fast = ("B", "A") if sign > 0 else ("A", "B")
    by_family = {name: sign * (right - left) for name, (left, right) in found.families.items()}
    least = TOLD_SHARE * abs(found.more_s)
    more = sorted((name for name in by_family if by_family[name] > least), key=lambda name: -by_family[name])
    less = sorted((name for name in by_family if by_family[name] < -least), key=lambda name: by_family[name])
    told = []
    if more:
        told.append(f"{slow} takes more for {_list(f'{_name(name)} ({_s(by_family[name])})' for name in more)}.")
    if less:
        told.append(f"{fast} takes more for {_list(f'{_name(name)} ({_s(-by_family[name])})' for name in less)}.")
    return told


def _by_calls(found: Difference) -> str:
    left, right = found.calls
    what = "kernels and copies" if found.left.on_gpu and found.right.on_gpu else "operators"
    ratio = percent(right / left - 1) if left else ""
    return f"A runs {left:,.0f} {what} a run, B {right:,.0f}{f' ({ratio})' if ratio else ''}."


def _name(family: str) -> str:
    return {IDLE: "waiting, with nothing running", PRODUCT: "matrix products"}.get(family, family)


def _time(seconds: float, whole_s: float) -> tuple[str, str]:
    return _s(seconds), _share(seconds, whole_s)


def _s(seconds: float) -> str:
    return quantity(seconds, "s") if seconds else "0"


def _signed(seconds: float) -> str:
    return f"{'+' if seconds > 0 else '-'}{_s(abs(seconds))}" if seconds else "0"


def _share(seconds: float, whole_s: float) -> str:
    return _percent(seconds / whole_s) if whole_s else ""


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %" if abs(share) < 0.0995 else f"{100 * share:.0f} %"


def _short(name: str) -> str:
    return name if len(name) <= LONGEST_NAME else f"{name[: LONGEST_NAME - 3]}..."


def _cut(name: str, room: int) -> str:
    """Return a name of at most `room` characters, without its middle: backward and forward differ at the end."""
    end = (room - 3) // 2
    return name if len(name) <= room else f"{name[: room - 3 - end]}...{name[-end:]}"


def _list(texts: Iterable[str]) -> str:
    found: Sequence[str] = list(texts)
    return found[0] if len(found) == 1 else f"{', '.join(found[:-1])} and {found[-1]}" if found else "nothing"
