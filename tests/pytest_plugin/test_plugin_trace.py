"""`--trace DIR` in sessions of a suite: what it leaves, what it must not change, and what is refused."""

import pytest
from miniature import OPTIONS, SWITCH_ON, set_for_processes
from record_builders import run_of

from vitcnn.processes.fresh import Request, measure_in_fresh_process
from vitcnn.pytest_plugin.tracing import Tracing
from vitcnn.tracing.events import EVENTS
from vitcnn.tracing.summary import summary_of_file
from vitcnn.tracing.trace_file import traces_in

MINI = """
    from vitcnn import LatencyCase

    CASES = [LatencyCase(architecture="lenet", px=28, batch=1)]

    def test_latency(measure, case):
        measure(case)

    def test_own(measure):
        import torch
        ones = torch.ones(8, 8)
        measure.time(lambda: ones @ ones, images=8)

    def test_fails(measure):
        measure.time(lambda: 1 / 0)
"""
OWN = """
    def test_own(measure):
        measure.time(lambda: sum(range(99)))
"""
NOTES_NUMERICS = """
    def test_own(measure):
        import torch

        def run():
            with open("seen.txt", "a") as seen:
                seen.write(f"{torch.backends.cudnn.benchmark} ")

        measure.time(run)
"""
FULL_DISK = f"""
    import errno
    from vitcnn.tracing import events, recording

    def full(path, content):
        raise OSError(errno.ENOSPC, "No space left on device")

    events.write_whole = recording.write_whole = full
    {SWITCH_ON}"""
INTERRUPTED = f"""
    from vitcnn.tracing import recording

    def ctrl_c(*_arguments):
        raise KeyboardInterrupt

    recording._profile = ctrl_c
    {SWITCH_ON}"""
LENET = "latency/lenet/28/b1/fp32/eager"


@pytest.fixture(scope="module")
def traced(new_suite):
    suite = new_suite({"benchmarks/test_mini.py": MINI})
    return suite, suite.run("benchmarks", "--trace", "runs", models=True)


def test_each_case_that_was_measured_has_a_trace_and_events(traced):
    suite, result = traced
    assert result.outcomes == {LENET: "passed", "test_own": "passed", "test_fails": "failed"}
    summaries = {summary.name: summary for summary in map(summary_of_file, traces_in(suite.root / "runs"))}
    assert summaries.keys() == {LENET, "benchmarks/test_mini.py::test_own"}
    assert summaries[LENET].parts
    assert summaries[LENET].timed_s > 0
    assert summaries["benchmarks/test_mini.py::test_own"].images == 8
    assert (suite.root / "runs" / LENET / EVENTS).is_file()
    assert (suite.root / "runs" / EVENTS).is_file()
    assert len(list(suite.root.glob("runs/**/" + EVENTS))) == 3


def test_the_end_says_where_the_traces_are_and_what_opens_them(traced):
    _, result = traced
    assert (
        "2 traces of this run: runs. `tensorboard --logdir runs` shows them; `vitcnn trace runs` explains" in result.out
    )
    assert "lost" not in result.out


def test_the_run_is_about_the_whole_suite_and_its_records_know_nothing_of_traces(traced):
    _, result = traced
    assert result.run.selection.paths == ()
    assert "trace" not in str(result.document["vitcnn"]).lower()


def test_the_commands_at_the_end_quote_the_folder(tmp_path):
    tracing = Tracing(tmp_path / "my runs")
    tracing._num_recorded = 1
    (line,) = tracing.finish(run_of())
    named = f"'{tmp_path}/my runs'"
    assert line.endswith(f". `tensorboard --logdir {named}` shows it; `vitcnn trace {named}` explains it.")


def test_a_function_is_traced_with_the_numerics_that_it_is_timed_with(suite):
    suite.write("benchmarks/test_mini.py", NOTES_NUMERICS)
    result = suite.run("benchmarks", "--trace", "runs", models=True)
    assert result.outcomes == {"test_own": "passed"}
    assert traces_in(suite.root / "runs")
    assert set((suite.root / "seen.txt").read_text(encoding="utf-8").split()) == {"True"}


def test_a_disk_that_fills_costs_the_traces_and_nothing_else(suite):
    suite.write("conftest.py", FULL_DISK)
    suite.write("benchmarks/test_mini.py", MINI.partition("    def test_fails")[0])
    result = suite.run("benchmarks", "--trace", "runs", models=True)
    assert result.exit_code == 0, result.out
    assert result.outcomes == {LENET: "passed", "test_own": "passed"}
    assert result.case(LENET).record.samples("latency_s")
    assert f"The trace of {LENET} is lost (OSError: [Errno 28] No space left on device)." in result.out
    assert "TensorBoard's scalars and images are lost (OSError" in result.out
    assert [path for path in (suite.root / "runs").rglob("*") if path.is_file()] == []


def test_ctrl_c_while_a_trace_is_recorded_costs_the_trace_and_ends_the_run_behind_its_case(suite):
    suite.write("conftest.py", INTERRUPTED)
    suite.write("benchmarks/test_mini.py", MINI)
    result = suite.run("benchmarks", "--trace", "runs", models=True)
    assert result.exit_code == pytest.ExitCode.INTERRUPTED, result.out
    assert result.outcomes == {LENET: "passed", "test_own": "not_run", "test_fails": "not_run"}
    assert result.case(LENET).record.samples("latency_s")
    assert result.journal == [result.case(LENET)]
    assert f"The trace of {LENET} is lost: it was interrupted." in result.out
    assert "interrupted while a trace was recorded" in result.out
    assert list((suite.root / "runs").rglob("*.pt.trace.json")) == []


def test_a_session_that_vitcnn_asked_for_leaves_none(suite, monkeypatch):
    set_for_processes(monkeypatch)
    suite.write("benchmarks/test_own.py", OWN)
    arguments = [*OPTIONS, "benchmarks", "--trace", "runs"]
    measure_in_fresh_process(arguments, out=suite.root / "out", root=suite.root, request=Request())
    assert (suite.root / "out" / "run.json").is_file()
    assert not (suite.root / "runs").exists()


def test_workers_of_xdist_do_not_take_the_folder_for_tests_and_record_none(suite):
    pytest.importorskip("xdist", reason="pytest-xdist is not installed: pip install pytest-xdist")
    suite.write("benchmarks/test_own.py", OWN)
    result = suite.run("benchmarks", "-p", "xdist", "-n1", "--trace", "my runs")
    assert result.exit_code == 0, result.out
    assert result.outcomes == {"test_own": "disabled"}
    assert "--trace recorded nothing: no case that uses torch was measured." in result.out


def test_the_switch_alone_stays_that_of_pytest(suite):
    suite.write("benchmarks/test_own.py", OWN)
    result = suite.run("benchmarks", "--trace", "--collect-only", "-q")
    assert result.exit_code == 0, result.out
    assert "test_own" in result.out


def test_the_help_tells_of_it(suite):
    assert "--trace DIR, behind the path" in " ".join(suite.run("--help", out=False).out.split())
