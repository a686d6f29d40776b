"""Describes how noisy a machine is: a row for each timed metric, what the gate detects, and what to do."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from statistics import median

from tabulate import tabulate

from vitcnn.gate.spread import BASELINE_RUNS, Noise, Spread
from vitcnn.gate.times import DETECTION, LOOKS, USUAL_RERUNS
from vitcnn.quantity import significant, span, unit_for
from vitcnn.record import Run

HEADERS = ("case", "metric", "run medians", "between runs", "smallest visible", "tolerance", "suggested")
FEW_RUNS = 5
"""With fewer, the spread itself is a guess."""


def noise_text(noise: Noise, runs: Sequence[Run], *, width: int) -> str:
    """Return a row for each timed metric, the noisiest first, and below it what follows, in lines of `width`."""
    rows = [_row(spread) for spread in noise.spreads]
    table = tabulate(rows, headers=HEADERS, tablefmt="simple", disable_numparse=True) if rows else ""
    lines = [*_summary(noise, runs), *_left_out(noise), *_what_to_do(noise, len(runs))]
    below = [textwrap.fill(line, width, subsequent_indent="  ", break_on_hyphens=False) for line in lines]
    return "\n".join([*([table, ""] if table else []), *below])


def _row(spread: Spread) -> list[str]:
    unit = unit_for(max(spread.medians), spread.unit)
    return [
        spread.case,
        spread.metric,
        f"{span(spread.medians, spread.unit)} {unit}",
        _share(spread.noise),
        _share(spread.visible),
        _tolerance(spread.tolerance),
        _suggested(spread),
    ]


def _share(share: float) -> str:
    return f"{significant(100 * share, 2)} %"


def _tolerance(share: float) -> str:
    return f"{100 * share:g} %"


def _suggested(spread: Spread) -> str:
    return "none: too noisy" if spread.suggested_tolerance is None else _tolerance(spread.suggested_tolerance)


def _summary(noise: Noise, runs: Sequence[Run]) -> list[str]:
    device = runs[0].environment.device_key
    if not noise.spreads:
        return [f"{len(runs)} runs on {device}: no case was timed in two of them, so the noise is not known."]
    noisiest = noise.spreads[0]
    middle = median(spread.noise for spread in noise.spreads)
    return [
        f"{len(runs)} runs on {device}. Spread between runs (standard deviation): median {_share(middle)}, largest "
        f"{_share(noisiest.noise)} ({noisiest.name}).",
        f"Smallest visible: the gate sees a change of this size {100 * DETECTION:g} % of the time, with "
        f"{BASELINE_RUNS} runs as the baseline, {USUAL_RERUNS} reruns in each of {LOOKS} rounds, and this many cases.",
        *_gated(noise),
    ]


def _gated(noise: Noise) -> list[str]:
    noisy = [spread for spread in noise.spreads if not spread.can_be_gated]
    num_cases = len({spread.case for spread in noise.spreads})
    num_noisy = len({spread.case for spread in noisy})
    counts = f"{num_cases - num_noisy} of {num_cases} cases can be gated at their tolerance"
    if not noisy:
        return [f"{counts}."]
    return [f"{counts}. Noise hides more than the tolerance in:", *(f"  {_hidden(spread)}" for spread in noisy)]


def _hidden(spread: Spread) -> str:
    return f"{spread.name}: up to {_share(spread.floor)}, tolerance {_tolerance(spread.tolerance)}"


def _left_out(noise: Noise) -> list[str]:
    lines = [f"Left out: {name}: {reason}" for name, reason in noise.left_out.items()]
    if noise.throttled:
        lines.append(f"Throttled, which the gate refuses to judge: {', '.join(noise.throttled)}. Cool the GPU.")
    return lines


def _what_to_do(noise: Noise, num_runs: int) -> list[str]:
    advice = []
    if not all(spread.can_be_gated for spread in noise.spreads):
        advice.append(
            "What to do: quieten the machine (nothing else running, fixed clocks, pinned threads) and measure again; "
            "or give the case the suggested tolerance: time_tolerance=..."
        )
    if noise.spreads and num_runs < FEW_RUNS:
        advice.append(f"{num_runs} runs give only a rough estimate of the spread: use --runs 10.")
    return advice
