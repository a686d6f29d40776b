"""Judging made-up runs of two revisions: whose fault a failure is, and what is said where nothing is stored."""

from dataclasses import replace
from pathlib import Path

import pytest
from record_builders import ended, passed, run_on
from store_builders import recording

from vitcnn.gate.comparison import Comparison
from vitcnn.gate.verdict import Verdict
from vitcnn.report.verdicts import terminal

BASE, HEAD = "base main (1a2b3c4)", "head (5d6e7f8)"
OK = passed("ok", 1.0)


def comparison(base, head, pairs=3):
    """Return the comparison of runs that all end alike on each side."""
    sides = {"base": [run_on(1, *base)] * pairs, "head": [run_on(1, *head)] * pairs}
    return of_runs(**sides)


def of_runs(base, head):
    return Comparison(
        base=recording(BASE, *base), head=recording(HEAD, *head), out=Path("out"), remarks=("Measured so.",)
    )


def kinds(judgement):
    return {verdict.case: verdict.kind for verdict in judgement.verdicts}


def test_what_fails_on_both_sides_is_not_the_heads_fault_but_listed():
    both = ended("a", "failed", "OSError: no bone")
    found = comparison([OK, both], [OK, both])
    judgement = found.judged("allow-new")
    assert kinds(judgement) == {"ok": "SAME"}
    assert judgement.remarks[:2] == (
        "Measured so.",
        f"Not judged, because it fails in both revisions: a: failed: OSError: no bone; it also fails in the {BASE}.",
    )
    assert judgement.not_judged == ("1 case that fails in both revisions",)
    last = terminal(judgement, "allow-new", width=400).splitlines()[-1]
    assert last.endswith("(not judged: 1 case that fails in both revisions)")


def test_what_failed_in_the_base_and_was_left_out_of_later_pairs_is_said_to_have_failed():
    base = [run_on(1, OK, ended("a", "failed", "no bone")), run_on(2, OK, ended("a", "deselected", "left out"))]
    head = [run_on(1, OK, passed("a", 1.0)), run_on(2, OK, ended("a", "deselected", "left out"))]
    judgement = of_runs(base, head).judged("allow-new")
    (new,) = (verdict for verdict in judgement.verdicts if verdict.kind == "NEW")
    assert new.reason == f"no result in the {BASE}: failed: no bone"
    assert judgement.not_judged == ()


@pytest.mark.parametrize("mode", ["on", "strict"])
def test_where_every_case_must_be_judged_it_is_red(mode):
    both = ended("a", "out_of_memory", "too big")
    judgement = comparison([OK, both], [OK, both]).judged(mode)
    (red,) = judgement.red(mode)
    assert (red.kind, red.case) == ("FAILED", "a")
    assert red.reason == f"out of memory: too big; it also fails in the {BASE}"


@pytest.mark.parametrize("before", [[], [passed("a", 1.0)], [ended("a", "skipped", "no data")]])
def test_what_fails_in_the_head_alone_is_red(before):
    judgement = comparison([OK, *before], [OK, ended("a", "failed", "broken")]).judged("allow-new")
    (red,) = judgement.red("allow-new")
    assert (red.kind, red.case, red.reason) == ("FAILED", "a", "failed: broken")


@pytest.mark.parametrize(
    "before, why",
    [
        ([], "it has no such case"),
        ([ended("a", "failed", "OSError")], "failed: OSError"),
        ([ended("a", "skipped", "no data")], "skipped: no data"),
        ([ended("a", "out_of_memory")], "out of memory"),
    ],
)
def test_what_has_no_result_in_the_base_is_new_and_says_why(before, why):
    judgement = comparison([OK, *before], [OK, passed("a", 1.0)]).judged("allow-new")
    (new,) = (verdict for verdict in judgement.verdicts if verdict.kind == "NEW")
    assert (new.case, new.reason) == ("a", f"no result in the {BASE}: {why}")
    assert judgement.red("allow-new") == ()
    assert judgement.red("on") == (new,)


def test_what_the_head_no_longer_collects_or_skips_is_missing():
    judgement = comparison([OK, passed("a"), passed("b")], [OK, ended("b", "skipped", "no GPU")]).judged("allow-new")
    reasons = {verdict.case: verdict.reason for verdict in judgement.red("allow-new")}
    assert reasons["a"] == f"measured in the {BASE}, not collected in the {HEAD}: it was removed or renamed"
    assert reasons["b"].startswith("skipped: no GPU")
    assert kinds(judgement) == {"a": "MISSING", "b": "MISSING", "ok": "SAME"}


def test_other_settings_cannot_be_recorded_anew():
    record = replace(OK.record, settings={**OK.record.settings, "data_sha256": "b" * 64})
    (invalid,) = comparison([OK], [replace(OK, record=record)]).judged("allow-new").red("allow-new")
    assert (invalid.kind, invalid.case) == ("INVALID", "ok")
    assert invalid.reason.startswith("its settings differ from the baseline: data_sha256 ")
    assert invalid.reason.endswith("b" * 40)


def test_of_several_runs_of_the_base_the_last_one_says_why_there_is_no_result():
    base = [run_on(1, OK, ended("a", "failed", f"in run {number}")) for number in (1, 2, 3)]
    (new, _) = of_runs(base, [run_on(1, OK, passed("a"))] * 3).judged("on").verdicts
    assert (new.kind, new.reason) == ("NEW", f"no result in the {BASE}: failed: in run 3")


