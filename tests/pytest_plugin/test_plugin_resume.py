"""Going on from an interrupted run: what passed there stands in the new run as it was measured."""

import json
import signal
from dataclasses import replace
from types import SimpleNamespace

import pytest
from record_builders import ENVIRONMENT, WHOLE, accuracy, ended, latency, run_on
from repositories import Repository

from vitcnn import imported_code, references
from vitcnn.device import Device
from vitcnn.errors import UserError
from vitcnn.imported_code import code_sha256
from vitcnn.pytest_plugin import resuming
from vitcnn.pytest_plugin.journal import Journal, read_journal
from vitcnn.pytest_plugin.measuring import lacks_energy
from vitcnn.pytest_plugin.resuming import resumed_run, without_resume
from vitcnn.record import CaseResult, Selection
from vitcnn.record.answers import answers, with_answers_in_file

CONFTEST = """
    from dataclasses import replace

    from vitcnn.measuring import own_benchmark
    from vitcnn.record import Series
    from vitcnn.bench.rounds import Rounds

    pytest_plugins = ["vitcnn.pytest_plugin"]
    own_benchmark.MANY_ROUNDS = Rounds(at_least=3, at_most=3, budget_s=0)
    measure = own_benchmark.OwnBenchmark.measure

    def with_answers(record):
        \"\"\"As the cases of the suite that train leave it.\"\"\"
        predictions = Series(name="test_predictions", unit="class", axes=("seed", "image"), values=((1, 0, 1),))
        labels = Series(name="test_labels", unit="class", axes=("image",), values=(1, 1, 1))
        return replace(record, series=(predictions, labels))

    own_benchmark.OwnBenchmark.measure = lambda self, **how: with_answers(measure(self, **how))
"""
BENCHMARKS = """
    import os
    import signal
    from pathlib import Path

    import pytest

    def calling(name):
        def run():
            with Path("calls.txt").open("a") as file:
                file.write(f"{name} ")
            if name == "bee" and not Path("go_on").exists():
                os.kill(os.getpid(), signal.SIGKILL)
        return run

    @pytest.mark.parametrize("name", ["ant", "bee", "cat"])
    def test_case(measure, name):
        assert measure.time(calling(name)).samples("latency_s")
"""
ANT, BEE, CAT = (f"benchmarks/test_mini.py::test_case[{name}]" for name in ("ant", "bee", "cat"))


@pytest.fixture(scope="module")
def resumed(tmp_path_factory):
    """Return a run that was killed in its second case, what had run then, the run that goes on, and its repository."""
    suite = Repository(tmp_path_factory.mktemp("repository"))
    suite.write("conftest.py", CONFTEST)
    suite.write("benchmarks/test_mini.py", BENCHMARKS)
    suite.git("add", ".")
    suite.git("commit", "--quiet", "-m", "all")
    killed = suite.run()
    assert killed.exit_code == -signal.SIGKILL, killed.out
    assert not killed.run_json.exists()
    before = (suite.root / "calls.txt").read_text().split()
    with (killed.folder / "journal.jsonl").open("a") as file:
        file.write('{"id": "cut o')
    (suite.root / "go_on").touch()
    return killed, before, suite.run("--resume", killed.folder, "--benchmark-json=asked.json"), suite


def test_what_passed_is_not_measured_again_and_the_rest_is(resumed):
    killed, before, result, suite = resumed
    assert set(before) == {"ant", "bee"}
    assert result.exit_code == 0, result.out
    assert list(result.run.cases) == result.journal
    assert [(case.id, case.outcome) for case in result.run.cases] == [(name, "passed") for name in (ANT, BEE, CAT)]
    assert result.run.cases[0] == killed.journal[0]
    later = (suite.root / "calls.txt").read_text().split()[len(before) :]
    assert set(later) == {"bee", "cat"}


def test_rows_of_pytest_benchmark_are_those_of_then(resumed):
    killed, _, result, suite = resumed
    times = read_journal(killed.folder / "journal.jsonl").times_s[ANT]
    for document in (result.document, json.loads((suite.root / "asked.json").read_text())):
        rows = {row["name"]: row["stats"] for row in document["benchmarks"]}
        assert list(rows) == ["test_case[ant]", "test_case[bee]", "test_case[cat]"]
        ant = rows["test_case[ant]"]
        assert (ant["rounds"], ant["min"], ant["max"]) == (3, min(times), max(times))
    assert tuple(ant["data"]) == times, "in the file that was asked for"
    assert result.run.cases[0].record.samples("latency_s") == pytest.approx(times, rel=5.001e-9, abs=0)
    assert result.out.count("test_case[ant]") >= 1, "in its table"


