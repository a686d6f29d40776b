"""What the gate of a session decides, without a session."""

from dataclasses import replace
from types import SimpleNamespace

import pytest
from record_builders import passed, run_on
from store_builders import write

from vitcnn.errors import BaselineError, RecordError, RunFailed
from vitcnn.gate.remeasure import IN_COMPANY
from vitcnn.gate.verdict import Judgement, Verdict
from vitcnn.processes.fresh import UNJUDGED, Request
from vitcnn.pytest_plugin import gating
from vitcnn.pytest_plugin.gating import GATE, Gate, with_verdict

GREEN = Judgement(verdicts=(Verdict(kind="SAME", case="bee", reason="as before"),))
RED = Judgement(verdicts=(Verdict(kind="WORSE", case="bee", metric="latency_s", reason="slower"), *GREEN.verdicts))
INVALID = Judgement(verdicts=(Verdict(kind="INVALID", case="bee", reason="another clock"),))


ExitCode = pytest.ExitCode


class Reports(list):
    def pytest_runtest_logreport(self, report):
        self.append(report)


class Config(SimpleNamespace):
    """Stands in for pytest's configuration, each of which is one of its own."""

    __hash__ = object.__hash__


def gate_of(judgement=None, *, gate="on", compare=False, collect=False, worker=False, request=None):
    option = SimpleNamespace(benchmark_compare=compare, collectonly=collect)
    config = Config(option=option, stash={}, hook=Reports(), **({"workerinput": {}} if worker else {}))
    found = Gate(config, SimpleNamespace(gate=gate, request=request))
    found.judgement = judgement
    config.stash[GATE] = found
    return found


def verdict_of(found, status=ExitCode.OK):
    return with_verdict(found.config, status)


@pytest.mark.parametrize(
    "asked, expected",
    [
        ({"gate": "on"}, True),
        ({"gate": None}, False),
        ({"gate": None, "compare": "0001"}, True),
        ({"gate": "on", "collect": True}, False),
        ({"gate": "on", "worker": True}, False),
        ({"gate": "on", "request": "suspects"}, False),
    ],
)
def test_a_session_is_judged_where_it_was_asked_for_and_no_other_judges_it(asked, expected):
    assert gate_of(**asked).is_asked is expected


def test_a_green_session_stays_green_by_a_green_verdict_alone(capsys):
    assert verdict_of(gate_of(GREEN)) == ExitCode.OK
    assert verdict_of(gate_of(RED)) == ExitCode.TESTS_FAILED
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("found", [gate_of(), gate_of(GREEN, gate=None), gate_of(gate=None)])
def test_a_session_without_a_verdict_is_red_and_says_so(capsys, found):
    assert verdict_of(found) == ExitCode.TESTS_FAILED
    assert capsys.readouterr().err == "vitcnn: --gate: the session ended without a verdict, so it is red\n"


def test_a_session_whose_gate_was_never_there_is_red_and_says_so(capsys):
    assert with_verdict(SimpleNamespace(stash={}), ExitCode.OK) == ExitCode.TESTS_FAILED
    assert "without a verdict" in capsys.readouterr().err


def test_what_another_session_judges_is_not_red_for_want_of_a_verdict():
    assert verdict_of(gate_of(worker=True)) == verdict_of(gate_of(request="suspects")) == ExitCode.OK


@pytest.mark.parametrize("status", [ExitCode.INTERRUPTED, ExitCode.USAGE_ERROR, -1])
def test_a_status_that_is_red_already_is_kept(capsys, status):
    assert verdict_of(gate_of(), status) == status
    assert capsys.readouterr().err == ""


def test_each_red_verdict_is_a_failed_test_and_no_other():
    found, session = gate_of(RED), SimpleNamespace(exitstatus=ExitCode.OK)
    found.turn_red(session)
    assert session.exitstatus == ExitCode.TESTS_FAILED
    reports = [(report.nodeid, report.when, report.outcome, report.longrepr) for report in found.config.hook]
    name = "gate::latency_s[bee]"
    assert reports == [(name, "call", "failed", "WORSE: slower"), (name, "teardown", "passed", None)]


def test_a_red_verdict_lies_in_a_group_of_its_own_in_reports():
    found = gate_of(RED)
    found.turn_red(SimpleNamespace(exitstatus=ExitCode.OK))
    assert {report.location for report in found.config.hook} == {("gate", None, "latency_s[bee]")}


