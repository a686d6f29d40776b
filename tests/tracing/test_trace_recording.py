"""Real traces of tiny models: the names in them, what recording leaves behind, and a disk that is full."""

import resource
import signal
from contextlib import contextmanager
from pathlib import Path

import pytest
import torch
from torch import nn
from torch.nn.modules import module as hooks_of_all
from torch.optim import AdamW, optimizer

from vitcnn import AccuracyCase, TiledCase, TrainingCase
from vitcnn.bench import Bench
from vitcnn.bench.subject import Traced
from vitcnn.device import CleanState
from vitcnn.errors import NotWritten
from vitcnn.measuring.runner import measure
from vitcnn.recipes import recipes
from vitcnn.tasks import Tasks
from vitcnn.tracing.hooks import models_of, named_ranges, parts_of
from vitcnn.tracing.recording import MOST_RUNS, num_runs, record_trace, traced_of
from vitcnn.tracing.summary import summary_of_file
from vitcnn.tracing.trace_file import RANGE, read_trace


def tiny():
    return nn.Sequential(nn.Sequential(nn.Linear(8, 8), nn.ReLU(inplace=True)), nn.Linear(8, 2))


def hooks(model):
    """Return all hooks of a model, and those of all modules and optimisers."""
    kinds = ("_forward_hooks", "_forward_pre_hooks", "_backward_hooks", "_backward_pre_hooks")
    own = [hook for one in model.modules() for kind in kinds for hook in getattr(one, kind).values()]
    of_all = [hook for kind in kinds for hook in getattr(hooks_of_all, f"_global{kind}").values()]
    of_optimizers = [*optimizer._global_optimizer_pre_hooks.values(), *optimizer._global_optimizer_post_hooks.values()]
    return [*own, *of_all, *of_optimizers]


def training(model, updating):
    def run():
        loss = model(torch.ones(4, 8)).square().mean()
        loss.backward()
        updating.step()
        updating.zero_grad()

    return run


@pytest.fixture
def trained():
    model = tiny()
    return model, training(model, AdamW(model.parameters()))


def test_phases_and_parts_are_named_and_no_hook_is_left(cpu, tmp_path, trained):
    model, run = trained
    path = record_trace(Traced(run=run, images=4), device=cpu, folder=tmp_path, about={"case": "mine"})
    assert path == tmp_path / "cpu.pt.trace.json"
    assert [file.name for file in tmp_path.iterdir()] == [path.name]
    assert hooks(model) == []
    names = {event.name for event in read_trace(path).of(RANGE)}
    assert {"forward", "backward", "optimiser", "part 0", "part 0.0", "part 0.1", "part 1"} <= names
    found = summary_of_file(path)
    assert found.num_runs + found.num_disturbed == found.about["runs"] == MOST_RUNS
    assert (found.name, found.images) == ("mine", 4)
    assert all(found.phases[phase] > 0 for phase in ("forward", "backward", "optimiser", "idle"))
    assert {"0.0", "1"} <= found.parts_backward.keys()
    assert sum(found.families.values()) == pytest.approx(found.run_s)
    assert sum(found.phases.values()) == pytest.approx(found.run_s)


def test_hooks_are_removed_where_a_run_raises(trained):
    model, _ = trained
    with named_ranges([model]):
        assert hooks(model)
    with named_ranges([model]), pytest.raises(RuntimeError):
        model(torch.ones(4, 7))
    with pytest.raises(RuntimeError):
        models_of(lambda: model(torch.ones(4, 7)))
    assert hooks(model) == []


def test_the_models_of_a_run_are_those_that_no_other_module_calls(trained):
    model, run = trained
    head = nn.Linear(2, 2)
    assert models_of(run) == [model]
    assert models_of(lambda: head(model(torch.ones(4, 8)))) == [model, head]


