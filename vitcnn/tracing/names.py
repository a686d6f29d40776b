"""Names the ranges in a trace and the files that hold traces: what recording and reading share."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

FORWARD, BACKWARD, OPTIMISER, AUGMENT = "forward", "backward", "optimiser", "augment"
PHASES = (AUGMENT, FORWARD, BACKWARD, OPTIMISER)

PART = "part "
"""How the range of a part of the model begins; its path in the model follows."""

STEP = "ProfilerStep#"
"""How torch's profiler begins the name of one run."""

OPTIMISER_STEP = "Optimizer.step#"
"""How torch's profiler begins the name of an optimiser's step, by itself."""

ENGINE = "autograd::engine::evaluate_function"
"""How autograd begins the name of each function of the backward pass."""

SUFFIX = ".pt.trace.json"
"""By which TensorBoard's profiler plugin knows a trace."""

ABOUT = "vitcnn"
"""Where a trace says of which case it is: a key beside its events."""

LONGEST_NAME = 120
"""Characters of a folder's name. File systems take 255 bytes."""


def case_folder(case: str) -> Path:
    """Return the folder of a case's trace and events, relative to that of all traces: a folder for each of its axes."""
    return Path(*(_safe(part) for part in case.split("/") if part))


def _safe(part: str) -> str:
    """Return a part of an id as a folder's name; a digest tells apart what would otherwise have one name."""
    name = re.sub(r"[^\w.,=+-]+", "-", part)
    if name == part and len(name) <= LONGEST_NAME and name.strip("."):
        return name
    return f"{name[:LONGEST_NAME].strip('.')}-{hashlib.sha256(part.encode()).hexdigest()[:8]}"
