import json

import pytest
from record_builders import ENVIRONMENT, run_of
from reference_durations import taken

from vitcnn.durations import known_durations
from vitcnn.durations.known import MOST_RUNS, REFERENCE
from vitcnn.record import CaseResult

HERE = ENVIRONMENT.device_key


@pytest.fixture
def stored(tmp_path):
    """Return what stores a run of cases and their seconds: `stored("20261121T08", {id: seconds})`."""

    def store(name, seconds, outcome="passed", device_key=HERE):
        cases = (CaseResult(id=case, outcome=outcome, wall_s=value) for case, value in seconds.items())
        run = run_of(*cases, device_key=device_key)
        path = tmp_path / ".vitcnn" / "runs" / name / "run.json"
        path.parent.mkdir(parents=True)
        path.write_text(json.dumps({"vitcnn": run.to_json()}), encoding="utf-8")
        return path

    return store


def known_here(tmp_path):
    found, *_ = known_durations(tmp_path, device_key=HERE, kind="cpu")
    return found


def test_each_case_is_known_by_the_newest_run_that_passed_it(stored, tmp_path):
    stored("20261121T08", {"a": 1.0, "b": 2.0})
    stored("20261121T09", {"a": 10.0})
    stored("20261121T10", {"a": 99.0}, outcome="failed")
    assert known_here(tmp_path).seconds == {"a": 10.0, "b": 2.0}


def test_a_case_whose_seconds_are_not_known_is_not_known(stored, tmp_path):
    stored("20261121T08", {"a": 1.0})
    stored("20261121T09", {"a": None, "b": 3.0})
    assert known_here(tmp_path).seconds == {"a": 1.0, "b": 3.0}


def test_runs_on_another_device_and_files_that_are_no_run_tell_nothing(stored, tmp_path):
    stored("20261121T08", {"a": 1.0})
    stored("20261121T09", {"a": 5.0}, device_key="cuda-other")
    stored("20261121T10", {"a": 7.0}).write_text("{", encoding="utf-8")
    found = known_here(tmp_path)
    assert found.seconds == {"a": 1.0}
    assert found.by == "the last run on this machine"


def test_only_the_newest_runs_are_read(stored, tmp_path):
    for number in range(MOST_RUNS + 1):
        stored(f"20261121T{number:02}", {f"case {number}": 1.0})
    found = known_here(tmp_path)
    assert sorted(found.seconds) == [f"case {number}" for number in range(1, MOST_RUNS + 1)]
    assert found.by == "the last runs on this machine"


def test_a_machine_without_runs_has_the_reference_of_its_kind_alone(tmp_path):
    (found,) = known_durations(tmp_path, device_key=HERE, kind="cpu")
    measured = json.loads(REFERENCE.read_text(encoding="utf-8"))["cpu"]
    assert found.seconds == measured["seconds"]
    assert measured["cpu"] in found.by
    assert "this machine may differ" in found.by


def test_of_a_kind_that_nobody_measured_nothing_is_known(tmp_path):
    assert known_durations(tmp_path, device_key="tpu-1", kind="tpu") == ()


def test_the_reference_takes_the_shortest_time_of_each_case():
    one, other = (
        run_of(*[CaseResult(id=case, outcome="passed", wall_s=value) for case, value in seconds.items()])
        for seconds in ({"a": 1.234, "b": 9.0}, {"a": 5.0, "b": 2.0, "c": 3.0})
    )
    entry = taken([one, other], "beside other work")
    assert entry["seconds"] == {"a": 1.23, "b": 2.0, "c": 3.0}
    assert (entry["cpu"], entry["num_threads"], entry["note"]) == ("Test CPU", 1, "beside other work")


def test_the_reference_names_cases_of_the_suite_and_no_others(request):
    """A case that was renamed would be one of which nothing is known."""
    from vitcnn.suite import cases_in

    ids = {str(case) for case in cases_in(request.config.rootpath / "benchmarks")}
    for entry in json.loads(REFERENCE.read_text(encoding="utf-8")).values():
        assert set(entry["seconds"]) <= ids
        assert all(seconds > 0 for seconds in entry["seconds"].values())