def test_parts_are_children_those_of_lists_and_of_what_a_wrapper_wraps():
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.stem = nn.Linear(2, 2)
            self.blocks = nn.ModuleList([nn.Linear(2, 2), nn.Linear(2, 2)])

    net = Net()
    assert list(parts_of(net)) == ["stem", "blocks", "blocks.0", "blocks.1"]
    wrapper = nn.Module()
    wrapper.inner = net
    assert list(parts_of(wrapper)) == ["inner", "inner.stem", "inner.blocks", "inner.blocks.0", "inner.blocks.1"]


def test_as_many_runs_are_recorded_as_take_half_a_second():
    assert [num_runs(run_s) for run_s in (0.0, 1e-4, 0.1, 0.2, 0.4, 30.0)] == [10, 10, 5, 2, 1, 1]


STEP = TrainingCase(architecture="lenet", px=28, batch=4)
SEEDS = AccuracyCase(architecture="lenet", task="digits", recipe="digits_cnn,epochs=1", num_seeds=1)


def measured(case, cpu, **more):
    """Return the record of one round, which looks for hooks itself; nothing is left allocated."""

    def stopwatch(run, *, rounds, calls, before_round=None, after_round=None):
        (before_round or str)()
        run()
        assert hooks(nn.Identity()) == []
        (after_round or str)()
        return (0.5,)

    tasks = Tasks(Path("unused"))
    bench = Bench(device=cpu, tasks=tasks, progress=lambda *_: None, agreed=lambda *_: (1, 1))
    clean = CleanState(cpu)
    record = measure(case, bench=bench, stopwatch=stopwatch, floor_bytes=0, **more)
    clean.check()
    return record


def traces_to(folder, cpu, found):
    """Return what records a trace of a subject, and looks before and after it for hooks on the model."""

    def trace(subject):
        model = subject.model or nn.Identity()
        assert subject.times_s
        assert hooks(model) == []
        found.append(record_trace(traced_of(subject), device=cpu, folder=folder, about={}))
        assert hooks(model) == []

    return trace


def test_timed_rounds_carry_no_hooks_and_a_case_is_measured_as_without_its_trace(cpu, tmp_path):
    found = []
    record, without = measured(STEP, cpu, trace=traces_to(tmp_path, cpu, found)), measured(STEP, cpu)
    assert [m.metric for m in record.measurements] == [m.metric for m in without.measurements]
    assert record.samples("operators") == without.samples("operators")
    only_on_one_side = record.settings.keys() ^ without.settings.keys()
    assert only_on_one_side <= {"cpus"}, "on a busy machine rounds can take long enough for that one to be known"
    summary = summary_of_file(found[0])
    assert {"forward", "backward", "optimiser"} <= summary.phases.keys()
    assert (summary.images, summary.timed_s, summary.is_part) == (4, 0.5, False)


def test_of_a_frame_in_tiles_a_part_is_traced_and_the_trace_says_so(cpu, tmp_path):
    found = []
    case = TiledCase(architecture="lenet", width=100, height=70, tile_px=32, batch=5)
    measured(case, cpu, trace=traces_to(tmp_path, cpu, found))
    assert summary_of_file(found[0]).is_part
    assert not summary_of_file(found[0]).images


def test_a_case_that_trains_shows_steps_and_their_augmentation(cpu, tmp_path):
    found = []
    measured(SEEDS, cpu, trace=traces_to(tmp_path, cpu, found))
    summary = summary_of_file(found[0])
    assert all(summary.phases[phase] > 0 for phase in ("augment", "forward", "backward", "optimiser"))
    assert summary.images == recipes()["digits_cnn"].batch
    assert summary.timed_s == 0


@contextmanager
def no_more_than(num_bytes):
    """Let no file grow beyond that, as on a full disk: writing fails, and the C++ of the profiler does not tell."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (num_bytes, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, handler)


def test_a_disk_that_fills_loses_the_trace_and_leaves_nothing_cut_off(cpu, tmp_path, trained):
    model, run = trained
    with no_more_than(20_000), pytest.raises(NotWritten, match="is there space left"):
        record_trace(Traced(run=run, images=4), device=cpu, folder=tmp_path, about={})
    assert list(tmp_path.iterdir()) == []
    assert hooks(model) == []
