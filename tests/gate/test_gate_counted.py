"""Counts of a run: exactly, under one version of torch; in mode counts nothing else."""

import pytest
from gate_builders import CASE, OTHER
from record_builders import amount, count, measurement, record, run_of, scores
from store_builders import baseline

from vitcnn.gate.judge import judge
from vitcnn.report.verdicts import terminal

TORCH = {"torch": "2.15.0"}
NEWER = {"torch": "2.16.0"}


def case(operators, *, name=CASE, versions=TORCH, seconds=1.0, accuracy=0.95, parameters=100):
    return record(
        name,
        measurement("latency_s", seconds),
        scores(accuracy, accuracy + 0.001, accuracy - 0.001),
        count(parameters),
        *([count(operators, "operators")] if operators is not None else []),
        counted_with=versions,
    )


def judged(*now, before=(12, 12), counts_only=False, versions=TORCH):
    stored = baseline(*(case(number, versions=versions) for number in before))
    return judge([run_of(entry) for entry in now], stored, counts_only=counts_only)


def kinds(judgement):
    return {verdict.metric: verdict.kind for verdict in judgement.verdicts}


@pytest.mark.parametrize("now, kind", [(12, "SAME"), (13, "WORSE"), (11, "BETTER"), (None, "MISSING")])
def test_a_count_is_judged_exactly(now, kind):
    assert kinds(judged(case(now)))["operators"] == kind
    assert kinds(judged(case(now), counts_only=True))["operators"] == kind


def test_a_count_that_is_gone_may_differ_between_two_calls_and_the_message_says_so():
    (reason,) = (verdict.reason for verdict in judged(case(None)).verdicts if verdict.metric == "operators")
    assert "the run does not: two calls in a row gave different counts, or it was removed. If" in reason


def test_baselines_from_before_there_were_counts_say_new():
    assert kinds(judged(case(12), before=(None,)))["operators"] == "NEW"


def test_runs_that_disagree_are_invalid():
    assert kinds(judged(case(12), before=(12, 13)))["operators"] == "INVALID"


def test_under_another_torch_counts_are_not_judged_and_the_last_line_says_so():
    judgement = judged(case(13, versions=NEWER))
    assert "operators" not in kinds(judgement)
    assert kinds(judgement)["parameters"] == "SAME"
    assert judgement.not_judged == ("1 count under other software",)
    text = "1 count of 1 case cannot be compared, because the software differs: torch 2.15.0 -> 2.16.0."
    assert text in judgement.remarks
    said = "(not judged: 1 count under other software) (by the baseline of cpu-test-1t)"
    assert " ".join(terminal(judgement, "on", width=200).split()).endswith(said)


def test_a_baseline_of_two_versions_of_torch_judges_no_count():
    stored = baseline(case(12), case(12, versions=NEWER))
    judgement = judge([run_of(case(13))], stored)
    assert judgement.not_judged == ("1 count under other software",)
    assert "because the software differs: torch 2.15.0, 2.16.0 -> 2.15.0." in judgement.remarks[0]
    assert judge([run_of(case(13)), run_of(case(13, versions=NEWER))], stored).not_judged, "both sides are of two"


def test_all_software_that_differs_is_named():
    before, now = case(12, versions={"torch": "2.15.0", "cudnn": "9"}), case(12, versions=NEWER)
    (remark,) = judge([run_of(now)], baseline(before)).remarks[:1]
    assert remark.endswith("because the software differs: cudnn 9 -> unknown, torch 2.15.0 -> 2.16.0.")


def test_of_records_that_do_not_say_their_versions_no_count_is_judged():
    figures = measurement("latency_s", 1.0), count(12, "operators")
    older = record(CASE, *figures)
    assert (
        judge([run_of(record(CASE, *figures, counted_with=TORCH))], baseline(older))
        .remarks[0]
        .endswith("torch unknown -> 2.15.0.")
    )


def test_a_count_of_one_side_alone_is_none_that_cannot_be_compared():
    judgement = judged(case(None, versions=NEWER))
    assert kinds(judgement)["operators"] == "MISSING"
    assert judgement.not_judged == ()


