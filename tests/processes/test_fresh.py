import os
import signal
import subprocess
import sys
import time

import pytest
from miniature import OPTIONS, Suite, set_for_processes

from vitcnn.errors import RunFailed, UserError
from vitcnn.processes.fresh import Request, measure_in_fresh_process
from vitcnn.record import load_run

ANT = """
    import os
    from pathlib import Path


    def test_ant(measure):
        Path("seen").write_text(f"{os.environ.get('MINE')} {os.getpgrp()}")
        measure.time(lambda: sum(range(1000)))
"""
ANT_ID = "suite/test_own.py::test_ant"
SLEEPS = """
    import time
    from pathlib import Path


    def test_ant(measure):
        measure.time(lambda: sum(range(1000)))


    def test_bee(measure):
        Path("asleep").touch()
        time.sleep(60)
"""
DEAF = """
    import os
    import signal
    import time
    from pathlib import Path


    def test_ant(measure):
        signal.signal(signal.SIGTERM, lambda *_: Path("heard").touch())
        Path("pid").write_text(str(os.getpid()))
        Path("pid").rename("asleep")
        time.sleep(60)
"""
CALLER = f"""
import sys
from pathlib import Path

from vitcnn.processes.fresh import measure_in_fresh_process

try:
    measure_in_fresh_process({("suite", *OPTIONS)!r}, out=Path("out"), root=Path.cwd())
except KeyboardInterrupt:
    sys.exit(130)
"""


@pytest.fixture
def suite(tmp_path, monkeypatch):
    set_for_processes(monkeypatch)
    return Suite(tmp_path)


def measure(suite, **more):
    return measure_in_fresh_process(["suite", *OPTIONS], out=suite.root / "out", root=suite.root, **more)


def start_caller(suite):
    command = [sys.executable, "-c", CALLER]
    return subprocess.Popen(command, cwd=suite.root, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def test_a_run_is_left_in_its_folder_with_all_that_was_printed(suite):
    suite.write("suite/test_own.py", ANT)
    path = measure(suite)
    assert path == suite.root / "out" / "run.json"
    assert [case.outcome for case in load_run(path).cases] == ["passed"]
    assert "1 passed" in (suite.root / "out" / "terminal.txt").read_text()
    mine, group = (suite.root / "seen").read_text().split()
    assert mine == "None"
    assert int(group) != os.getpgrp(), "the terminal's Ctrl-C would reach the run twice"


def test_ids_and_variables_reach_the_run(suite):
    suite.write("suite/test_own.py", f"{ANT}\n\n    def test_bee(measure): raise ValueError\n")
    path = measure(suite, environment={"MINE": "here"}, request=Request(cases=frozenset({"a", ANT_ID})))
    outcomes = {case.id: case.outcome for case in load_run(path).cases}
    assert outcomes == {ANT_ID: "passed", "suite/test_own.py::test_bee": "deselected"}
    assert (suite.root / "seen").read_text().split()[0] == "here"


@pytest.mark.parametrize("cases", [None, frozenset(), frozenset({"latency/lenet", "ü"})])
def test_a_request_survives_json(cases):
    request = Request(cases=cases, seed_block=4)
    assert Request.from_json(request.to_json()) == request


def test_a_run_with_a_failed_case_is_a_run(suite):
    suite.write("suite/test_own.py", "def test_ant(measure): raise ValueError")
    assert [case.outcome for case in load_run(measure(suite)).cases] == ["failed"]


def test_a_run_that_left_no_json_is_an_error_with_its_last_lines(suite):
    suite.write("suite/test_own.py", "import nothing_of_that_name")
    handler = signal.getsignal(signal.SIGTERM)
    with pytest.raises(RunFailed) as caught:
        measure(suite)
    assert signal.getsignal(signal.SIGTERM) is handler, "as it was found"
    first, *lines, last = str(caught.value).splitlines()
    assert first == "pytest ended with status 2 and left no run.json. Its last lines:"
    assert any("No module named 'nothing_of_that_name'" in line for line in lines)
    assert last == f"All of its output: {suite.root / 'out' / 'terminal.txt'}"


def test_a_run_that_was_killed_is_named_by_the_signal(suite):
    suite.write("suite/test_own.py", "import os\n\nos.kill(os.getpid(), 9)")
    with pytest.raises(RunFailed, match=r"pytest was ended by SIGKILL and left no run\.json"):
        measure(suite)


def test_another_runs_json_is_not_taken_for_this_ones(suite):
    suite.write("out/run.json", "{}")
    with pytest.raises(UserError, match="Allowed: a folder that holds no run yet"):
        measure(suite)


def test_an_interrupted_caller_lets_the_run_save_and_waits_for_it(suite):
    """By SIGTERM, which becomes what Ctrl-C is."""
    suite.write("suite/test_own.py", SLEEPS)
    process = start_caller(suite)
    suite.wait_for("asleep", process)
    process.send_signal(signal.SIGTERM)
    assert suite.finish(process, suite.root / "out").exit_code == 130
    outcomes = {case.id: case.outcome for case in load_run(suite.root / "out" / "run.json").cases}
    assert list(outcomes.values()) == ["passed", "interrupted"]


def test_a_second_interrupt_kills_a_run_that_does_not_end(suite):
    suite.write("suite/test_own.py", DEAF)
    process = start_caller(suite)
    suite.wait_for("asleep", process)
    process.send_signal(signal.SIGINT)
    suite.wait_for("heard", process)
    process.send_signal(signal.SIGINT)
    assert suite.finish(process, suite.root / "out").exit_code == 130
    with pytest.raises(ProcessLookupError):
        os.kill(int((suite.root / "asleep").read_text()), 0)


@pytest.mark.skipif(sys.platform != "linux", reason="Linux alone tells a process that its parent was killed")
def test_a_run_whose_caller_was_killed_saves_what_it_has_and_ends(suite):
    suite.write("suite/test_own.py", SLEEPS)
    process = start_caller(suite)
    suite.wait_for("asleep", process)
    process.kill()
    process.wait()
    end = time.monotonic() + 30
    while not (suite.root / "out" / "run.json").exists() and time.monotonic() < end:
        time.sleep(0.05)
    outcomes = [case.outcome for case in load_run(suite.root / "out" / "run.json").cases]
    assert outcomes == ["passed", "interrupted"]
