from dataclasses import replace

import numpy as np
import pytest
from gate_builders import NOISY, medians
from hypothesis import assume, example, given
from hypothesis import strategies as st
from scipy import stats

from vitcnn.gate.times import (
    ALL_RERUNS,
    LOOKS,
    SUITE_LEVEL,
    SUSPICION_LEVEL,
    USUAL_RERUNS,
    Evidence,
    judge_times,
    suite_level,
    visible_change,
    weigh,
    with_odd_runs_drawn_in,
)

MIRRORED = {"WORSE": "BETTER", "BETTER": "WORSE", "SAME": "SAME", "INCONCLUSIVE": "INCONCLUSIVE"}


def kinds(entries, **how):
    return [verdict.kind for verdict in judge_times(entries, **how)]


def suite(rng, *, cases=8, noise=0.01, baseline_runs=5, current_runs=3, spread=0.06):
    """Cases whose true changes run from -spread to +spread."""
    changes = np.linspace(-spread, spread, cases)
    return [
        medians(
            case=f"case{index}",
            baseline=np.exp(noise * rng.normal(size=baseline_runs)),
            current=np.exp(change + noise * rng.normal(size=current_runs)),
        )
        for index, change in enumerate(changes)
    ]


suites = st.integers(0, 2**32 - 1).map(np.random.default_rng).map(suite)


def test_a_case_alone_is_judged_by_students_t():
    current = (1.06, 1.05, 1.09)
    (evidence,) = weigh([medians(baseline=NOISY, current=current)])
    expected = stats.ttest_ind(np.log(NOISY), np.log(current), equal_var=True, alternative="less")
    assert evidence.dof == expected.df == 6
    assert evidence.chance(evidence.effect) == pytest.approx(expected.pvalue)


def test_two_cases_share_what_they_know_and_no_more():
    one, other = medians(case="a"), medians(case="b", baseline=(1.0, 1.003, 0.997, 1.001, 0.999))
    alone, together = weigh([one])[0], weigh([one, other])
    assert alone.dof == 4
    assert all(4 < evidence.dof <= 8 for evidence in together)
    assert together[0].noise < together[1].noise


def test_reruns_of_suspects_do_not_teach_how_noisy_the_suite_is():
    quiet = [medians(case=f"case{index}") for index in range(6)]
    chosen = replace(quiet[0], current=(1.5, 1.0, 0.7))
    before, after = weigh(quiet), weigh([chosen, *quiet[1:]])
    assert [e.noise for e in after[1:]] == pytest.approx([e.noise for e in before[1:]])
    assert after[0].noise > 10 * before[0].noise


def test_nothing_to_judge():
    assert judge_times([]) == []


def test_without_more_runs_the_present_ones_are_all():
    entries = [medians(), medians(case="b", baseline=NOISY)]
    assert judge_times(entries) == judge_times(entries, more_runs=0)


WORSE = "median 1.07 s, baseline 1.00 s (5 runs, 0.998-1.00): +7.0 %, tolerance 2 %, between-run noise 0.2 %"
BETTER = "median 930 ms, baseline 1.00 s (5 runs, 0.998-1.00): -7.0 %, tolerance 2 %, between-run noise 0.2 %"
SAME = "median 1.01 s, baseline 1.00 s (5 runs, 0.998-1.00): +1.0 %, tolerance 2 %, between-run noise 0.2 %"
INCONCLUSIVE = (
    "median 1.15 s, baseline 999 ms (5 runs, 0.950-1.05 s): +15.1 %, tolerance 2 %, between-run noise 4.5 %, "
    "too noisy for a decision"
)
ONE_RUN = (
    "median 1.03 s, baseline 1.00 s: +3.0 %, tolerance 2 %, the baseline is one run, so only the tolerance decides"
)
TWO_RUNS = "median 1.00 s, baseline 1.00 s (2 runs, 1.00-1.01): -0.5 %, tolerance 2 %, between-run noise 0.7 %"


@pytest.mark.parametrize(
    "entry, kind, reason",
    [
        (medians(current=(1.07,)), "WORSE", WORSE),
        (medians(current=(0.93,)), "BETTER", BETTER),
        (medians(current=(1.01,)), "SAME", SAME),
        (medians(baseline=NOISY, current=(1.15,)), "INCONCLUSIVE", INCONCLUSIVE),
        (medians(baseline=(1.0,), current=(1.03,)), "WORSE", ONE_RUN),
        (medians(baseline=(1.0, 1.01)), "SAME", TWO_RUNS),
    ],
)
def test_each_verdict_says_why(entry, kind, reason):
    (verdict,) = judge_times([entry])
    assert (verdict.kind, verdict.reason) == (kind, reason)


def test_a_change_within_the_noise_is_no_suspect():
    assert kinds([medians(baseline=NOISY, current=(1.04,))]) == ["SAME"]