def test_nothing_but_counts_that_cannot_be_compared_is_invalid():
    figure = count(12, "operators")
    bare = {versions["torch"]: record(CASE, figure, counted_with=versions) for versions in (TORCH, NEWER)}
    judgement = judge([run_of(bare["2.16.0"])], baseline(bare["2.15.0"]))
    (verdict,) = judgement.verdicts
    assert verdict.kind == "INVALID"
    assert verdict.reason.startswith("nothing was judged: 1 count of 1 case cannot be compared")


def test_mode_counts_judges_neither_times_nor_scores():
    slower = case(12, seconds=9.0, accuracy=0.5, parameters=101)
    assert kinds(judged(slower, counts_only=True)) == {"operators": "SAME", "parameters": "WORSE"}
    assert judged(slower, counts_only=True).suspects == ()
    assert set(kinds(judged(slower))) == {"operators", "parameters", "latency_s", "test_accuracy"}


def test_in_mode_counts_another_torch_is_invalid():
    judgement = judged(case(12, versions=NEWER), counts_only=True)
    assert judgement.is_invalid
    assert judgement.verdicts[0].reason.startswith("1 count of 1 case cannot be compared")


def test_mode_counts_accounts_for_cases_and_amounts():
    stored = baseline(case(12), record(OTHER, amount(100.0), counted_with=TORCH))
    judgement = judge([run_of(case(12), record(OTHER, amount(120.0), counted_with=TORCH))], stored, counts_only=True)
    assert ("WORSE", OTHER) in [(verdict.kind, verdict.case) for verdict in judgement.verdicts]
    missing = judge([run_of(case(12))], stored, counts_only=True)
    assert ("MISSING", OTHER) in [(verdict.kind, verdict.case) for verdict in missing.verdicts]
    (new,) = (
        v for v in judge([run_of(case(12), case(12, name=OTHER))], baseline(case(12))).verdicts if v.case == OTHER
    )
    assert new.kind == "NEW"


def test_mode_counts_names_the_cases_that_have_no_counts():
    timed = record(OTHER, measurement("latency_s", 1.0))
    runs, stored = [run_of(case(12), timed)], baseline(case(12), timed)
    judgement = judge(runs, stored, counts_only=True)
    assert judgement.not_judged == ("1 case without a count",)
    assert any("have no counts" in remark and OTHER in remark for remark in judgement.remarks)
    assert judge(runs, stored).not_judged == ()


def test_times_alone_cannot_be_judged_in_mode_counts():
    stored = baseline(record(CASE, measurement("latency_s", 1.0)))
    judgement = judge([run_of(record(CASE, measurement("latency_s", 1.0)))], stored, counts_only=True)
    assert [verdict.reason for verdict in judgement.verdicts] == ["nothing was judged: no case has a metric to judge"]


INSTRUCTIONS = {"torch": "2.15.0", "valgrind": "3.19.0", "cpu": "Test CPU"}


def instructions(value, *more, **others):
    entry = measurement("instructions", value, unit="1", tolerance=0.003)
    return record(CASE, entry, *more, instructions_counted_with={**INSTRUCTIONS, **others})


@pytest.mark.parametrize("now, kind", [(1_002_900, "SAME"), (1_003_100, "WORSE"), (996_000, "BETTER")])
def test_instructions_may_vary_by_three_in_a_thousand(now, kind):
    (verdict,) = judge([run_of(instructions(now))], baseline(instructions(1_000_000))).verdicts
    assert (verdict.kind, verdict.metric) == (kind, "instructions")


@pytest.mark.parametrize("other", [{"valgrind": "3.20.0"}, {"cpu": "Other CPU"}, {"torch": "2.16.0"}])
def test_instructions_under_another_valgrind_processor_or_torch_are_not_judged(other):
    latency = measurement("latency_s", 1.0)
    judgement = judge([run_of(instructions(1_100_000, latency, **other))], baseline(instructions(1_000_000, latency)))
    assert judgement.not_judged == ("1 count under other software",)
    assert [(verdict.kind, verdict.metric) for verdict in judgement.verdicts] == [("SAME", "latency_s")]
