import json
import shutil
from contextlib import nullcontext
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pytest_benchmark.utils import get_machine_id
from record_builders import LATENCY, WHOLE, accuracy, ended, passed, run_on
from store_builders import recording, write

from vitcnn.errors import BaselineError, RecordError, UserError
from vitcnn.gate.baseline import baseline_of, files_without_use, machine_folder, recordings, removable, store
from vitcnn.record import SCHEMA, load_run
from vitcnn.record.answers import answers, with_answers_in_file


def test_files_of_one_name_are_one_recording_and_the_oldest_comes_first(tmp_path):
    new_b = write(tmp_path / "Linux-CPython-3.12-64bit" / "0001_new.json", run_on(9, passed("b")))
    new_a = write(tmp_path / "Linux-CPython-3.11-64bit" / "0003_new.json", run_on(8, passed("a")))
    old = write(tmp_path / "0002_old_one.json", run_on(7, passed("a")))
    by_hand = write(tmp_path / "by hand.json", run_on(6, passed("a")))
    found = recordings(tmp_path)
    assert [(r.name, [stored.path for stored in r.runs]) for r in found] == [
        ("by hand", [by_hand]),
        ("old_one", [old]),
        ("new", [new_a, new_b]),
    ]
    assert [r.started[:10] for r in found] == ["2026-01-06", "2026-01-07", "2026-01-08"]
    assert found[-1].runs[0].run == run_on(8, passed("a"))


def test_runs_that_began_in_one_second_are_in_the_order_of_their_files(tmp_path):
    paths = [write(tmp_path / f"000{number}_x.json", run_on(1, passed("a", number))) for number in (3, 1, 2)]
    (found,) = recordings(tmp_path)
    assert [stored.path for stored in found.runs] == sorted(paths)


def test_a_recording_is_whole_where_none_of_its_runs_was_narrowed():
    assert recording("x", run_on(1), run_on(1)).whole
    assert not recording("x", run_on(1), run_on(1, selection=LATENCY)).whole


def test_where_nothing_is_stored_there_is_no_recording(tmp_path):
    assert recordings(tmp_path / "missing") == ()
    (tmp_path / ".hidden").mkdir()
    for name in ("README.md", ".0001_x.json.7.partial", ".hidden/notes.txt"):
        (tmp_path / name).write_text("not JSON")
    assert recordings(tmp_path) == ()


def to_nothing(path):
    path.with_name("0002_y.json").symlink_to(path.parent / "missing.json")


def to_a_folder(path):
    (path.parent.parent / "elsewhere").mkdir()
    path.with_name("linked").symlink_to(path.parent.parent / "elsewhere")


def in_a_hidden_folder(path):
    path.with_name(".hidden").mkdir()
    path.rename(path.with_name(".hidden") / path.name)


@pytest.mark.parametrize(
    "hide, what",
    [
        (to_nothing, "a link to nothing"),
        (to_a_folder, "a link to a folder"),
        (in_a_hidden_folder, "hidden"),
        (lambda path: path.rename(path.with_name(".0001_x.json")), "hidden"),
        (lambda path: path.rename(path.with_suffix(".JSON")), "its suffix is .JSON"),
        (lambda path: path.with_name("0002_y.json").mkdir(), "not a file"),
    ],
)
def test_no_stored_run_is_passed_over(tmp_path, hide, what):
    hide(write(tmp_path / "store" / "0001_x.json", run_on(1, passed("a"))))
    do = "Put a visible file with the suffix .json there, or delete it"
    with pytest.raises(BaselineError, match=f": {what}, so it would be ignored. {do}.$"):
        recordings(tmp_path / "store")


def test_a_link_to_a_file_is_read(tmp_path):
    there = write(tmp_path / "elsewhere.json", run_on(1, passed("a")))
    (tmp_path / "store").mkdir()
    (tmp_path / "store" / "0001_x.json").symlink_to(there)
    assert [entry.name for entry in recordings(tmp_path / "store")] == ["x"]


@pytest.mark.parametrize(
    "started, what",
    [
        ("", "is not a date"),
        ("yesterday", "is not a date"),
        ("2026-01-01T08:00:00", "no time zone"),
        ("9026-01-01", "zone"),
    ],
)
def test_a_run_that_does_not_say_when_it_began_is_refused(tmp_path, started, what):
    path = write(tmp_path / "0001_x.json", replace(run_on(1, passed("a")), started=started))
    with pytest.raises(BaselineError, match=f"^{path}: started: '{started}' .*{what}"):
        recordings(tmp_path)