@pytest.mark.parametrize(
    "base, why",
    [
        (
            [[ended("a", "failed", f"in run {number}."), ended("b", "skipped", "No data.")] for number in (1, 2, 3)],
            "a: failed: in run 3; b: skipped: No data",
        ),
        ([[]], "it has none"),
    ],
)
def test_a_base_in_which_nothing_passed_cannot_judge(base, why):
    judgement = of_runs([run_on(1, *cases) for cases in base], [run_on(1, OK)]).judged("allow-new")
    (verdict,) = judgement.verdicts
    assert (verdict.kind, verdict.reason) == (
        "INVALID",
        f"no case passed in the {BASE}: {why}. See {Path('out', 'base-1', 'terminal.txt')}",
    )
    assert judgement.remarks == ("Measured so.",)


def test_in_mode_counts_no_time_is_judged():
    (verdict,) = comparison([OK], [OK]).judged("counts").verdicts
    assert verdict.reason == "nothing was judged: no case has a metric to judge"


def test_where_all_that_is_left_failed_on_both_sides_nothing_was_judged():
    both, gone = ended("a", "failed", "broken"), ended("ok", "deselected")
    narrowed = replace(run_on(1, gone, both), selection=replace(run_on(1).selection, keyword="a"))
    (verdict,) = of_runs(base=[run_on(1, OK, both)], head=[narrowed]).judged("allow-new").verdicts
    assert (verdict.kind, verdict.case) == ("INVALID", "the whole run")
    assert verdict.reason == "no case passed in both revisions"


def test_a_case_that_fails_now_and_then_in_the_base_leaves_no_pairs():
    flaky = [run_on(1, OK, passed("a")), run_on(1, OK, ended("a", "failed", "at times"))]
    judgement = of_runs(base=flaky, head=[run_on(1, OK, passed("a"))] * 2).judged("allow-new")
    assert kinds(judgement) == {"a": "INVALID", "ok": "SAME"}


def test_pairs_cancel_what_drifts():
    """Each run takes 10 % longer than the one before: unpaired, 1 % of change would drown in that."""
    drifting = [1.1**place for place in range(8)]
    base = [run_on(1, *(passed(name, drifting[p]) for name in "abcd")) for p in (0, 3, 4, 7)]
    head = [run_on(1, *(passed(name, drifting[p] * 1.4) for name in "abcd")) for p in (1, 2, 5, 6)]
    changes = [verdict.change for verdict in of_runs(base, head).judged("on").verdicts]
    assert changes == pytest.approx([0.4] * 4)


def test_the_undecided_is_helped_by_more_pairs():
    base, head = [
        [run_on(1, OK, passed("a", value)) for value in values] for values in ([1.0] * 5, [1.03, 1.08, 1.0, 1.09, 1.0])
    ]
    judgement = of_runs(base, head).judged("allow-new")
    assert kinds(judgement) == {"a": "INCONCLUSIVE", "ok": "SAME"}
    assert judgement.remarks[-1] == ("1 case INCONCLUSIVE. More pairs can decide, with --pairs 32 --minutes 60.")


def test_more_pairs_decide_no_score():
    verdicts = [
        Verdict(kind="INCONCLUSIVE", case=case, metric=metric, reason="")
        for case, metric in (("a", "latency_s"), ("b", "test_accuracy"), ("a", "step_time_s"))
    ]
    assert Comparison.undecided(verdicts) == ("a",)


@pytest.mark.parametrize("base, head, is_told", [("1a2b", "1a2b", True), ("1a2b", "5d6e", False), ("", "", False)])
def test_a_comparison_of_a_revision_with_itself_says_so(base, head, is_told):
    sides = {side: [run_on(1, OK, git_commit=commit)] for side, commit in (("base", base), ("head", head))}
    judgement = of_runs(**sides).judged("on")
    assert judgement.judged_by == ("itself: base and head are the same revision" if is_told else "")
    assert judgement.not_judged == ()


COMMIT, CHANGED = {"git_commit": "1a2b", "git_dirty": False}, {"git_commit": "1a2b", "git_dirty": True}
ITSELF = "itself: base and head are the same revision"


@pytest.mark.parametrize(
    "base, head, said",
    [
        (COMMIT, {"git_commit": ""}, "the base; the head has no known commit"),
        ({"git_commit": ""}, COMMIT, "the base; the base has no known commit"),
        (COMMIT, {**CHANGED, "git_changes": "aa"}, "the base; the head has uncommitted changes"),
        ({**CHANGED, "git_changes": "aa"}, {**CHANGED, "git_changes": "aa"}, ITSELF),
        (
            {**CHANGED, "git_changes": "aa"},
            {**CHANGED, "git_changes": "bb"},
            "the base; the base has uncommitted changes and the head has uncommitted changes",
        ),
        (CHANGED, CHANGED, "the base; the base has uncommitted changes and the head has uncommitted changes"),
        (COMMIT, {**CHANGED, "git_commit": "5d6e"}, "the base; the head has uncommitted changes"),
        (COMMIT, COMMIT, ITSELF),
    ],
)
def test_the_last_line_says_what_is_known_of_both_revisions(base, head, said):
    judgement = of_runs(base=[run_on(1, OK, **base)], head=[run_on(1, OK, **head)]).judged("on")
    assert judgement.judged_by == said
    assert terminal(judgement, "on", width=400).splitlines()[-1].endswith(f"(by {said})")


def test_one_run_of_unknown_commit_is_enough_to_say_nothing_of_its_side():
    known, unknown = run_on(1, OK, **COMMIT), run_on(1, OK)
    assert of_runs(base=[known, unknown], head=[known, known]).judged("on").judged_by.endswith("no known commit")
