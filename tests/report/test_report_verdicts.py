import re
from dataclasses import replace

import pytest
from record_builders import ended, latency, passed, run_of, run_on

from vitcnn.gate.verdict import KINDS, MODES, RED, WHOLE_RUN, Judgement, Verdict
from vitcnn.record import CaseResult
from vitcnn.report.verdicts import (
    ADVICE,
    LONGEST_REASON,
    MOST_LINES,
    markdown,
    measured_again,
    resumed,
    terminal,
    to_continue,
)

LENET, TINY = "latency/lenet/28/b1/fp32/eager", "latency/vit_tiny/224/b16/bf16/compiled"
SLOW = "median 5.31 ms, baseline 4.98 ms (5 runs, 4.95-5.02): +6.6 %, tolerance 2 %, between-run noise 0.6 %"


def worse(case=LENET, metric="latency_s", reason=SLOW, change=0.066):
    return Verdict(kind="WORSE", case=case, metric=metric, reason=reason, change=change)


def same(case, metric="latency_s"):
    return Verdict(kind="SAME", case=case, metric=metric, reason="as it was", change=0.0)


def judged(*verdicts, **others):
    return Judgement(verdicts=verdicts, **others)


SAME_ALL = judged(same(LENET), same(LENET, "peak_allocated_bytes"), same(TINY))
SEVERAL = judged(worse(), Verdict(kind="MISSING", case=TINY, reason="not collected"), same(LENET, "macs"))


@pytest.mark.parametrize("mode", MODES)
def test_where_all_is_the_same_one_line_says_so(mode):
    assert terminal(SAME_ALL, mode, width=80) == f"GREEN (mode {mode}): 3 figures judged, 0 undecided, 0 blind: 3 SAME"
    assert (
        terminal(judged(same(TINY)), mode, width=80)
        == f"GREEN (mode {mode}): 1 figure judged, 0 undecided, 0 blind: 1 SAME"
    )


def test_a_wide_terminal_shows_a_line_for_each_verdict_that_is_not_same_in_the_judgements_order():
    head, _rule, first, second, *rest = terminal(SEVERAL, "on", width=200).splitlines()
    assert re.split(r"  +", head.strip()) == ["verdict", "case", "metric", "change", "why"]
    assert re.split(r"  +", first.strip()) == ["WORSE", LENET, "latency_s", "+6.6 %", SLOW]
    assert re.split(r"  +", second.strip()) == ["MISSING", TINY, "not collected"]
    assert "macs" not in "".join(rest)
    assert rest[-1] == "RED (mode on): 2 figures judged, 0 undecided, 0 blind: 1 WORSE, 1 MISSING, 1 SAME"


@pytest.mark.parametrize("width", range(80, 220, 7))
def test_nothing_is_wider_than_the_terminal_and_nothing_is_lost(width):
    judgement = judged(*SEVERAL.verdicts, drift=(worse(TINY),), remarks=("Skipped: " + "no such data here, " * 9,))
    text = terminal(judgement, "on", width=width)
    assert max(map(len, text.splitlines())) <= width
    assert LENET in text, "an id is never cut, so that it can be copied"
    assert re.search(r"\s+".join(map(re.escape, SLOW.split())), text)


@pytest.mark.parametrize("width", [79, 60, 20, 1])
def test_a_narrower_terminal_still_shows_all(width):
    words = terminal(SEVERAL, "on", width=width).split()
    assert {"WORSE", LENET, "latency_s", "MISSING", TINY, "RED"} <= {*words, *(word.rstrip(":") for word in words)}


def test_a_path_is_not_broken_in_a_reason():
    path = "/srv/" + "very_long_folder_name/" * 8 + "run.json"
    text = terminal(judged(Verdict(kind="INVALID", case=WHOLE_RUN, reason=f"{path}: cut off")), "on", width=80)
    assert path in text


