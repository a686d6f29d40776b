"""Takes from runs how long cases last: `python tools/reference_durations.py RUN.json ... [--note "beside other work"]`.

Writes `vitcnn/durations/reference.json`: the device's kind of the runs anew, the others as they are. Of several runs it
takes the shortest of each case's times, since what else a machine does only ever lengthens them. `vitcnn doctor` and
pytest say how long a suite lasts by it, where the machine has no runs of its own.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from vitcnn.durations.known import REFERENCE, durations_of
from vitcnn.folders import write_whole
from vitcnn.record import Run, load_run


def taken(runs: Sequence[Run], note: str) -> dict[str, Any]:
    """Return the entry of the runs' kind of device; they are of one device."""
    (environment,) = {(run.environment.cpu, run.environment.num_threads, run.environment.gpu) for run in runs}
    seconds = [durations_of(run) for run in runs]
    shortest = {case: min(one[case] for one in seconds if case in one) for case in sorted(set().union(*seconds))}
    return {
        **dict(zip(("cpu", "num_threads", "gpu"), environment, strict=True)),
        "note": note,
        "revisions": sorted({run.environment.revision for run in runs}),
        "started": [run.started for run in runs],
        "seconds": {case: round(value, 2) for case, value in shortest.items()},
    }


def main(arguments: Sequence[str] | None = None) -> None:
    """Write the reference anew for the runs' kind of device."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("runs", nargs="+", type=load_run, metavar="RUN.json")
    parser.add_argument("--note", default="", help="under what conditions they were measured")
    options = parser.parse_args(arguments)
    runs: list[Run] = options.runs
    known = json.loads(REFERENCE.read_text(encoding="utf-8")) if Path(REFERENCE).exists() else {}
    document = {**known, runs[0].environment.device: taken(runs, options.note)}
    write_whole(REFERENCE, f"{json.dumps(document, indent=1)}\n")


if __name__ == "__main__":
    main()
