"""Records a trace: a few warm runs under torch's profiler, in a pass of their own, written whole or not at all."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

from torch import nn
from torch.profiler import ProfilerActivity, profile, record_function, schedule

from vitcnn.bench.subject import NamesPhase, Subject, Traced
from vitcnn.device import Device
from vitcnn.device.profiling import quieten
from vitcnn.errors import NotWritten
from vitcnn.folders import write_whole
from vitcnn.tracing.hooks import models_of, named_ranges
from vitcnn.tracing.names import ABOUT, BACKWARD, ENGINE, STEP, SUFFIX

LEAST_RUNS, MOST_RUNS = 1, 10
WINDOW_S = 0.5
"""As many runs are recorded as take about that long: a trace of many runs says no more, and is slow to open."""

named_phase: NamesPhase = record_function
"""Names a phase that no hook can see, such as augmentation."""


def num_runs(run_s: float) -> int:
    """Return how many runs to record, by the seconds of one."""
    return max(LEAST_RUNS, min(MOST_RUNS, int(WINDOW_S / run_s) if run_s > 0 else MOST_RUNS))


def traced_of(subject: Subject) -> Traced:
    """Return what the traced pass runs of a subject: its run, or what stands for a run that takes too long."""
    if subject.traced:
        return subject.traced(named_phase)
    if subject.counted:
        return Traced(run=subject.counted(), is_part=True)
    return Traced(run=subject.run, images=subject.images_per_run, timed_s=median(subject.times_s))


def record_trace(
    traced: Traced, *, device: Device, folder: Path, about: Mapping[str, Any], is_hooked: bool = True
) -> Path:
    """Record a few runs behind one that warms the profiler up, and return the trace's path in `folder`.

    `about` says of which case it is. Without `is_hooked` there are no ranges of the model and its parts: torch.compile
    would compile it anew for the hooks. NotWritten or OSError where the trace could not be written.
    """
    run = traced.run
    models: Sequence[nn.Module] = models_of(run) if is_hooked else []
    start = device.timer()
    run()
    runs = num_runs(device.timer() - start)
    path = folder / f"{device.name.replace(':', '')}{SUFFIX}"
    of_run = {"images_per_run": traced.images, "timed_s": traced.timed_s, "is_part_of_run": traced.is_part}
    told = {**about, "device": device.name, "runs": runs, **of_run}
    folder.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=folder, prefix=".") as unfinished:  # the profiler leaves what it could not finish
        recorded = Path(unfinished) / "recorded.json"
        with named_ranges(models) if is_hooked else nullcontext():
            _profile(run, device, runs, recorded)
        write_whole(path, finished(recorded, told))
    return path


def _profile(run: Callable[[], object], device: Device, runs: int, path: Path) -> None:
    quieten()
    activities = [ProfilerActivity.CPU, *([ProfilerActivity.CUDA] if device.is_cuda else [])]
    with profile(
        activities=activities,
        schedule=schedule(wait=0, warmup=1, active=runs, repeat=1),
        on_trace_ready=lambda profiler: profiler.export_chrome_trace(str(path)),
        record_shapes=True,
        acc_events=True,
    ) as profiler:
        for _ in range(1 + runs):
            run()
            device.timer()  # waits for the device
            profiler.step()


def finished(path: Path, about: Mapping[str, Any]) -> str:
    """Return a trace as it was recorded, with ranges around the backward passes, and what it is about.

    NotWritten where it was cut off, as by a full disk, of which the profiler does not tell.
    """
    try:
        document = json.loads(path.read_bytes())
        events = document["traceEvents"]
    except (OSError, ValueError, KeyError) as error:
        raise NotWritten("the profiler could not write it to its end: is there space left?") from error
    document[ABOUT] = dict(about)
    document["traceEvents"] = [*events, *backward_ranges(events)]
    return json.dumps(document, separators=(",", ":"))


def backward_ranges(events: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return a range for the backward pass of each run and thread: from autograd's first function to its last.

    No hook sees where it begins and ends, on the thread on which it runs.
    """
    whole = [event for event in events if event.get("ph") == "X"]
    steps = [event for event in whole if event["name"].startswith(STEP) and event["cat"] == "user_annotation"]
    functions = [event for event in whole if event["name"].startswith(ENGINE)]
    found: list[dict[str, Any]] = []
    for step in steps:
        inside = [event for event in functions if step["ts"] <= event["ts"] < step["ts"] + step["dur"]]
        for place in dict.fromkeys((event["pid"], event["tid"]) for event in inside):
            own = [event for event in inside if (event["pid"], event["tid"]) == place]
            start, end = min(event["ts"] for event in own), max(event["ts"] + event["dur"] for event in own)
            where = {"pid": place[0], "tid": place[1], "ts": start, "dur": end - start}
            found.append({"ph": "X", "cat": "user_annotation", "name": BACKWARD, **where, "args": {}})
    return found