@pytest.mark.parametrize(
    "metric, change, shown",
    [
        ("latency_s", 0.066, "+6.6 %"),
        ("latency_s", -0.004, "-0.4 %"),
        ("test_accuracy", -0.031, "-3.1 points"),
        ("a_metric_of_tomorrow", 1.5, "+150 %"),
    ],
)
def test_a_change_is_relative_but_that_of_a_score_is_in_points(metric, change, shown):
    row = terminal(judged(worse(metric=metric, change=change)), "on", width=220).splitlines()[2]
    assert re.split(r"  +", row)[3] == shown


def test_drift_and_remarks_are_told_though_all_is_the_same():
    judgement = judged(same(LENET), drift=(worse(TINY, reason="+9.9 %"),), remarks=("Narrowed by -k 'latency'.",))
    assert terminal(judgement, "on", width=200).splitlines() == [
        f"Since the oldest baseline, step by step: {TINY}::latency_s: +9.9 %",
        "Narrowed by -k 'latency'.",
        "GREEN (mode on): 1 figure judged, 0 undecided, 0 blind: 1 SAME",
    ]


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("kind", sorted(set(KINDS) - {"SAME"}))
def test_the_last_line_says_green_or_red_and_what_there_is(kind, mode):
    judgement = judged(Verdict(kind=kind, case=TINY, reason="why"), same(LENET))
    colour = "RED" if kind in RED[mode] else "GREEN"
    undecided = int(kind == "INCONCLUSIVE")
    last = f"{colour} (mode {mode}): 1 figure judged, {undecided} undecided, 0 blind: 1 {kind}, 1 SAME"
    assert terminal(judgement, mode, width=120).splitlines()[-1] == last
    assert markdown(judgement, mode).startswith(f"## vitcnn gate: {colour}\n\n{last}")


def test_the_last_line_leads_with_what_was_looked_at_and_the_smallest_visible_change():
    verdicts = [
        Verdict(kind="SAME", case=LENET, metric="latency_s", reason="", visible=0.031, hidden=0.02),
        Verdict(kind="SAME", case=TINY, metric="latency_s", reason="", visible=0.05, hidden=0.04),
        Verdict(kind="INCONCLUSIVE", case=TINY, metric="step_time_s", reason="", visible=1.3, hidden=1.2),
        Verdict(kind="SAME", case=LENET, metric="test_accuracy", reason="", visible=0.0134),
        Verdict(kind="SAME", case=LENET, metric="parameters", reason=""),
    ]
    another = Verdict(kind="SAME", case=TINY, metric="test_accuracy", reason="", visible=0.0934)
    assert "and -5.3 points in the median score, -9.3 in the noisiest: " in terminal(
        judged(*verdicts, another), "on", width=240
    )
    assert terminal(judged(*verdicts), "on", width=220).splitlines()[-1] == (
        "GREEN (mode on): 5 figures judged, 1 undecided, 1 blind, smallest visible change +5.0 % in the median time, "
        "+130 % in the noisiest and -1.3 points in the median score: 1 INCONCLUSIVE, 4 SAME"
    )


@pytest.mark.parametrize(
    "kind, advice",
    [
        ("NEW", "`vitcnn baseline record`"),
        ("BETTER", "a later regression could go unnoticed"),
        ("WORSE", "If the change is intended, run"),
        ("INCONCLUSIVE", "a larger tolerance"),
    ],
)
def test_what_to_do_is_said_once_and_only_where_it_applies(kind, advice):
    several = judged(*(Verdict(kind=kind, case=case, reason="why") for case in (LENET, TINY)))
    for text in (terminal(several, "on", width=200), markdown(several, "on")):
        assert text.count(f"{kind}: ") == 1
        assert advice in text
    assert f"{kind}: " not in terminal(judged(Verdict(kind="FAILED", case=TINY, reason="why")), "on", width=200)


def table_of(text):
    return [line for line in text.splitlines() if line.startswith("|")]


def test_markdown_has_a_table_of_what_is_not_same_and_counts_the_rest():
    text = markdown(SEVERAL, "on")
    assert table_of(text) == [
        "| verdict | case | metric | change | why |",
        "| --- | --- | --- | --- | --- |",
        f"| WORSE | `{LENET}` | `latency_s` | +6.6 % | {SLOW} |",
        f"| MISSING | `{TINY}` |  |  | not collected |",
    ]
    assert "\n\n| verdict" in text, "a table begins behind an empty line, or it is none"
    assert "1 WORSE, 1 MISSING, 1 SAME" in text


