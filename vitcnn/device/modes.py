"""Names what a process has switched on that changes how fast all of its code runs, or what its numbers are."""

from __future__ import annotations

import gc
import os
import sys
import tracemalloc
from types import ModuleType

USUAL_THRESHOLDS = frozenset({(700, 10, 10), (2000, 10, 10), (2000, 10, 0)})
"""When Python collects garbage if nobody sets it: differs between versions, which are compared all the same."""


def unusual_modes() -> tuple[str, ...]:
    """Return the modes of Python and torch that are not as a process begins, such as `tracemalloc`."""
    torch = sys.modules.get("torch")
    return (*_of_python(), *(_of_torch(torch) if torch else ()))


def _of_python() -> tuple[str, ...]:
    thresholds = gc.get_threshold()
    is_on = {
        "python -X dev": sys.flags.dev_mode,
        "python -O": sys.flags.optimize > 0,
        "tracemalloc": tracemalloc.is_tracing(),
        f"PYTHONMALLOC={os.environ.get('PYTHONMALLOC', '')}": bool(os.environ.get("PYTHONMALLOC")),
        f"gc.set_threshold{thresholds}": thresholds not in USUAL_THRESHOLDS,
        "denormals flushed to zero": sys.float_info.min / 2 == 0,
    }
    return tuple(name for name, on in is_on.items() if on)


def _of_torch(torch: ModuleType) -> tuple[str, ...]:
    dtype, backends = torch.get_default_dtype(), torch.backends
    is_on = {
        f"default dtype {dtype}": dtype != torch.float32,
        "autocast": any(torch.is_autocast_enabled(kind) for kind in ("cpu", "cuda")),
        "no gradients": not torch.is_grad_enabled(),
        "anomaly detection": torch.is_anomaly_enabled(),
        "deterministic algorithms": torch.are_deterministic_algorithms_enabled() or backends.cudnn.deterministic,
        "oneDNN off": not backends.mkldnn.enabled,
        "cuDNN off": not backends.cudnn.enabled,
    }
    return tuple(name for name, on in is_on.items() if on)
