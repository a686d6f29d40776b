"""Numbers with units, as people read them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from math import isfinite

from vitcnn.errors import UserError

STEPS = {
    "s": ((1.0, "s"), (1e-3, "ms"), (1e-6, "µs"), (1e-9, "ns")),
    **{unit: ((1e9, f"G{unit}"), (1e6, f"M{unit}"), (1e3, f"k{unit}"), (1.0, unit)) for unit in ("B", "B/s", "FLOP/s")},
}
"""Units of one kind, the largest first; whatever is smaller is shown in the smallest."""

SCALE = {name: least for steps in STEPS.values() for least, name in steps}
SMALL_PERCENT = 0.05
UNITS_OF_BYTES = {
    "B": 1,
    **{f"{prefix}B": 1000**power for power, prefix in enumerate("kMGT", start=1)},
    **{f"{prefix}iB": 1024**power for power, prefix in enumerate("KMGT", start=1)},
}
COUNT = "1"
"""The unit of plain numbers."""


def significant(value: float, digits: int = 3) -> str:
    """Show that many significant digits, never an exponent: 0.0123, 1.23, 12.3, 1,234."""
    if value == 0:
        return "0"
    exponent = int(f"{value:.{digits - 1}e}".partition("e")[2])  # after rounding: 9.996 is 10.0
    return f"{value:,.{max(0, digits - 1 - exponent)}f}"


def quantity(value: float, unit: str) -> str:
    """Show a value with the unit of its size: 0.00531 s is `5.31 ms`, 58720256 B is `58.7 MB`."""
    shown = unit_for(value, unit)
    number = significant(value / SCALE.get(shown, 1.0))
    return number if unit == COUNT else f"{number} {shown}"


def unit_for(value: float, unit: str) -> str:
    """Return the unit of its size for a value in `unit`: `ms` for 0.00531 s."""
    rounded = float(f"{value:.2e}")  # 999.9 ms are shown as 1.00 s
    steps = STEPS.get(unit, ((1.0, unit),))
    return next((name for least, name in steps if abs(rounded) >= least), steps[-1][1])


def span(values: tuple[float, ...], unit: str) -> str:
    """Show the lowest and the highest of some values of one unit: `4.95-5.02`, in the unit of the highest."""
    scale = SCALE.get(unit_for(max(values), unit), 1.0)
    low, high = (significant(value / scale) for value in (min(values), max(values)))
    return low if low == high else f"{low}-{high}"


def percent(share: float) -> str:
    """Show a share as a change: `+6.6 %`, `-0.4 %`, `+0.03 %`, `+212 %`, and from ten times on `+1,100 %`."""
    value = 100 * share
    if 0 < abs(value) < SMALL_PERCENT:
        return f"{'+' if value > 0 else '-'}{significant(abs(value), 1)} %"
    return f"{value:+,.0f} %" if abs(value) >= 100 else f"{value:+.1f} %"


def counted(number: int, what: str) -> str:
    """Show how many there are: `1 run`, `5 runs`."""
    return f"{number} {what}{'' if number == 1 else 's'}"


def first_of(names: Iterable[object], most: int) -> str:
    """Show the first few of some names: `a, b, c`, or `a, b and 3 more`."""
    found = [str(name) for name in names]
    rest = f" and {len(found) - most} more" if len(found) > most else ""
    return f"{', '.join(found[:most])}{rest}"


def about(seconds: float) -> str:
    """Show a duration as coarsely as an estimate deserves: `5 s`, `40 s`, `3 min`, `1 h 20 min`."""
    if seconds < 57.5:
        return f"{max(5, 5 * round(seconds / 5))} s"
    minutes = max(1, round(seconds / 60))
    if minutes < 60:
        return f"{minutes} min"
    hours, rest = divmod(10 * round(minutes / 10), 60)
    return f"{hours} h {rest} min" if rest else f"{hours} h"


def bytes_of(field: str, text: str) -> int:
    """Return how many bytes a text says: `16GiB`, `800 MB`, `16e9`. UserError names the `field` where it says none."""
    found = re.fullmatch(r"([0-9.]+(?:e[+-]?[0-9]+)?)\s*([a-z]*)", text.strip(), re.IGNORECASE)
    units = {unit.lower(): size for unit, size in UNITS_OF_BYTES.items()}
    try:
        number = float(found[1]) * units[found[2].lower() or "b"] if found else 0.0
    except (KeyError, ValueError):
        number = 0.0
    if not isfinite(number) or number < 1:
        allowed = f"a number of bytes above 0, or one with a unit of {', '.join(UNITS_OF_BYTES)}"
        raise UserError(field=field, value=text, allowed=allowed, do="Write 16GiB, 800MB or 16e9.")
    return int(number)