def test_a_resumed_run_says_so_in_its_json_and_on_the_terminal(resumed):
    killed, _, result, _ = resumed
    assert result.run.resumed == (ANT,)
    journal = killed.folder / "journal.jsonl"
    assert f"vitcnn: Not measured again: 1 case that passed in {journal}." in result.out
    assert "Resumed: 1 case taken from an earlier run. This run cannot become a baseline." in result.out


def test_answers_come_along(resumed):
    _, _, result, _ = resumed
    assert [answers(record).right.tolist() for record in result.run.records] == [[[True, False, True]]] * 3


def test_a_resumed_run_can_be_resumed(resumed):
    _, _, first, suite = resumed
    before = (suite.root / "calls.txt").read_text()
    result = suite.run("--resume", first.folder / "journal.jsonl")
    assert result.exit_code == 0, result.out
    assert (suite.root / "calls.txt").read_text() == before
    assert result.run.resumed == (ANT, BEE, CAT)
    assert result.run.cases == first.run.cases


def test_a_command_that_collects_other_cases_or_writes_over_the_run_is_refused(resumed):
    killed, _, _, suite = resumed
    suite.write(".git/info/exclude", "other/\n")  # a new Python file would be another revision
    other = suite.write("other/test_other.py", "def test_other(measure): pass").parent
    for arguments, message in (
        ([other, "--resume", killed.folder], f"'{ANT}' passed in that run and is not collected now"),
        (["--resume", killed.folder, "--out", killed.folder], "a folder that holds no run yet"),
    ):
        result = suite.run(*arguments)
        assert result.exit_code == pytest.ExitCode.USAGE_ERROR, result.out
        assert message in result.out


PASSED = CaseResult(id="a", outcome="passed", record=replace(accuracy("lenet", right=[[1, 0]]), case="a"))


@pytest.fixture
def journal(tmp_path):
    """Return a journal in which `a` passed and `b` failed."""
    journal = Journal(tmp_path / "run" / "journal.jsonl", lambda: run_on(1, git_commit="1a2b", git_dirty=False))
    record = with_answers_in_file(PASSED.record, tmp_path / "run")
    journal.append(replace(PASSED, record=record), (0.5,))
    journal.append(ended("b", "failed", "why"))
    return journal.path


@pytest.fixture
def resume(monkeypatch, tmp_path):
    """Return what resumes from a path, under other conditions or options where they are given."""

    def resume(path, *, selection=WHOLE, options=(), **conditions):
        found = replace(ENVIRONMENT, **{"git_commit": "1a2b", "git_dirty": False, **conditions})
        monkeypatch.setattr(resuming, "environment", lambda *_where: found)
        given = {"--resume": str(path), **dict(options)}
        config = SimpleNamespace(getoption=given.get, rootpath=tmp_path)
        return resumed_run(config, Device(name="cpu", key="cpu-test-1t"), selection, tmp_path / "out")

    return resume


def test_only_what_passed_is_taken(journal, resume):
    found = resume(journal.parent)
    assert list(found.records) == ["a"]
    assert found.times_s["a"] == (0.5,)
    assert found.remarks == (f"Not measured again: 1 case that passed in {journal}.",)


@pytest.mark.parametrize(
    "conditions, message",
    [
        ({"git_commit": "5d6e"}, "git commit: '1a2b' in that run, '5d6e' now"),
        ({"git_dirty": True}, "git dirty: False in that run, True now"),
        ({"git_changes": "b2"}, "git changes: '' in that run, 'b2' now"),
        ({"device_key": "nvidia-h200"}, "device key: 'cpu-test-1t' in that run, 'nvidia-h200' now"),
        ({"torch": "3.0"}, "torch: '2.15.0' in that run, '3.0' now"),
        ({"vitcnn": "0.2"}, "vitcnn: '0.1.0' in that run, '0.2' now"),
        ({"numerics": {"tf32": True}}, "numerics: "),
        ({"selection": Selection(preset="full")}, "preset: 'smoke' in that run, 'full' now"),
        ({"selection": replace(WHOLE, keyword="x")}, "keyword: '' in that run, 'x' now"),
        ({"options": {"--benchmark-save": "x"}}, "Allowed: only without --benchmark-save. A baseline must not"),
        ({"options": {"--benchmark-autosave": "x"}}, "Allowed: only without --benchmark-autosave"),
    ],
)
def test_where_this_run_could_not_have_measured_it_all_is_refused(journal, resume, conditions, message):
    with pytest.raises(UserError, match=r"^--resume: ") as caught:
        resume(journal, **conditions)
    assert message in str(caught.value)