def test_the_run_that_is_judged_is_that_of_the_session(tmp_path, monkeypatch):
    found, judged = gate_of(), []
    found.options.out = tmp_path
    monkeypatch.setattr(found, "_judged", lambda run: judged.append(run) or GREEN)
    found.judge("the run")
    assert judged == ["the run"]


def test_a_verdict_on_a_whole_case_is_named_so():
    found = gate_of(INVALID)
    found.turn_red(SimpleNamespace(exitstatus=ExitCode.OK))
    assert {report.nodeid for report in found.config.hook} == {"gate::case[bee]"}


@pytest.mark.parametrize("found", [gate_of(), gate_of(GREEN), gate_of(RED, gate=None)])
def test_a_session_is_not_turned_red_without_a_red_verdict_under_gate(found):
    session = SimpleNamespace(exitstatus=ExitCode.OK)
    found.turn_red(session)
    assert (session.exitstatus, found.config.hook) == (ExitCode.OK, [])


def test_a_comparison_alone_says_that_it_does_not_affect_the_exit_status():
    said = "does not affect the exit status"
    assert said in gate_of(RED, gate=None).summary(width=200)
    assert said not in gate_of(RED).summary(width=200)
    assert gate_of().summary(width=200) == "Not judged, because the session ended early."


def stopped(_run):
    raise KeyboardInterrupt