@pytest.mark.parametrize("current, kind", [(1.0199, "SAME"), (1.0201, "WORSE"), (0.9805, "SAME"), (0.9803, "BETTER")])
def test_the_tolerance_is_a_ratio_in_both_directions(current, kind):
    assert kinds([medians(baseline=(1.0,) * 5, current=(current,) * 5)]) == [kind]


def test_a_change_of_just_the_tolerance_is_within_it():
    assert kinds([medians(baseline=(1.0,), current=(2.0,), tolerance=1.0)]) == ["SAME"]


@pytest.mark.parametrize(
    "entry, kind, standing",
    [
        (medians(current=(1.5,)), "WORSE", "proven"),
        (medians(current=(0.7,)), "BETTER", "proven"),
        (medians(baseline=NOISY, current=(1.3,)), "WORSE", "open"),
        (medians(baseline=NOISY, current=(1.15,)), "INCONCLUSIVE", "open"),
        (medians(baseline=NOISY, current=(1.04,)), "SAME", "open"),
        (medians(baseline=NOISY, current=(1.01,)), "SAME", "clear"),
        (medians(baseline=NOISY, current=(0.96,)), "SAME", "clear"),
        (medians(baseline=NOISY, current=(1.003,), tolerance=0.001), "SAME", "clear"),
        (medians(baseline=(1.0,) * 5, current=(1.019,) * 5), "SAME", "clear"),
    ],
    ids=[
        "overwhelming",
        "overwhelming and better",
        "beyond the level alone",
        "undecided",
        "noise, or a growth that all runs would show",
        "within the tolerance",
        "quicker",
        "too little for a growth that all runs would show",
        "sure, and within the tolerance",
    ],
)
def test_what_more_runs_could_do(entry, kind, standing):
    (verdict,) = judge_times([entry], more_runs=ALL_RERUNS)
    assert (verdict.kind, verdict.standing) == (kind, standing)


def test_more_is_better_for_a_rate():
    assert kinds([medians(current=(value,), better="higher") for value in (0.9, 1.0, 1.1)]) == [
        "WORSE",
        "SAME",
        "BETTER",
    ]


@pytest.mark.parametrize("current, kind", [(1.01, "SAME"), (1.03, "WORSE"), (0.97, "BETTER")])
def test_with_one_baseline_run_the_tolerance_alone_decides(current, kind):
    several = [medians(case="quiet"), medians(case="noisy", baseline=NOISY)]
    verdicts = judge_times([medians(case="one", baseline=(1.0,), current=(current,)), *several])
    assert [verdict.kind for verdict in verdicts] == [kind, "SAME", "SAME"]
    assert ["only the tolerance decides" in verdict.reason for verdict in verdicts] == [True, False, False]
    assert verdicts[0].hidden is None


def test_runs_that_are_exactly_equal_can_be_judged():
    equal = [medians(case=f"case{index}", baseline=(1.0,) * 5) for index in range(4)]
    changed = replace(equal[0], current=(1.03,))
    assert kinds([changed, *equal[1:]]) == ["WORSE", "SAME", "SAME", "SAME"]


@pytest.mark.parametrize("broken", [{"baseline": (1.0, 0.0)}, {"current": (0.0,)}, {"current": (-1.0,)}])
def test_a_time_that_is_not_above_zero_is_invalid_and_spoils_no_other(broken):
    first, second = judge_times([medians(case="a", **broken), medians(case="b", current=(1.07,))])
    assert (first.kind, second.kind) == ("INVALID", "WORSE")
    assert first.name == "a::latency_s"
    shown = "-1.00 s" if broken == {"current": (-1.0,)} else "0 ns"
    assert first.reason == f"times must be above 0, got {shown}: check the clock"


def test_the_level_is_shared_by_the_metrics():
    assert suite_level(100) * 100 == pytest.approx(SUITE_LEVEL)
    assert suite_level(0) == suite_level(1)


@pytest.mark.parametrize(
    "tolerance, expected",
    [(0.0, np.expm1((1.959964 + 1.644854) * 0.01)), (0.02, np.expm1(np.log(1.02) + 0.01644854))],
)
def test_smallest_visible_change_by_hand_with_a_known_noise(tolerance, expected):
    evidence = Evidence(effect=0.0, error=0.01, noise=0.02, dof=1e9)
    assert evidence.smallest_visible(level=0.025, tolerance=tolerance) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("current, more_runs, after", [((1.0,), 0, 1), ((1.0,), 8, 9), ((1.0,) * 5, 8, 9)])
