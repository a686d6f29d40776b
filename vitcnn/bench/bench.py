"""Names what cases are measured with: the device, the tasks, the block of seeds and the progress bar."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from vitcnn.device import Device
from vitcnn.spec import Progress
from vitcnn.tasks import Tasks


def as_planned(rounds: int, calls: int) -> tuple[int, int]:
    """Return what was planned."""
    return rounds, calls


@dataclass(frozen=True, kw_only=True)
class Bench:
    """On which device cases are measured, on which tasks, which block of seeds trains, and who is told of long work.

    Of a case with three seeds block 0 is the seeds 0, 1, 2 and block 1 is 3, 4, 5. `agreed` makes of a plan, (rounds,
    calls a round), the one that is done: two revisions do the same. With `energy` that of a run is measured as well.
    """

    device: Device
    tasks: Tasks
    progress: Progress
    seed_block: int = 0
    agreed: Callable[[int, int], tuple[int, int]] = as_planned
    energy: bool = False
