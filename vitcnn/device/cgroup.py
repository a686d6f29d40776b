"""Reads the limits that control groups set for this process, in containers and job schedulers (Linux, v1 and v2).

Groups nest, and each holds for all below it: of all on the way up from the process's own the smallest limit counts.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path, PurePosixPath

ROOT = Path("/")
"""Below it lie `proc` and `sys`; tests name another folder."""

NO_LIMIT_BYTES = 1 << 62
"""Version 1 writes a number from here on where memory has no limit."""


def cpu_quota() -> float | None:
    """Return the CPUs' time a second that this process may use, such as 1.5, or None where nothing limits it."""
    return min((quota for folder in folders("cpu") if (quota := quota_of(folder)) is not None), default=None)


def memory_left_bytes() -> int | None:
    """Return the bytes that this process's groups may still take, or None where nothing limits them."""
    return min((left for folder in folders("memory") if (left := left_bytes_of(folder)) is not None), default=None)


def folders(controller: str) -> Iterator[Path]:
    """Yield the folders of this process's groups for `controller`, its own first, then those around it.

    A container often sees its own group as the root, and the name of another: folders that are not there are left out.
    """
    mounted = ROOT / "sys/fs/cgroup"
    for line in text(ROOT / "proc/self/cgroup").splitlines():
        _, controllers, own = line.split(":", 2)
        if controllers and controller not in controllers.split(","):
            continue
        steps = PurePosixPath(*(part for part in PurePosixPath(own).parts if part not in ("/", "..")))
        for mount in {mounted / controllers, mounted / controller} if controllers else {mounted}:
            yield from (mount / step for step in (steps, *steps.parents) if (mount / step).is_dir())


def quota_of(folder: Path) -> float | None:
    """Return the CPUs that one group may use: `cpu.max` of version 2, `cpu.cfs_*_us` of version 1."""
    second = text(folder / "cpu.max").split()
    quota, period = second or [text(folder / f"cpu.cfs_{name}_us").strip() for name in ("quota", "period")]
    return int(quota) / int(period) if quota.isdigit() and period.isdigit() and int(period) else None


def left_bytes_of(folder: Path) -> int | None:
    """Return the memory that one group may still take; files that it could drop from its cache count as free."""
    second, first = ("memory.max", "memory.current"), ("memory.limit_in_bytes", "memory.usage_in_bytes")
    limit, used = (text(folder / name).strip() for name in (second if (folder / second[0]).exists() else first))
    if not limit.isdigit() or not used.isdigit() or int(limit) >= NO_LIMIT_BYTES:
        return None
    counts = dict(line.split() for line in text(folder / "memory.stat").splitlines() if len(line.split()) == 2)
    droppable = int(counts.get("total_inactive_file", counts.get("inactive_file", "0")))
    return max(0, int(limit) - max(0, int(used) - droppable))


def text(path: Path) -> str:
    """Return what a file says; nothing where it is not there or may not be read."""
    try:
        return path.read_text(encoding="utf-8")
    except OSError:
        return ""
