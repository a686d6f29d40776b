"""Recording with runs that are made up; tests/commands runs a real suite."""

import os
import re
import signal
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from record_builders import ENVIRONMENT, LATENCY, ended, passed, run_on
from repositories import Repository
from store_builders import write

from vitcnn.errors import RunFailed, UserError
from vitcnn.gate import baseline
from vitcnn.gate.baseline import baseline_of, machine_folder, recordings
from vitcnn.processes import recording
from vitcnn.processes.fresh import Request
from vitcnn.processes.recording import default_name, record, with_uncommitted

COMMIT = "1a2b3c4d5e6f"
KEY = ENVIRONMENT.device_key


@pytest.fixture
def made_up(monkeypatch, tmp_path):
    """Return what records `runs`, one for each fresh process; `asked` is how each process was started."""

    def made(*runs, **more):
        waiting = iter(runs)

        def measure(arguments, **how):
            made.asked.append({"arguments": arguments, **how})
            return write(how["out"] / "run.json", next(waiting))

        monkeypatch.setattr(recording, "measure_in_fresh_process", measure)
        how = {"suite": tmp_path / "suite", "root": tmp_path, "baselines": tmp_path / "baselines", "runs": len(runs)}
        return record(**how, **more)

    made.asked = []
    return made


def good(day=1, **environment):
    return run_on(day, passed("a", day), ended("b", "skipped", "no data"), **{"git_commit": COMMIT, **environment})


def test_every_run_is_stored_below_the_key_of_its_device(made_up, tmp_path):
    found = made_up(good(1), good(2), name="v1", arguments=["-k", "a"])
    folder = tmp_path / "baselines" / KEY
    assert [stored.path for stored in found.runs] == [
        folder / machine_folder() / f"000{number}_v1-{number}of2.json" for number in (1, 2)
    ]
    assert recordings(folder) == (found,)
    assert [how["arguments"][-3:] for how in made_up.asked] == [[str(tmp_path / "suite"), "-k", "a"]] * 2
    assert [how["root"] for how in made_up.asked] == [tmp_path] * 2
    assert [how["request"] for how in made_up.asked] == [Request(seed_block=0), Request(seed_block=1)], "other seeds"
    outs = [how["out"].relative_to(tmp_path / ".vitcnn" / "record") for how in made_up.asked]
    assert [re.sub(r"^\d{8}T\d{6}Z-\d+", "STAMP", str(out)) for out in outs] == ["STAMP/run-1", "STAMP/run-2"]


@pytest.mark.parametrize(
    "commit, dirty, name",
    [
        (COMMIT, False, "20261121T080059Z-1a2b3c4"),
        (COMMIT, True, "20261121T080059Z-1a2b3c4-dirty"),
        ("", None, "20261121T080059Z"),
    ],
)
def test_the_default_name_is_the_time_and_the_revision(commit, dirty, name):
    environment = good(git_commit=commit, git_dirty=dirty).environment
    assert default_name(datetime(2026, 11, 21, 8, 0, 59, tzinfo=UTC), environment) == name


def test_without_a_name_a_recording_has_the_default_one(made_up):
    assert re.fullmatch(r"\d{8}T\d{6}Z-1a2b3c4", made_up(good()).name)


