"""Counts the instructions of small forward passes on a CPU with Callgrind, for all cases in one process."""

from __future__ import annotations

import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

from vitcnn.device import Device
from vitcnn.device.which import cpu_model
from vitcnn.errors import RunFailed, UserError
from vitcnn.measuring.callgrind import MACHINES
from vitcnn.questions.latency import LatencyCase
from vitcnn.spec import Case

OPTION = "--count-instructions"
ARCHITECTURES, LARGEST_PX = ("lenet", "vit_micro"), 32
COUNTABLE = f"the latency of {' or '.join(ARCHITECTURES)} with one image of at most {LARGEST_PX} px, fp32, eager"

CALLS, REPEATS = 10, 3
"""Forwards that are counted together, and how often: the smallest counts, since what disturbs only adds."""

LAST_LINES = 15


def require_valgrind(device: Device) -> None:
    """Raise UserError where instructions cannot be counted."""
    if device.is_cuda:
        do = "Add --device cpu, or leave it out."
        raise UserError(field=OPTION, value=device.name, allowed="a CPU: Callgrind sees no GPU", do=do)
    if platform.machine() not in MACHINES:
        raise UserError(field=OPTION, value=platform.machine(), allowed=" or ".join(MACHINES), do="Leave it out.")
    if shutil.which("valgrind") is None:
        do = "Install it (apt-get install valgrind, dnf install valgrind), or leave the option out."
        raise UserError(field=OPTION, value="without valgrind", allowed="only where valgrind is installed", do=do)


def is_countable(case: Case | None) -> bool:
    """Whether a case is small enough: an eager forward of one small image in fp32 by a small model."""
    return (
        isinstance(case, LatencyCase)
        and case.architecture in ARCHITECTURES
        and (case.batch, case.precision, case.mode) == (1, "fp32", "eager")
        and case.px <= LARGEST_PX
    )


def instructions_of(cases: Sequence[LatencyCase]) -> dict[str, float]:
    """Return the instructions of one forward of each case, by id; RunFailed where valgrind gave none."""
    with tempfile.TemporaryDirectory() as place:
        done = subprocess.run(
            [
                "valgrind",
                "--tool=callgrind",
                "--instr-atstart=no",
                f"--callgrind-out-file={place}/counted",
                sys.executable,
                "-m",
                "vitcnn.measuring.instructions_driver",
                *(f"{case.architecture}:{case.px}" for case in cases),
            ],
            env={**os.environ, "OMP_NUM_THREADS": "1", "PYTHONHASHSEED": "0", "CUDA_VISIBLE_DEVICES": ""},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        counts = counts_in(Path(place))
    if done.returncode or len(counts) != REPEATS * len(cases) or not all(counts):
        last = "\n  ".join((done.stdout + done.stderr).splitlines()[-LAST_LINES:])
        what = f"{OPTION}: valgrind ended with status {done.returncode} and {len(counts)} counts"
        raise RunFailed(f"{what}, not {REPEATS * len(cases)} that count something. Its last lines:\n  {last}")
    of_each = (counts[first : first + REPEATS] for first in range(0, len(counts), REPEATS))
    return {str(case): min(found) / CALLS for case, found in zip(cases, of_each, strict=True)}


def counts_in(folder: Path) -> list[int]:
    """Return what Callgrind's dumps in `folder`, `counted.1` and so on, say in turn."""
    dumps = sorted(folder.glob("counted.*"), key=lambda path: int(path.suffix[1:]))
    totals = (re.search(r"^totals: (\d+)", path.read_text(encoding="utf-8"), re.MULTILINE) for path in dumps)
    return [int(total[1]) if total else 0 for total in totals]


def instructions_counted_with() -> dict[str, str]:
    """Return what else than the code decides how many instructions there are."""
    valgrind = subprocess.run(["valgrind", "--version"], capture_output=True, text=True, check=True).stdout.strip()
    return {"valgrind": valgrind, "torch": version("torch"), "python": platform.python_version(), "cpu": cpu_model()}