def test_a_run_of_the_future_is_refused_and_not_the_newest(tmp_path):
    write(tmp_path / "0001_x.json", replace(run_on(1, passed("a")), started="9026-01-01T08:00:00+00:00"))
    with pytest.raises(BaselineError, match="lies in the future"):
        recordings(tmp_path)


@pytest.mark.parametrize("hours, is_read", [(0, True), (23, True), (25, False)])
def test_a_clock_may_be_wrong_by_a_day(tmp_path, hours, is_read):
    started = (datetime.now(UTC) + timedelta(hours=hours)).isoformat()
    write(tmp_path / "0001_x.json", replace(run_on(1, passed("a")), started=started))
    with nullcontext() if is_read else pytest.raises(BaselineError, match="lies in the future"):
        assert len(recordings(tmp_path)) == 1


@pytest.mark.parametrize(
    "first, second, what",
    [
        ("a" * 40, "b" * 40, r"0001_x\.json is of aaaaaaa, .*0002_x\.json of bbbbbbb\."),
        ("a" * 40, "", r"0001_x\.json is of aaaaaaa, .*0002_x\.json of no commit\."),
        ("", "b" * 40, r"0001_x\.json is of no commit, .*0002_x\.json of bbbbbbb\."),
    ],
)
def test_a_recording_of_two_commits_is_refused(tmp_path, first, second, what):
    for day, commit in ((1, first), (2, second)):
        write(tmp_path / f"000{day}_x.json", run_on(day, passed("a"), git_commit=commit))
    with pytest.raises(BaselineError, match=what):
        recordings(tmp_path)


@pytest.mark.parametrize("left", [("1of2",), ("1of2", "1of2"), ("1of2", "2of3"), ("1of2", "")])
def test_a_recording_of_which_a_part_is_gone_is_refused(tmp_path, left):
    paths = [
        write(tmp_path / f"000{day}_x{part and '-'}{part}.json", run_on(day, passed("a")))
        for day, part in enumerate(left, 1)
    ]
    there = ", ".join(map(str, paths))
    do = "Restore the others from git, or delete these and record again."
    with pytest.raises(
        BaselineError, match=f"^the recording x has [23] runs, but only these are there: {there}. {do}$"
    ):
        recordings(tmp_path)


def test_a_case_that_stands_twice_in_a_file_is_refused(tmp_path):
    write(tmp_path / "0001_x.json", run_on(1, passed("a"), passed("a", 2.0)))
    with pytest.raises(BaselineError, match="cases: 'a' stands twice"):
        recordings(tmp_path)


GOOD = json.dumps({"vitcnn": run_on(1, passed("a")).to_json()})