@pytest.mark.parametrize("changed", ["own_net.py", "own_part.py", "weights.safetensors"])
def test_files_that_the_user_named_must_be_the_same_wherever_they_are(tmp_path, monkeypatch, resume, changed):
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(references, "_NAMED", set())
    for name, text in (("own_net.py", "import own_part"), ("own_part.py", "GAIN = 1"), ("weights.safetensors", "1")):
        (tmp_path / name).write_text(text)
    for name in ("own_net.py", "weights.safetensors"):
        references.note_named(tmp_path / name)
    for cached in (code_sha256, imported_code._files):
        cached.cache_clear()
    Journal(tmp_path / "journal.jsonl", lambda: run_on(1, git_commit="1a2b", git_dirty=False)).append(PASSED, (0.5,))
    assert list(resume(tmp_path).records) == ["a"]
    (tmp_path / changed).write_text("GAIN = 2")
    code_sha256.cache_clear()
    named = "weights.safetensors" if changed == "weights.safetensors" else "own_net.py"
    with pytest.raises(UserError, match=f"{named}, or a file that it imports, has changed since"):
        resume(tmp_path)


def test_a_run_that_vitcnn_starts_itself_is_not_resumed(journal, resume, tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "terminal.txt").touch()
    with pytest.raises(UserError, match="Allowed: only in a run that you start yourself"):
        resume(journal)


def test_what_holds_no_journal_is_refused(resume, tmp_path):
    (tmp_path / "journal.jsonl").touch()
    for path, message in (
        ("", "Perhaps a variable in the command is not set."),
        (tmp_path / "missing", "missing does not exist"),
        (tmp_path, "is empty: the run was stopped before its first case"),
    ):
        with pytest.raises(UserError, match=message):
            resume(path)


def test_a_journal_without_a_case_begins_anew(resume, tmp_path):
    Journal(tmp_path / "journal.jsonl", lambda: run_on(1, git_commit="1a2b", git_dirty=False)).begin()
    assert resume(tmp_path).records == {}


def test_the_same_changes_that_are_not_committed_may_go_on(resume, tmp_path):
    then = {"git_commit": "1a2b", "git_dirty": True, "git_changes": "b2"}
    Journal(tmp_path / "journal.jsonl", lambda: run_on(1, **then)).append(PASSED, (0.5,))
    assert resume(tmp_path, **then).remarks[1:] == ()
    with pytest.raises(UserError, match="git changes: 'b2' in that run, 'c3' now"):
        resume(tmp_path, **{**then, "git_changes": "c3"})


def test_without_a_revision_it_is_told_that_nobody_knows_it(resume, tmp_path):
    then = {"git_commit": "", "git_dirty": None}
    Journal(tmp_path / "journal.jsonl", lambda: run_on(1, **then)).append(PASSED, (0.5,))
    assert "no git revision" in resume(tmp_path, **then).remarks[1]


def test_a_case_whose_answers_are_lost_is_measured_again(journal, resume):
    (file,) = (journal.parent / "answers").iterdir()
    file.write_bytes(b"")
    found = resume(journal)
    assert found.records == {}
    assert f"a is measured again: {file}: was cut off or altered" in found.remarks[1]


def test_what_is_measured_again_is_not_taken_from_a_journal():
    given = ["benchmarks", "--resume", "run", "--gate", "--resume=other", "-k", "x"]
    assert without_resume(given) == ["benchmarks", "--gate", "-k", "x"]


def test_a_record_without_energy_does_not_stand_where_energy_is_asked():
    assert lacks_energy(latency("lenet", 1.0))
    known = latency("lenet", 1.0)
    assert not lacks_energy(replace(known, settings={**known.settings, "energy": {"unknown": "no RAPL"}}))
    assert not lacks_energy(accuracy("lenet", right=[[1, 0]])), "no run of it can be repeated"
    assert not lacks_energy(replace(known, settings={"question": "own"}))
