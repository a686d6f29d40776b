import numpy as np
import pytest
from gate_builders import CASE, QUIET, medians
from record_builders import measurement, record, run_of
from store_builders import baseline

from vitcnn.gate.judge import judge
from vitcnn.gate.pairs import judge_pairs, paired_times
from vitcnn.gate.tails import LONGER, growth, tail, tails, with_tail
from vitcnn.gate.times import judge_times
from vitcnn.gate.verdict import Verdict

EVEN = (1.0,) * 30
EVERY_THIRD = (1.0, 1.0, 5.0) * 10


def rounds(*seconds):
    return measurement("latency_s", *seconds)


def verdict(**how):
    (found,) = judge_times([medians(**how)])
    return found


def test_a_tail_is_the_mean_over_the_median():
    assert tail(EVERY_THIRD) == pytest.approx(7 / 3)
    assert tail((2.0, 2.0, 10.0)) == pytest.approx(7 / 3), "whatever the unit, and three rounds are enough"
    assert tail((1.0, 2.0)) is None, "two rounds have no tail"
    assert tail((0.0, 0.0, 1.0)) is None, "nothing is relative to 0"


def test_a_run_of_too_few_rounds_leaves_all_without_tails():
    assert tails([rounds(*EVEN), rounds(*EVERY_THIRD)]) == (1.0, pytest.approx(7 / 3))
    assert tails([rounds(*EVEN), rounds(1.0)]) == ()
    assert tails([measurement("rate", *EVEN, better="higher")]) == ()


def test_todays_shortest_tail_is_compared_with_the_longest_of_the_baseline():
    assert growth((1.0, 1.2, 1.1), (1.8, 1.5)) == pytest.approx(0.25)
    assert growth((1.0, 2.0, 1.1), (1.8, 1.5)) == 0.0
    assert growth((1.0, 1.0), (9.0,)) == 0.0, "two runs of a baseline know too little"


def test_what_is_slow_now_and_then_is_open_until_three_runs_show_it_and_then_worse():
    long = (7 / 3,)
    one = verdict(current=(1.0,), tails=((1.01,) * 5, long))
    three = verdict(current=(1.0, 1.0, 1.0), tails=((1.01,) * 5, 3 * long))
    assert (one.kind, one.standing) == ("INCONCLUSIVE", "open")
    assert (three.kind, three.standing) == ("WORSE", "open")
    assert "mean of the rounds exceeds their median by 133 % or more, in the baseline by at most 1.0 %" in three.reason
    assert one.reason.endswith("in the baseline by at most 1.0 %; so few runs do not prove it")


def test_one_run_without_the_tail_clears_it():
    assert verdict(current=(1.0,) * 3, tails=((1.0,) * 5, (2.0, 2.0, 1.0))).kind == "SAME"


def test_a_tail_short_of_a_quarter_is_none():
    assert verdict(current=(1.0,) * 3, tails=((1.0,) * 5, (LONGER,) * 3)).kind == "SAME"
    assert verdict(current=(1.0,) * 3, tails=((1.0,) * 5, (1.01 * LONGER,) * 3)).kind == "WORSE"


def test_where_others_took_the_processor_a_tail_cannot_be_judged():
    found = verdict(current=(1.0,) * 3, tails=((1.0,) * 5, (2.0,) * 3), cpus=(1.0, 0.7))
    assert (found.kind, found.standing) == ("INVALID", "clear")
    assert found.reason.endswith("in the baseline by at most 0.0 %; other programs used the processor: measure again")


@pytest.mark.parametrize("kind", ["WORSE", "INVALID"])
def test_what_is_red_already_keeps_its_verdict(kind):
    red = Verdict(kind=kind, case=CASE, metric="latency_s", reason="why")
    assert with_tail(red, (1.0,) * 5, (2.0,) * 3) is red


def test_a_faster_median_does_not_excuse_a_tail():
    assert verdict(current=(0.9,) * 3, tails=((1.0,) * 5, (2.0,) * 3)).kind == "WORSE"


def test_what_is_worse_already_keeps_its_reason():
    assert "now and then" not in verdict(current=(1.5,) * 3, tails=((1.0,) * 5, (2.0,) * 3)).reason


def test_the_gate_reads_tails_from_the_rounds():
    before = [record(CASE, rounds(*(value * second for second in EVEN))) for value in QUIET]
    now = [run_of(record(CASE, rounds(*EVERY_THIRD))) for _ in range(3)]
    (found,) = judge(now, baseline(*before)).verdicts
    assert found.kind == "WORSE"


def test_pairs_show_tails_too():
    even, slow = [rounds(*EVEN)] * 3, [rounds(*EVERY_THIRD)] * 3
    assert [judge_pairs([paired_times(CASE, even, head)])[0].kind for head in (even, slow)] == ["SAME", "WORSE"]


@pytest.mark.parametrize("scale", [0.1, 0.5, 1.0])
def test_of_noisy_suites_without_a_change_few_have_a_tail_that_grew(scale):
    """Tails drawn anew for each process, as heavy as neighbours make them: one suite of 20 times in a hundred."""
    rng = np.random.default_rng(0)
    drawn = (1 + 0.1 * np.exp(scale * rng.standard_normal((20_000, 14)))).tolist()
    grown = [growth(tails[:5], tails[5:]) > LONGER - 1 for tails in drawn]
    assert sum(grown) <= 10