def test_markdown_without_anything_to_list_has_no_table():
    assert markdown(SAME_ALL, "on") == (
        "## vitcnn gate: GREEN\n\nGREEN (mode on): 3 figures judged, 0 undecided, 0 blind: 3 SAME\n"
    )


def test_a_table_of_markdown_is_not_broken_by_what_stands_in_it():
    odd = Verdict(kind="FAILED", case="test_a.py::test[x|y`z]", reason="<b>first | line\nsecond\r\n\n| third |")
    (_head, _rule, row) = table_of(markdown(judged(odd), "on"))
    assert row == (r"| FAILED | `test_a.py::test[x\|y'z]` |  |  | &lt;b>first \| line second \| third \| |")


def test_drift_and_remarks_are_lists_in_markdown():
    judgement = judged(same(LENET), drift=(worse(TINY, reason="+9.9 %"),), remarks=("Other <software>.",))
    assert markdown(judgement, "on").splitlines()[4:] == [
        f"- Since the oldest baseline, step by step: `{TINY}::latency_s`: +9.9 %",
        "",
        "- Other &lt;software>.",
    ]


@pytest.mark.parametrize("more", [0, 1, 300])
def test_long_lists_in_markdown_end_with_how_many_more_there_are(more):
    verdicts = [worse(f"latency/{number}") for number in range(MOST_LINES + more)]
    text = markdown(judged(*verdicts, drift=tuple(verdicts)), "on")
    assert len(table_of(text)) == 2 + MOST_LINES
    assert text.count("\n- Since the oldest") == MOST_LINES
    assert text.count(f"... and {more} more") == (2 if more else 0)


def test_markdown_stays_under_what_github_shows():
    endless = Verdict(kind="FAILED", case=LENET, reason="\N{GRINNING FACE}" * 10**5)
    text = markdown(judged(*[endless] * 2000, drift=(worse(),)), "on")
    assert len(text.encode()) < 2**20
    assert "\N{GRINNING FACE}" * LONGEST_REASON + " ..." in text


def test_what_was_measured_again_is_counted_once_a_case():
    first = run_of(latency("lenet", 1.0), latency("vit_tiny", 1.0))
    again = run_on(1, passed(LENET), passed(TINY), ended("x", "deselected"))
    assert measured_again([first]) == ()
    assert measured_again([first, run_on(1, ended(LENET, "deselected"))]) == ()
    assert measured_again([first, again]) == ("Measured again: 2 cases, in 1 more run.",)
    assert measured_again([first, again, again]) == ("Measured again: 2 cases, in 2 more runs.",)


def test_a_resumed_run_is_named():
    first = run_on(1, latency("lenet", 1.0), git_commit="1a2b")
    assert resumed(first) == ()
    (remark,) = resumed(first, replace(first, resumed=("a", "b")))
    assert remark == "Resumed: 2 cases taken from an earlier run. This run cannot become a baseline."
    (doubt,) = resumed(replace(first, resumed=("a",)), run_on(1, git_commit=""))
    assert doubt.endswith(". There is no git revision, so nobody checked that the code is the same.")


def test_a_run_that_ended_early_says_how_to_go_on():
    whole = run_of(latency("lenet", 1.0), CaseResult(id="f", outcome="failed"), CaseResult(id="s", outcome="skipped"))
    assert to_continue(whole, "runs/1") == ()
    early = run_of(CaseResult(id="a", outcome="interrupted"), CaseResult(id="b", outcome="not_run"))
    (line,) = to_continue(early, "my runs/1")
    assert line == "To measure 2 more cases, give the same command again with --resume 'my runs/1'."


@pytest.mark.parametrize("advice, is_shown", [(ADVICE, True), ({}, False)])
def test_advice_is_for_stored_baselines_and_may_be_left_out(advice, is_shown):
    judgement = judged(worse())
    for text in (terminal(judgement, "on", width=120, advice=advice), markdown(judgement, "on", advice=advice)):
        assert ("vitcnn baseline record" in text) == is_shown