def test_names_and_folders_say_the_time_of_day_in_utc(made_up, monkeypatch):
    monkeypatch.setenv("TZ", "XXX-10")
    time.tzset()
    try:
        name = made_up(good()).name
    finally:
        monkeypatch.undo()
        time.tzset()
    stamps = name.partition("-")[0], made_up.asked[0]["out"].parent.name.partition("-")[0]
    for stamp in stamps:
        began = datetime.strptime(stamp, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
        assert abs(datetime.now(UTC) - began) < timedelta(hours=1)


def test_the_progress_is_that_of_the_runs(made_up, monkeypatch):
    seen = []
    monkeypatch.setattr(recording, "Steps", lambda: lambda *what: seen.append(what))
    made_up(good(1), good(2))
    assert seen == [(0, 2, "run 1 of 2"), (1, 2, "run 2 of 2"), (2, 2, "")]


BAD = ["failed", "out_of_memory", "diverged", "leaked", "interrupted", "not_run", "not_measured", "disabled"]


@pytest.mark.parametrize("outcome", BAD)
def test_a_run_that_is_not_good_ends_the_recording_and_nothing_is_stored(made_up, tmp_path, outcome):
    bad = run_on(2, passed("a"), ended("b", outcome, "its reason"), git_commit=COMMIT)
    with pytest.raises(RunFailed) as caught:
        made_up(good(), bad, good(), name="v1")
    first, case, its_json, output = str(caught.value).splitlines()
    assert first == "run 2 cannot be used, nothing is stored: 1 of 2 cases did not pass:"
    assert case == f"  b: {outcome.replace('_', ' ')}: its reason"
    out = made_up.asked[-1]["out"]
    assert (its_json, output) == (f"Its JSON: {out / 'run.json'}", f"All of its output: {out / 'terminal.txt'}")
    assert len(made_up.asked) == 2, "the third run is not measured in vain"
    assert not (tmp_path / "baselines").exists()


def test_a_run_in_which_nothing_passed_is_no_baseline(made_up):
    with pytest.raises(RunFailed, match=r"no case passed:\n  a: skipped: no data\n"):
        made_up(run_on(1, ended("a", "skipped", "no data"), ended("b", "deselected")))


@pytest.mark.parametrize(
    "other, what",
    [
        (good(device_key="nvidia-h200"), f"another device, nvidia-h200, not {KEY}"),
        (good(git_commit=""), "another revision, no commit, not 1a2b3c4"),
    ],
)
def test_runs_of_different_devices_or_revisions_are_no_recording(made_up, tmp_path, other, what):
    with pytest.raises(RunFailed, match=f"run 2 differs from run 1, nothing is stored: {what}"):
        made_up(good(), other)
    assert not (tmp_path / "baselines").exists()


@pytest.mark.parametrize(
    "name, says",
    [
        ("data_sha256", "other settings in 1 case. Runs can only be compared .*:\n  a: data_sha256 first -> second"),
        ("untrained_sha256", "\n  a: the runs of the baseline trained different models: untrained_sha256 differs"),
    ],
)
def test_a_case_that_is_another_one_in_each_run_is_no_baseline(made_up, tmp_path, name, says):
    def run_with(value):
        case = passed("a")
        return run_on(1, replace(case, record=replace(case.record, settings={**case.record.settings, name: value})))

    with pytest.raises(RunFailed, match=f"(?s)run 2 differs from run 1, nothing is stored: .*{says}"):
        made_up(run_with("first"), run_with("second"))
    assert not (tmp_path / "baselines").exists()


def test_a_name_that_is_taken_is_refused_after_one_run_and_one_that_cannot_be_before(made_up, tmp_path):
    write(tmp_path / "baselines" / KEY / "0001_v1.json", good())
    with pytest.raises(UserError, match="--name: 'a/b'"):
        made_up(good(), good(), name="a/b")
    assert len(made_up.asked) == 0
    with pytest.raises(UserError, match="--name: 'v1' cannot be used"):
        made_up(good(), good(), name="v1")
    assert len(made_up.asked) == 1


def test_no_runs_and_a_folder_that_cannot_be_written_are_refused_at_once(made_up, tmp_path):
    with pytest.raises(UserError, match=r"--runs: 0 .* 1 or more\. 5 runs show how much processes differ\.$"):
        made_up()
    (tmp_path / "baselines").touch()
    with pytest.raises(UserError, match=r"--baselines: .* Name another folder with --baselines\.$"):
        made_up(good())
    assert made_up.asked == []


def test_a_throttled_gpu_records_no_baseline(made_up, tmp_path):
    hot = passed("a", 2)
    spoiled = replace(hot.record, settings={**hot.record.settings, "clocks": ["gpu_idle", "hw_thermal_slowdown"]})
    what = (
        "nothing is stored: the GPU was throttled in 1 cases. Cool the GPU, or limit its power, and record again:\n"
        "  a: hw_thermal_slowdown"
    )
    with pytest.raises(RunFailed, match=f"^{re.escape(what)}$"):
        made_up(good(1), run_on(2, replace(hot, record=spoiled), git_commit=COMMIT))
    assert not (tmp_path / "baselines").exists()


def test_a_case_that_is_gone_is_named_and_nothing_is_stored_but_where_that_is_allowed(made_up, tmp_path):
    made_up(good(1), name="v1")
    without = run_on(2, ended("b", "skipped", "no data"), passed("c"), git_commit=COMMIT)
    with pytest.raises(RunFailed, match=r"1 cases of the baseline are no longer .*add --allow-removed:\n  a$"):
        made_up(without, without, name="v2")
    assert len(made_up.asked) == 2, "the second run is not measured in vain"
    assert made_up(without, name="v2", allow_removed=True).name == "v2"
    assert baseline_of(recordings(tmp_path / "baselines" / KEY)).removed == ("a",)


def test_a_case_that_something_leaves_out_of_the_whole_suite_is_gone(made_up):
    made_up(good(1), name="v1")
    with pytest.raises(RunFailed, match=r"no longer in the suite.*:\n  a$"):
        made_up(run_on(2, ended("a", "deselected"), passed("c"), git_commit=COMMIT), name="v2")


def test_what_is_about_to_happen_is_told_before_the_first_run(made_up, tmp_path, monkeypatch):
    told = []
    monkeypatch.setattr(recording, "plan_of_runs", lambda command, root, runs: (command[-1], root, runs))
    made_up(good(1), good(2), arguments=["-q"], tell=lambda plan: told.append((plan, len(made_up.asked))))
    assert told == [(("-q", tmp_path, 2), 0)]


def test_a_part_of_the_suite_drops_no_case(made_up):
    made_up(good(1), name="v1")
    assert made_up(good(2), name="whole").name == "whole"
    assert made_up(run_on(2, passed("c"), selection=LATENCY, git_commit=COMMIT), name="v2").name == "v2"


def test_a_revision_that_changes_between_two_runs_is_no_recording(made_up, tmp_path, monkeypatch):
    trees = {tmp_path: iter(["before", "before", "after"])}
    monkeypatch.setattr(recording, "state", lambda root: next(trees[root]))
    with pytest.raises(RunFailed, match="run 2 differs from run 1, nothing is stored: the revision changed"):
        made_up(good(1), good(2))


def test_clean_and_changed_runs_are_no_recording(made_up):
    changed = {"git_dirty": True, "git_changes": "b2"}
    with pytest.raises(RunFailed, match="another revision, 1a2b3c4 with uncommitted changes b2, not 1a2b3c4"):
        made_up(good(1, git_dirty=False), good(2, **changed))
    with pytest.raises(RunFailed, match="changes b2, not 1a2b3c4 with uncommitted changes a1"):
        made_up(good(1, git_dirty=True, git_changes="a1"), good(2, **changed))


def test_sigterm_while_runs_are_stored_leaves_none(made_up, tmp_path, monkeypatch):
    write_whole = baseline.write_whole

    def terminated(path, content):
        if path.name.startswith("0002"):
            os.kill(os.getpid(), signal.SIGTERM)
        write_whole(path, content)

    monkeypatch.setattr(baseline, "write_whole", terminated)
    with pytest.raises(KeyboardInterrupt):
        made_up(good(1), good(2), good(3))
    assert [path for path in (tmp_path / "baselines").rglob("*") if path.is_file()] == []


def test_what_judges_says_how_much_of_it_no_commit_holds(tmp_path):
    repository = Repository(tmp_path)
    repository.write("store/0001_first.json", "{}")
    repository.write(".gitignore", "*.npz\n")
    repository.commit()
    assert with_uncommitted("the baseline of x", tmp_path / "store") == "the baseline of x"
    repository.write("store/0002_second.json", "{}")
    repository.write("store/answers.npz", "")
    repository.write("store/0001_first.json", "{ }")
    said = "the baseline of x, 3 files of it not committed"
    assert with_uncommitted("the baseline of x", tmp_path / "store") == said
    assert with_uncommitted("", tmp_path / "store") == ""


def test_without_a_repository_nothing_is_said_of_commits(tmp_path, monkeypatch):
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    assert with_uncommitted("the baseline of x", tmp_path) == "the baseline of x"