def test_what_all_runs_together_show_by_hand(current, more_runs, after):
    """At a level so strict that the last look decides what can be seen, not whether the first one is suspicious."""
    evidence = Evidence(effect=0.0, error=0.01 * np.sqrt(1 / 5 + 1 / len(current)), noise=0.01, dof=3 + len(current))
    test, error = stats.t(3 + after), 0.01 * np.sqrt(1 / 5 + 1 / after)
    seen = 0.95 if more_runs == 0 else 0.975
    expected = np.expm1((test.isf(1e-9) + test.ppf(seen)) * error)
    assert visible_change(medians(current=current), evidence, 1e-9, more_runs=more_runs) == pytest.approx(expected)


def test_noise_is_known_from_one_degree_of_freedom_on():
    entry, test = medians(baseline=(1.0, 1.0)), stats.t(1)
    known, unknown = (Evidence(effect=0.0, error=0.01, noise=0.01, dof=dof) for dof in (1, 0))
    expected = np.expm1((test.isf(0.01) + test.ppf(0.95)) * 0.01)
    assert visible_change(entry, known, 0.01, more_runs=0) == pytest.approx(expected)
    assert visible_change(entry, unknown, 0.01, more_runs=0) is None


def test_without_a_known_noise_the_smallest_visible_change_is_the_tolerance():
    evidence = Evidence(effect=0.1, error=0.01, noise=0.02, dof=0)
    assert evidence.smallest_visible(level=0.01, tolerance=0.02) == 0.02


def test_what_noise_is_said_not_to_hide_is_found_about_as_often_as_promised():
    """Suspicious at the first look, and proven by all runs that re-measuring gives."""
    rng, cases, noise = np.random.default_rng(0), 400, 0.03
    baselines = np.exp(noise * rng.normal(size=(cases, 5)))
    currents = np.exp(noise * rng.normal(size=(cases, 1 + LOOKS * USUAL_RERUNS)))
    first_looks = [medians(baseline=b, current=c[:1]) for b, c in zip(baselines, currents, strict=True)]
    calm = judge_times(first_looks, more_runs=ALL_RERUNS)
    slower = 1 + np.median([verdict.hidden for verdict in calm])
    slowed = [medians(baseline=b, current=c * slower) for b, c in zip(baselines, currents, strict=True)]
    first = judge_times([replace(entry, current=entry.current[:1]) for entry in slowed], more_runs=ALL_RERUNS)
    last = kinds(slowed)
    share = np.mean([one.standing != "clear" and other == "WORSE" for one, other in zip(first, last, strict=True)])
    assert 0.93 < share < 1
    assert slower - 1 > 4 * noise * np.sqrt(1 / 5 + 1 / 9)


@given(suites, st.floats(0.8, 1.25))
@example(suite(np.random.default_rng(3_916_241_715)), 0.9765625)
def test_swapping_baseline_and_current_mirrors_the_verdicts_where_both_are_as_noisy(entries, change):
    """The noise is learnt from the baseline; of unequal samples the swapped ones would be judged by another noise.

    An odd run is drawn in in the baseline alone, so such suites are no mirrors; which is odd, the current runs say too.
    """
    moved = [replace(entry, current=tuple(change * value for value in entry.baseline)) for entry in entries]
    swapped = [replace(entry, baseline=entry.current, current=entry.baseline) for entry in moved]
    assume(not any(entry.odd for side in (moved, swapped) for entry in with_odd_runs_drawn_in(side)))
    assert kinds(swapped) == [MIRRORED[kind] for kind in kinds(moved)]


@given(suites)
def test_a_rate_is_judged_as_its_time(entries):
    rates = [
        replace(
            entry,
            better="higher",
            baseline=tuple(1 / value for value in entry.baseline),
            current=tuple(1 / value for value in entry.current),
        )
        for entry in entries
    ]
    assert kinds(rates) == kinds(entries)


@given(suites, st.sampled_from([2.0**-20, 0.25, 1024.0]))
def test_the_unit_of_time_changes_nothing(entries, scale):
    scaled = [
        replace(
            entry,
            baseline=tuple(scale * value for value in entry.baseline),
            current=tuple(scale * value for value in entry.current),
        )
        for entry in entries
    ]
    assert kinds(scaled) == kinds(entries)


@given(suites, st.randoms(use_true_random=False))
def test_the_order_of_the_cases_changes_nothing(entries, random):
    shuffled = random.sample(entries, len(entries))
    by_case = {verdict.case: verdict.kind for verdict in judge_times(shuffled)}
    assert [by_case[entry.case] for entry in entries] == kinds(entries)


@given(suites, st.floats(0.005, 0.05))
def test_a_larger_tolerance_makes_no_verdict_sharper(entries, more):
    patient = [replace(entry, tolerance=entry.tolerance + more) for entry in entries]
    assert all(new in ("SAME", old) for old, new in zip(kinds(entries), kinds(patient), strict=True))


def test_suspicion_is_weaker_than_proof():
    assert suite_level(1) < SUSPICION_LEVEL