def test_a_gate_that_was_interrupted_is_red_as_an_interrupted_session(tmp_path, monkeypatch):
    found, session = gate_of(), SimpleNamespace(exitstatus=ExitCode.OK)
    found.options.out = tmp_path
    monkeypatch.setattr(found, "_judged", stopped)
    found.expect()
    found.judge(None)
    assert (tmp_path / UNJUDGED).exists()
    found.turn_red(session)
    assert session.exitstatus == ExitCode.INTERRUPTED
    assert "interrupted while suspected cases were measured again" in found.judgement.verdicts[0].reason
    assert "interrupted" in (tmp_path / "gate.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("gate, is_marked", [("on", True), (None, False)])
def test_a_run_is_marked_until_its_gate_has_a_verdict(tmp_path, monkeypatch, gate, is_marked):
    found = gate_of(gate=gate)
    found.options.out = tmp_path
    monkeypatch.setattr(found, "_judged", lambda _run: GREEN)
    found.expect()
    assert (tmp_path / UNJUDGED).exists() is is_marked
    found.judge(None)
    assert not (tmp_path / UNJUDGED).exists()


def test_a_revision_that_changes_while_it_is_measured_is_not_judged(tmp_path, monkeypatch):
    found, revisions = gate_of(), iter(["first", "second"])
    found.config.rootpath, found.options.out = tmp_path, tmp_path
    monkeypatch.setattr(gating, "state", lambda root: next(revisions) if root == tmp_path else "elsewhere")
    found.begin()
    found.judge(None)
    assert "while the run was measured" in found.judgement.verdicts[0].reason
    assert found.judgement.is_invalid
    assert [*revisions] == []


@pytest.mark.parametrize("kind", [BaselineError, RunFailed, RecordError])
def test_an_error_on_the_way_to_a_verdict_is_a_red_one(tmp_path, monkeypatch, kind):
    def fails(_run):
        raise kind("the disk is full")

    found, session = gate_of(), SimpleNamespace(exitstatus=ExitCode.OK)
    found.options.out = tmp_path
    monkeypatch.setattr(found, "_judged", fails)
    found.judge(None)
    found.turn_red(session)
    assert session.exitstatus == ExitCode.TESTS_FAILED
    assert [(verdict.kind, verdict.reason) for verdict in found.judgement.verdicts] == [("INVALID", "the disk is full")]


@pytest.mark.parametrize("junit", ["", "report.xml"])
def test_what_a_rerun_would_write_elsewhere_goes_into_its_own_folder(tmp_path, monkeypatch, junit):
    started = []
    monkeypatch.setattr(gating, "measure_in_fresh_process", lambda arguments, **_how: started.extend(arguments))
    found = gate_of()
    found.config.rootpath, found.config.option.xmlpath = tmp_path, junit
    given = ("bench", "--", f"--junitxml={junit}")
    found.config.invocation_params = SimpleNamespace(args=given, dir=tmp_path)
    found._rerun(None, tmp_path / "rerun-1")
    json = ["--benchmark-json", str(tmp_path / "rerun-1" / "benchmark.json")]
    xml = ["--junitxml", str(tmp_path / "rerun-1" / "junit.xml")] if junit else []
    assert started == ["bench", given[2], f"--rootdir={tmp_path}", *json, *xml]


@pytest.fixture
def judging(tmp_path, monkeypatch):
    """Return what makes a gate whose verdict is made up, with how it was asked for: by `judge` or with reruns."""

    def make(gate="on", reruns=2, folder=tmp_path):
        found = gate_of(gate=gate)
        judgement = replace(GREEN, judged_by="the baseline of x", remarks=("its own",))
        found.options.gate_reruns, found.config.rootpath, found.asked = reruns, tmp_path, []

        def judge(*of, **how):
            found.asked.append((*of, how))
            return judgement

        def judge_with_reruns(run, *of, **how):
            return judge(run, *of, **how), (run, "a rerun")

        monkeypatch.setattr(found, "_baseline", lambda: "the baseline")
        monkeypatch.setattr(gating, "state", {tmp_path: found._tree}.get)
        monkeypatch.setattr(gating, "storage_folder", {found.config: folder}.get)
        monkeypatch.setattr(gating, "resumed", lambda *runs: (f"{len(runs)} resumed",))
        monkeypatch.setattr(gating, "measured_again", lambda runs: (f"{', '.join(runs)} measured",))
        monkeypatch.setattr(gating, "with_uncommitted", lambda judged_by, store: f"{judged_by} in {store}")
        monkeypatch.setattr(gating, "judge", judge)
        monkeypatch.setattr(gating, "judge_with_reruns", judge_with_reruns)
        return found

    return make


NO_RERUNS = ["--gate-reruns=0: suspected cases are measured again in no process."]


@pytest.mark.parametrize(
    "gate, reruns, told", [("on", 0, NO_RERUNS), ("counts", 2, []), ("counts", 0, []), (None, 0, [])]
)
def test_without_reruns_and_by_counts_alone_a_run_is_judged_as_it_is(judging, tmp_path, gate, reruns, told):
    found = judging(gate, reruns)
    judgement = found._judged("the run")
    assert found.asked == [(("the run",), "the baseline", {"counts_only": gate == "counts"})]
    assert judgement.remarks == ("1 resumed", "the run measured", *told, "its own")
    assert judgement.judged_by == f"the baseline of x in {tmp_path}"


@pytest.mark.parametrize("gate", ["on", "strict", "allow-new"])
def test_suspects_are_measured_again_and_all_runs_are_told_of(judging, gate):
    found = judging(gate, 3)
    judgement = found._judged("the run")
    assert found.asked == [("the run", "the baseline", found._measure_again, {"reruns": 3})]
    assert judgement.remarks == ("2 resumed", "the run, a rerun measured", "its own")


def test_fewer_reruns_than_usual_are_told_wherever_the_option_stands(judging):
    told = "--gate-reruns=1: suspected cases are measured again in at most 4 processes, instead of 8."
    assert told in judging(reruns=1)._judged("the run").remarks
    assert told not in judging(reruns=2)._judged("the run").remarks


def test_a_baseline_that_is_in_no_folder_is_named_alone(judging):
    assert judging(folder=None)._judged("the run").judged_by == "the baseline of x"


@pytest.fixture
def measuring_again(tmp_path, monkeypatch):
    """Return the gate of a session whose reruns are made up, with what they were asked and how that was told."""
    found, tree = gate_of(), iter(["as it was"] * 9)
    found.options.device, found.options.out = "the device", tmp_path
    found.config.rootpath, found.config.option.xmlpath = tmp_path, ""
    found.config.invocation_params = SimpleNamespace(args=("bench", "--resume", "before", "--trace", "t"), dir="here")
    found.asked, found.told, found.released, found.tree = [], [], [], tree

    def measured(arguments, *, out, root, request):
        found.asked.append((arguments[0], len(arguments), out, root, request))
        return f"the JSON of {out.name}"

    monkeypatch.setattr(gating, "measure_in_fresh_process", measured)
    monkeypatch.setattr(gating, "load_run", lambda path: f"the run of {path}")
    monkeypatch.setattr(gating, "Steps", lambda _line: lambda *what: found.told.append(what))
    monkeypatch.setattr(gating, "release", found.released.append)
    monkeypatch.setattr(gating, "state", lambda _root: next(found.tree))
    monkeypatch.setattr(gating.sys, "modules", {})
    found.begin()
    return found


def test_suspects_are_measured_again_with_the_seeds_asked_for_each_in_a_folder_of_its_own(measuring_again, tmp_path):
    found = measuring_again
    assert found._measure_again(["ant", "bee"], 1, [0, 1]) == [f"the run of the JSON of rerun-{n}" for n in (1, 2)]
    found._measure_again(["bee"], 2, [7])
    suspects = [(frozenset(["ant", "bee"]), 0), (frozenset(["ant", "bee"]), 1), (frozenset(["bee"]), 7)]
    assert found.asked == [
        ("bench", 4, tmp_path / f"rerun-{number}", "here", Request(cases=cases, seed_block=block))
        for number, (cases, block) in enumerate(suspects, 1)
    ]
    assert found.told == [
        (0, 2, "measuring 2 suspected cases again, round 1, process 1 of 2"),
        (1, 2, "measuring 2 suspected cases again, round 1, process 2 of 2"),
        (2, 2, "measured again"),
        (0, 1, "measuring 1 suspected cases again, round 2, process 1 of 1"),
        (1, 1, "measured again"),
    ]


def test_the_whole_suite_that_is_measured_again_is_told_as_such(measuring_again):
    measuring_again._measure_again(["ant"], IN_COMPANY, [1])
    assert measuring_again.told[0] == (0, 1, f"measuring the whole suite again, round {IN_COMPANY}, process 1 of 1")


@pytest.mark.parametrize("libraries, released", [([], []), (["torch"], ["the device"])])
def test_memory_is_let_go_before_other_processes_need_it(measuring_again, monkeypatch, libraries, released):
    monkeypatch.setattr(gating.sys, "modules", dict.fromkeys(libraries))
    measuring_again._measure_again(["ant"], 1, [0])
    assert measuring_again.released == released


def test_a_revision_that_changes_while_suspects_are_measured_again_is_not_judged(measuring_again):
    measuring_again.tree = iter(["as it was", "changed"])
    with pytest.raises(RunFailed, match="while suspected cases were measured again"):
        measuring_again._measure_again(["ant"], 1, range(3))
    assert len(measuring_again.asked) == 2


DAYS = {"0001_first": 1.0, "0002_second": 2.0, "0003_third-1of2": 3.0, "0004_third-2of2": 3.0}


@pytest.fixture
def stored(tmp_path):
    for day, (name, seconds) in enumerate(DAYS.items(), 1):
        write(tmp_path / "store" / "machine" / f"{name}.json", run_on(day, passed("bee", seconds)))
    return tmp_path / "store"


def baseline_in(folder, *, compare):
    found = gate_of(compare=compare)
    found.options.device = SimpleNamespace(key="cpu-test-1t")
    found.config.option.benchmark_storage = str(folder) if "://" in str(folder) else f"file://{folder}"
    found.config.invocation_params = SimpleNamespace(dir=folder)
    return [record.samples("latency_s")[0] for record in found._baseline().cases["bee"].records]


@pytest.mark.parametrize(
    "compare, expected",
    [
        (False, [3.0, 3.0]),
        (True, [3.0, 3.0]),
        ("0001", [1.0]),
        ("0002_second.json", [2.0]),
        ("0002*", [2.0]),
        ("machine/0001", [1.0]),
        ("0004", [3.0]),
    ],
)
def test_the_baseline_is_the_newest_recording_or_the_runs_that_are_named(stored, compare, expected):
    assert baseline_in(stored, compare=compare) == expected


def test_a_run_is_named_by_its_path_too(stored, monkeypatch):
    monkeypatch.chdir(stored)
    for path in (stored / "machine" / "0001_first.json", "machine/0001_first.json"):
        assert baseline_in(stored, compare=str(path)) == [1.0]


def test_a_name_that_nothing_stored_has_is_no_baseline(stored, tmp_path):
    for folder, compare in (
        (stored, "0009"),
        (stored, "001"),
        (tmp_path / "empty", True),
        ("elasticsearch+http://x/y", True),
    ):
        said = f"there is no baseline for cpu-test-1t in {'' if compare is True else folder}.*--benchmark-storage"
        with pytest.raises(BaselineError, match=said):
            baseline_in(folder, compare=compare)