@pytest.mark.parametrize(
    "text, what",
    [
        (GOOD[: len(GOOD) // 2], "cannot be read as JSON"),
        ("", "cannot be read as JSON"),
        ('{"benchmarks": []}', "has no top-level 'vitcnn' section"),
        ("[]", "has no top-level 'vitcnn' section"),
        (GOOD.replace(f'"schema": {SCHEMA}', '"schema": 1'), "schema: 1 is older than"),
        (GOOD.replace(f'"schema": {SCHEMA}', '"schema": 99'), "schema: 99 is newer than"),
        (GOOD.replace("[1.0]", "[NaN]"), "samples"),
    ],
)
def test_a_file_that_is_no_run_is_an_error_that_names_it_and_the_way_out(tmp_path, text, what):
    write(tmp_path / "0001_x.json", run_on(1, passed("a")))
    path = tmp_path / "deep" / "below" / "0002_y.json"
    path.parent.mkdir(parents=True)
    path.write_text(text)
    with pytest.raises(BaselineError) as caught:
        recordings(tmp_path)
    assert str(caught.value).startswith(f"{path}: ")
    assert what in str(caught.value)
    assert f"Restore it from git (`git checkout -- {path}`) or delete it." in str(caught.value)


def sources(baseline):
    return {case_id: (case.recording, case.num_runs) for case_id, case in baseline.cases.items()}


def test_a_case_is_judged_by_every_run_of_the_newest_recording_in_which_it_passed():
    old = recording("old", run_on(1, passed("a", 1.0), passed("b", 2.0)), run_on(1, passed("a", 3.0), passed("b", 4.0)))
    new = recording(
        "new", run_on(2, passed("a", 5.0), ended("b", "skipped")), run_on(2, passed("a", 6.0), passed("b", 7.0))
    )
    baseline = baseline_of([old, new])
    assert sources(baseline) == {"a": ("new", 2), "b": ("new", 1)}
    assert [record.samples("latency_s") for record in baseline.cases["a"].records] == [(5.0,), (6.0,)]
    assert baseline.oldest.keys() == {"a", "b"}
    assert [record.samples("latency_s") for record in baseline.oldest["a"].records] == [(1.0,), (3.0,)]
    assert baseline.not_measured == {}


def test_a_case_lies_where_its_baseline_found_it():
    def placed(place):
        return replace(passed("a"), place=place)

    old = recording("old", run_on(1, placed("benchmarks/test_old.py::test_a"), passed("unplaced")))
    new = recording("new", run_on(2, placed("benchmarks/test_new.py::test_a"), passed("unplaced")))
    baseline = baseline_of([old, new])
    assert {case_id: case.place for case_id, case in baseline.cases.items()} == {
        "a": "benchmarks/test_new.py::test_a",
        "unplaced": "",
    }
    assert baseline.oldest["a"].place == "benchmarks/test_old.py::test_a"


def test_a_partial_recording_renews_its_own_cases_alone():
    whole = recording("whole", run_on(1, passed("latency/a"), passed("memory/a")))
    left_out = ended("memory/a", "deselected", "left out by -k")
    partial = recording("partial", run_on(2, passed("latency/a"), passed("latency/b"), left_out, selection=LATENCY))
    baseline = baseline_of([whole, partial])
    assert sources(baseline) == {"latency/a": ("partial", 1), "memory/a": ("whole", 1), "latency/b": ("partial", 1)}
    assert baseline.oldest.keys() == {"latency/a"}
    assert baseline.not_measured == {}


def test_a_removed_case_goes_with_the_next_whole_recording_and_not_with_a_partial_one():
    before = recording("before", run_on(1, passed("a"), passed("removed")))
    partial = recording("partial", run_on(2, passed("a"), selection=LATENCY))
    after = recording("after", run_on(3, passed("a")))
    assert sources(baseline_of([before, partial])) == {"a": ("partial", 1), "removed": ("before", 1)}
    assert sources(baseline_of([before, partial, after])) == {"a": ("after", 1)}


def test_what_the_newest_whole_recording_no_longer_has_is_said():
    before = recording("before", run_on(1, passed("a"), passed("removed"), ended("never", "skipped")))
    partial = recording("partial", run_on(2, passed("b"), selection=LATENCY))
    after = recording("after", run_on(3, passed("a")))
    assert baseline_of([before, partial]).removed == ()
    assert baseline_of([before, partial, after]).removed == ("removed", "b")
    assert baseline_of([before, partial, after, recording("last", run_on(4, passed("a")))]).removed == ()


def test_where_no_recording_is_whole_all_count():
    first = recording("first", run_on(1, passed("a"), selection=LATENCY))
    second = recording("second", run_on(2, passed("b"), selection=LATENCY))
    assert sources(baseline_of([first, second])) == {"a": ("first", 1), "b": ("second", 1)}


def test_what_never_passed_is_not_measured_for_its_newest_reason_and_keeps_an_older_baseline():
    before = recording("before", run_on(1, passed("once")))
    whole = recording(
        "whole", run_on(2, passed("a"), ended("once", "skipped", "no data"), ended("never", "skipped", "x"))
    )
    later = recording("later", run_on(3, ended("never", "skipped", "no compiler"), selection=LATENCY))
    baseline = baseline_of([before, whole, later])
    assert baseline.not_measured == {"once": "no data", "never": "no compiler"}
    assert sources(baseline) == {"a": ("whole", 1), "once": ("before", 1)}


def test_environments_are_those_of_the_recordings_in_use_each_once():
    unused = recording("unused", run_on(1, passed("a"), torch="1"))
    whole = recording("whole", run_on(2, passed("a"), passed("b"), torch="2"))
    partial = recording("partial", *(run_on(3, passed("a"), selection=LATENCY, torch="3") for _ in range(2)))
    assert [e.torch for e in baseline_of([unused, whole, partial]).environments] == ["2", "3"]


def test_of_no_recordings_nothing_is_judged():
    baseline = baseline_of([])
    assert (baseline.cases, baseline.oldest, baseline.not_measured, baseline.environments) == ({}, {}, {}, ())


CASES = ("a", "b", "c")
outcomes = st.sampled_from(["passed", "skipped", "deselected", "absent"])
runs = st.fixed_dictionaries(dict.fromkeys(CASES, outcomes))
histories = st.lists(st.tuples(st.booleans(), st.lists(runs, min_size=1, max_size=2)), max_size=6)


def recordings_of(history):
    return [
        recording(
            str(day),
            *(
                run_on(
                    day,
                    *(
                        passed(case_id) if end == "passed" else ended(case_id, end)
                        for case_id, end in ends.items()
                        if end != "absent"
                    ),
                    selection=WHOLE if whole else LATENCY,
                )
                for ends in of_day
            ),
        )
        for day, (whole, of_day) in enumerate(history, start=1)
    ]


@given(history=histories)
def test_which_recording_a_cases_baseline_comes_from(history):
    baseline = baseline_of(recordings_of(history))
    anchor = max([day for day, (whole, _) in enumerate(history, start=1) if whole], default=1)
    for case_id in CASES:
        days = {
            end: [
                day for day, (_, of_day) in enumerate(history, start=1) if any(ends[case_id] == end for ends in of_day)
            ]
            for end in ("passed", "skipped")
        }
        expected = any(day >= anchor for day in days["passed"] + days["skipped"])
        source = baseline.cases[case_id].recording if case_id in baseline.cases else None
        oldest = baseline.oldest[case_id].recording if case_id in baseline.oldest else None
        assert source == (str(days["passed"][-1]) if expected and days["passed"] else None)
        assert oldest == (str(days["passed"][0]) if source and days["passed"][0] != days["passed"][-1] else None)
        assert (case_id in baseline.not_measured) == (expected and not any(day >= anchor for day in days["passed"]))


@given(history=histories, keep=st.integers(1, 3))
def test_what_is_removable_changes_nothing_and_spares_the_oldest_and_the_newest(history, keep):
    found = recordings_of(history)
    gone = removable(found, keep)
    left = [entry for entry in found if entry not in gone]
    assert baseline_of(left) == baseline_of(found)
    assert not [entry for entry in (*found[:1], *found[-keep:]) if entry in gone]


def test_removable_are_those_that_hold_no_cases_baseline_and_no_oldest_one():
    found = [
        recording("oldest", run_on(1, passed("a"))),
        recording("first of b", run_on(2, passed("a"), passed("b"))),
        recording("superseded", run_on(3, passed("a"), passed("b"))),
        recording("whole", run_on(4, passed("a"), passed("b"), passed("c"))),
        recording("again superseded", run_on(5, passed("a"), selection=LATENCY)),
        recording("newest", run_on(6, passed("a"), selection=LATENCY)),
    ]
    assert [entry.name for entry in removable(found, 1)] == ["superseded", "again superseded"]
    assert [entry.name for entry in removable(found, 2)] == ["superseded"]
    assert removable(found, 9) == []
    days = [recording(str(day), run_on(day, passed("a"))) for day in (1, 2, 3)]
    assert removable(days, 1) == days[1:2]


def test_none_to_keep_is_refused():
    with pytest.raises(UserError) as caught:
        removable([], 0)
    assert str(caught.value) == "--keep: 0 cannot be used. Allowed: 1 or more. The newest recording is always kept."


def test_the_folder_of_a_machine_is_pytest_benchmarks():
    assert machine_folder() == get_machine_id()


@pytest.fixture
def measured(tmp_path):
    return [write(tmp_path / f"run-{number}" / "run.json", run_on(number, passed("a", number))) for number in (1, 2)]


def test_stored_runs_follow_those_that_are_there_and_are_read_back(tmp_path, measured):
    folder = tmp_path / "store"
    write(folder / "other-machine" / "0006_old.json", run_on(1, passed("a", 0.5)))
    places = store(measured, folder, "new")
    assert [path.relative_to(folder) for path in places] == [
        Path(machine_folder(), "0007_new-1of2.json"),
        Path(machine_folder(), "0008_new-2of2.json"),
    ]
    assert [path.read_bytes() for path in places] == [path.read_bytes() for path in measured]
    assert [(entry.name, len(entry.runs)) for entry in recordings(folder)] == [("old", 1), ("new", 2)]
    assert all(path.name.startswith("000") for path in places[0].parent.iterdir()), "nothing else is left"


def test_the_store_replaces_no_file(tmp_path, measured, monkeypatch):
    """As where another recording is stored at the same time."""
    others = tmp_path / "store" / machine_folder() / "0001_new-1of2.json"

    def store_others(_cases, _folder):
        write(others, run_on(1, passed("a", 0.5)))
        return []

    monkeypatch.setattr("vitcnn.gate.baseline.copy_answers", store_others)
    with pytest.raises(FileExistsError):
        store(measured, tmp_path / "store", "new")
    assert load_run(others) == run_on(1, passed("a", 0.5))


def test_where_one_cannot_be_read_none_is_stored(tmp_path, measured):
    with pytest.raises(RecordError, match=r"missing.json: there is no such file"):
        store([*measured, tmp_path / "missing.json"], tmp_path / "store", "new")
    assert [path for path in (tmp_path / "store").rglob("*") if path.is_file()] == []


def test_where_one_cannot_be_placed_none_is_stored(tmp_path, measured, monkeypatch):
    rename = Path.replace

    def full_disk(self, target):
        if target.name.startswith("0002"):
            raise OSError("No space left on device")
        return rename(self, target)

    monkeypatch.setattr(Path, "replace", full_disk)
    with pytest.raises(OSError, match="No space left"):
        store(measured, tmp_path / "store", "new")
    assert [path for path in (tmp_path / "store").rglob("*") if path.is_file()] == []


@pytest.fixture
def trained(tmp_path):
    """Return the files of two runs with answers beside them: one of its own each, and one that is shared."""
    paths = []
    for number in (1, 2):
        folder = tmp_path / f"run-{number}"
        rights = {"own": [[1, 0, number - 1]], "shared": [[1, 1, 1]]}
        records = [
            with_answers_in_file(replace(accuracy("lenet", right=right), case=name), folder)
            for name, right in rights.items()
        ]
        paths.append(write(folder / "run.json", run_on(number, *records)))
    return paths


def test_answers_are_stored_beside_the_runs_and_read_from_there(tmp_path, trained):
    folder = tmp_path / "store"
    places = store(trained, folder, "new")
    assert len(list((places[0].parent / "answers").iterdir())) == 3
    shutil.rmtree(trained[0].parent)
    (recording,) = recordings(folder)
    assert [answers(record).right.tolist() for record in recording.records["own"]] == [
        [[True, False, False]],
        [[True, False, True]],
    ]


def test_a_resumed_run_is_no_baseline(tmp_path, measured):
    resumed = write(tmp_path / "0001_x.json", replace(run_on(3, passed("a")), resumed=("a",)))
    what = "0001_x.json: cannot be a baseline: 1 of its cases were measured by an earlier run"
    with pytest.raises(RecordError, match=what):
        store([*measured, resumed], tmp_path / "store", "new")
    assert [path for path in (tmp_path / "store").rglob("*") if path.is_file()] == []
    with pytest.raises(BaselineError, match=what):
        recordings(tmp_path)


def test_where_answers_are_damaged_nothing_is_stored(tmp_path, trained):
    (broken, _) = sorted((trained[1].parent / "answers").iterdir())
    broken.write_bytes(b"")
    with pytest.raises(RecordError, match=f"{broken}: was cut off or altered"):
        store(trained, tmp_path / "store", "new")
    assert [path for path in (tmp_path / "store").rglob("*") if path.is_file()] == []


def test_the_answers_of_every_run_go_where_a_later_one_cannot_be_stored(tmp_path, trained):
    with pytest.raises(RecordError, match=r"missing.json: there is no such file"):
        store([*trained, tmp_path / "missing.json"], tmp_path / "store", "new")
    assert [path for path in (tmp_path / "store").rglob("*") if path.is_file()] == []


def test_answers_go_with_the_last_file_that_names_them(tmp_path, trained):
    folder = tmp_path / "store"
    ours, others = store(trained[:1], folder, "ours"), store(trained[1:], folder, "others")
    found = {recording.name: recording for recording in recordings(folder)}
    own, shared = (result.record.files["answers"] for result in load_run(ours[0]).cases)
    machine = ours[0].parent
    assert files_without_use([*found.values()], [found["ours"]]) == [ours[0], machine / own]
    everything = files_without_use([*found.values()], [*found.values()])
    assert {*everything} == {ours[0], others[0], *(machine / "answers").iterdir()}
    assert machine / shared in everything


@pytest.mark.parametrize("name", ["taken", "", "a b", "a/b", "é"])
def test_a_name_that_is_taken_or_names_no_file_is_refused(tmp_path, measured, name):
    write(tmp_path / "store" / "0001_taken.json", run_on(1, passed("a")))
    allowed = {"taken": f"a name that no recording in {tmp_path / 'store'} has"}.get(
        name, "up to 100 letters, digits, dots, underscores and hyphens"
    )
    with pytest.raises(UserError) as caught:
        store(measured, tmp_path / "store", name)
    assert str(caught.value) == (
        f"--name: {name!r} cannot be used. Allowed: {allowed}. Leave out --name to use the time and the commit."
    )
    assert len(list((tmp_path / "store").rglob("*.json"))) == 1


def test_a_copy_of_a_stored_run_is_refused(tmp_path):
    first = write(tmp_path / "0001_x.json", run_on(1, passed("a")))
    copy = write(tmp_path / "0009_copy.json", run_on(1, passed("a")))
    with pytest.raises(BaselineError, match="the same run as") as caught:
        recordings(tmp_path)
    assert str(caught.value).startswith(f"{copy}: the same run as {first}.")
