from dataclasses import replace

import pytest
from gate_builders import CASE, NOISY, OTHER, QUIET, five
from hypothesis import given
from hypothesis import strategies as st
from record_builders import ENVIRONMENT, amount, count, ended, measurement, passed, record, run_of, scores, timed
from store_builders import baseline

from vitcnn.gate.beside_others import ENOUGH_RUNS
from vitcnn.gate.judge import judge, too_blind
from vitcnn.gate.remarks import NEARLY_BLIND
from vitcnn.gate.times import ALL_RERUNS
from vitcnn.gate.verdict import ALWAYS_RED, KINDS, RED, WHOLE_RUN, Judgement, Verdict, worst_first
from vitcnn.record import Selection
from vitcnn.record.record import SPOILING_CLOCKS

BASELINE = baseline(*five(CASE), *five(OTHER))
THIRD = "latency/resnet18/28/b1/fp32/eager"


def judged(*results, stored=BASELINE, **more):
    return judge([run_of(*results, **more)], stored)


def kinds(judgement):
    return {verdict.name: verdict.kind for verdict in judgement.verdicts}


def whole_run(judgement):
    (verdict,) = judgement.verdicts
    assert verdict.case == WHOLE_RUN
    assert verdict.kind == "INVALID"
    assert judgement.is_invalid
    return verdict.reason


def test_a_run_like_its_baseline_is_the_same():
    judgement = judged(timed(CASE, 1.0), timed(OTHER, 1.001))
    assert kinds(judgement) == {f"{CASE}::latency_s": "SAME", f"{OTHER}::latency_s": "SAME"}
    assert judgement == replace(judgement, drift=(), remarks=())
    assert judgement.suspects == ()
    assert not judgement.is_invalid


def test_runs_that_may_follow_count_in_what_can_be_seen():
    stored = baseline(*(record(CASE, measurement("latency_s", s), scores(0.95, 0.94, 0.97, 0.92)) for s in QUIET))
    ours = run_of(record(CASE, measurement("latency_s", 1.0), scores(0.95, 0.93)))
    now, then = judge([ours], stored, more_runs=0), judge([ours], stored, more_runs=ALL_RERUNS)
    assert judge([ours], stored) == now
    assert {v.name: v.visible for v in then.verdicts}.keys() == {f"{CASE}::latency_s", f"{CASE}::test_accuracy"}
    assert all(one.visible != other.visible for one, other in zip(now.verdicts, then.verdicts, strict=True))


def test_worse_cases_come_first_and_are_suspects():
    judgement = judged(timed(CASE, 1.05), timed(OTHER, 1.10), timed(THIRD, 1.0))
    assert [(v.kind, v.case) for v in judgement.verdicts] == [("WORSE", OTHER), ("WORSE", CASE), ("NEW", THIRD)]
    assert set(judgement.suspects) == {CASE, OTHER}


def test_every_metric_is_judged_by_its_rule():
    def case(seconds, parameters, saved, peak, accuracy):
        return record(
            CASE,
            measurement("latency_s", *seconds),
            measurement("images_per_s", *(1 / value for value in seconds), unit="image/s", better="higher"),
            count(parameters),
            count(saved, "saved_for_backward_bytes", "B"),
            amount(peak),
            scores(*accuracy),
        )

    before = [case((value, 9.0, value), 100, 1000, 1e6, (0.95, 0.951, 0.949)) for value in QUIET]
    after = case((0.1, 1.0, 1.0), 101, 1000, 0.9e6, (0.85, 0.851, 0.849))
    assert kinds(judged(after, stored=baseline(*before))) == {
        f"{CASE}::latency_s": "SAME",
        f"{CASE}::parameters": "WORSE",
        f"{CASE}::saved_for_backward_bytes": "SAME",
        f"{CASE}::peak_allocated_bytes": "BETTER",
        f"{CASE}::test_accuracy": "WORSE",
    }


def test_counts_and_amounts_are_no_suspects():
    judgement = judged(record(CASE, count(2), amount(200)), stored=baseline(record(CASE, count(1), amount(100))))
    assert {v.kind for v in judgement.verdicts} == {"WORSE"}
    assert judgement.suspects == ()


def test_undecided_scores_are_suspects_that_more_seeds_decide():
    before, after = record(CASE, scores(0.95, 0.90, 0.97)), record(CASE, scores(0.93, 0.86, 0.90))
    judgement = judged(after, stored=baseline(before))
    assert kinds(judgement) == {f"{CASE}::test_accuracy": "INCONCLUSIVE"}
    assert judgement.suspects == judgement.undecided == (CASE,)


def test_scores_are_set_beside_each_other_seed_by_seed():
    def trained(seeds, *shares):
        return record(CASE, scores(*shares), seeds=seeds)

    stored = baseline(trained([0, 1, 2], 0.90, 0.95, 0.91), trained([3, 4, 5], 0.85, 0.99, 0.92))
    assert kinds(judged(trained([3, 4, 5], 0.85, 0.99, 0.92), stored=stored)) == {f"{CASE}::test_accuracy": "SAME"}
    (verdict,) = judged(trained([3, 4, 5], 0.83, 0.97, 0.90), stored=stored).verdicts
    assert (verdict.kind, round(verdict.change, 6)) == ("WORSE", -0.02), "not against all six seeds"
    (verdict,) = judged(trained([3, 4, 5], 0.8), stored=stored).verdicts
    assert (verdict.kind, verdict.name, verdict.reason) == (
        "INVALID",
        f"{CASE}::test_accuracy",
        "a record names more or fewer seeds than it has scores: measure again",
    )


@pytest.mark.parametrize("paired, kind", [(True, "WORSE"), (False, "INCONCLUSIVE")])
def test_of_pairs_only_those_of_the_whole_suite_judge_a_score(paired, kind):
    """Later pairs measure the case without the others, to decide its time. With a baseline, more whole runs decide."""

    def trained(block, fall):
        shares = (0.95 + 0.004 * (-1) ** seed - fall for seed in range(3 * block, 3 * block + 3))
        return record(CASE, scores(*shares), seeds=list(range(3 * block, 3 * block + 3)))

    others = [timed(OTHER, 1.0)]
    runs = [run_of(trained(block, 0.02), *others) for block in range(3)] + [run_of(trained(b, 0.0)) for b in (3, 4)]
    stored = baseline(*(trained(block, 0.0) for block in range(5)), *others)
    (verdict,) = (v for v in judge(runs, stored, paired=paired).verdicts if v.metric == "test_accuracy")
    assert verdict.kind == kind
    assert "9 seeds" in verdict.reason
    assert ("together with the other cases" in verdict.reason) == (not paired)
    assert ("baseline 95.0 % (9 seeds" in verdict.reason) == paired


def test_a_metric_of_one_side_alone_is_named():
    both = judged(record(CASE, count(1)), stored=baseline(timed(CASE, 1.0)))
    assert {v.name: (v.kind, v.reason) for v in both.verdicts} == {
        f"{CASE}::latency_s": (
            "MISSING",
            "the baseline has this metric, the run does not: it was removed. If this is intended, record the "
            "baseline again",
        ),
        f"{CASE}::parameters": (
            "NEW",
            "the baseline does not have this metric. Record one with `vitcnn baseline record` and commit it.",
        ),
    }


def test_a_metric_that_is_not_judged_may_come_and_go():
    """time_to_accuracy_s is absent where one seed of a run misses the target: test_accuracy says what that means."""
    score = scores(0.95, 0.951, 0.949)
    without, reached = record(CASE, score), record(CASE, score, measurement("time_to_accuracy_s", 1.0, 1.1, 1.2))
    for now, before in ((without, reached), (reached, without)):
        assert kinds(judged(now, stored=baseline(*[before] * 5))) == {f"{CASE}::test_accuracy": "SAME"}


def test_a_metric_that_this_version_does_not_know_is_invalid():
    unknown = record(CASE, measurement("joules", 1.0), measurement("latency_s", 1.0))
    judgement = judged(unknown, stored=baseline(*five(CASE)))
    assert kinds(judgement) == {f"{CASE}::joules": "INVALID", f"{CASE}::latency_s": "SAME"}
    assert (
        judgement.verdicts[0].reason
        == "this version of vitcnn does not have this metric: install the version that measured it"
    )


@pytest.mark.parametrize("clock", sorted(SPOILING_CLOCKS))
def test_times_of_a_throttled_gpu_are_invalid_and_its_counts_are_not(clock):
    settings = {"clocks": [clock, "sw_power_cap"]}
    before = record(CASE, measurement("latency_s", 1.0), count(1))
    after = replace(before, settings={**before.settings, **settings})
    reason = "the GPU was throttled in 1 of 2 {} runs: " + clock + ". Cool it, or limit its power, and measure again"
    for runs, stored, whose in (([before, after], [before], "current"), ([before], [before, after], "baseline")):
        judgement = judge([run_of(entry) for entry in runs], baseline(*stored))
        assert kinds(judgement) == {f"{CASE}::latency_s": "INVALID", f"{CASE}::parameters": "SAME"}
        assert judgement.verdicts[0].reason == reason.format(whose)


def test_a_power_cap_set_for_good_spoils_nothing():
    capped = [timed(CASE, value, clocks=["sw_power_cap"]) for value in (*QUIET, 1.0)]
    assert kinds(judged(capped[-1], stored=baseline(*capped[:-1]))) == {f"{CASE}::latency_s": "SAME"}


def test_a_number_of_something_else_is_invalid():
    judgement = judged(timed(CASE, 1.0, timer="event"), stored=baseline(*five(CASE)))
    assert [(v.kind, v.name, v.reason) for v in judgement.verdicts] == [
        (
            "INVALID",
            CASE,
            "its settings differ from the baseline: timer perf_counter -> event. If this is intended, record the "
            "baseline again",
        )
    ]


@pytest.mark.parametrize("changed", [{"unit": "ms"}, {"better": "higher"}])
def test_a_metric_that_means_another_thing_is_invalid(changed):
    now = record(CASE, measurement("latency_s", 1.28, **changed))
    (verdict,) = judged(now, stored=baseline(*five(CASE))).verdicts
    assert (verdict.kind, verdict.name) == ("INVALID", f"{CASE}::latency_s")
    assert "s, lower is better -> " in verdict.reason


@pytest.mark.parametrize("timer", ["event", "wall_clock"])
def test_one_odd_run_among_the_baselines_is_seen(timer):
    stored = baseline(*five(CASE)[:4], timed(CASE, 1.0, timer=timer))
    assert kinds(judged(timed(CASE, 1.0), stored=stored)) == {CASE: "INVALID"}


def test_a_case_whose_runs_of_one_revision_trained_different_models_is_invalid():
    before = [timed(CASE, 1.0, untrained_sha256=sha256) for sha256 in "aaaab"]
    assert kinds(judged(timed(CASE, 1.0, untrained_sha256="c"), stored=baseline(*before[:4]))) != {CASE: "INVALID"}
    assert kinds(judged(timed(CASE, 1.0, untrained_sha256="c"), stored=baseline(*before))) == {CASE: "INVALID"}


def test_another_device_is_invalid():
    reason = whole_run(judged(timed(CASE, 1.0), device_key="nvidia-h200"))
    assert reason == (
        "measured on nvidia-h200, but the baseline is of cpu-test-1t. Record one with `vitcnn baseline record` and "
        "commit it."
    )


def test_runs_of_several_devices_are_invalid():
    runs = [run_of(timed(CASE, 1.0)), run_of(timed(CASE, 1.0), device_key="nvidia-h200")]
    assert whole_run(judge(runs, BASELINE)) == "the current runs are of several devices: cpu-test-1t, nvidia-h200"


def test_no_baseline_is_invalid():
    assert judged(timed(CASE, 1.0), stored=baseline()).not_judged == ()
    assert whole_run(judged(timed(CASE, 1.0), stored=baseline())) == (
        "there is no baseline for cpu-test-1t. Record one with `vitcnn baseline record` and commit it."
    )


OTHER_NUMERICS = replace(ENVIRONMENT, numerics={"tf32": True, "cudnn_benchmark": True})
NUMERICS = (
    "numeric settings differ from the baseline: tf32 {} -> {}. Record one with `vitcnn baseline record` and commit it."
)


@pytest.mark.parametrize(
    "environments", [(OTHER_NUMERICS,), (OTHER_NUMERICS, ENVIRONMENT), (ENVIRONMENT, OTHER_NUMERICS)]
)
def test_other_numerics_anywhere_in_the_baseline_are_invalid(environments):
    stored = baseline(*five(CASE), environments=environments)
    assert whole_run(judged(timed(CASE, 1.0), stored=stored)) == NUMERICS.format(True, False)


def test_other_numerics_of_a_rerun_are_invalid():
    runs = [run_of(timed(CASE, 1.0)), run_of(timed(CASE, 1.0), numerics=OTHER_NUMERICS.numerics)]
    assert whole_run(judge(runs, BASELINE)) == NUMERICS.format(False, True)


def test_how_much_of_the_baseline_was_judged_is_said_where_some_was_left_out():
    assert judged(timed(CASE, 1.0), timed(OTHER, 1.0)).scope == ""
    narrowed = judged(
        timed(CASE, 1.0), ended(OTHER, "deselected"), selection=Selection(preset="smoke", keyword="lenet")
    )
    assert narrowed.scope == "1 of the baseline's 2 cases"


def test_a_run_that_timed_nothing_is_invalid():
    disabled = [ended(case, "disabled") for case in (CASE, OTHER)]
    assert whole_run(judged(*disabled)) == "nothing was timed: leave out --benchmark-disable and xdist's -n"


def test_a_run_in_which_nothing_was_judged_is_invalid():
    deselected = [ended(case, "deselected") for case in (CASE, OTHER)]
    assert whole_run(judged(*deselected, selection=Selection(preset="smoke", keyword="nothing"))) == (
        "nothing was judged: Selected by -k 'nothing': 0 of the baseline's 2 cases are judged."
    )


def test_records_without_a_metric_to_judge_are_no_pass():
    rate = record(CASE, measurement("images_per_s", 1.0, unit="image/s", better="higher"))
    assert whole_run(judged(rate, stored=baseline(rate))) == "nothing was judged: no case has a metric to judge"


def test_cases_of_the_baseline_that_a_run_lacks_are_missing():
    assert kinds(judged(ended(CASE, "skipped"))) == {CASE: "MISSING", OTHER: "MISSING"}


def test_software_that_differs_is_compared_and_said():
    judgement = judged(timed(CASE, 1.0), timed(OTHER, 1.0), torch="2.16.0", driver="580", git_commit="abc")
    assert set(kinds(judgement).values()) == {"SAME"}
    assert judgement.remarks == (
        "Software that differs from the baseline: driver unknown -> 580, torch 2.15.0 -> 2.16.0.",
    )


def test_a_tolerance_that_was_changed_is_used_and_said():
    loose = record(CASE, measurement("latency_s", 1.05, tolerance=0.1))
    judgement = judged(loose, stored=baseline(*five(CASE)))
    assert kinds(judgement) == {f"{CASE}::latency_s": "SAME"}
    assert judgement.remarks == (f"Tolerances that changed since the baseline: {CASE}::latency_s 2 % -> 10 %.",)


def crept(factor, case=CASE):
    return five(case, tuple(factor * value for value in QUIET))


def test_what_has_crept_in_since_the_oldest_baseline_is_reported_and_not_red():
    judgement = judged(timed(CASE, 1.0), stored=baseline(*five(CASE), oldest=crept(0.9)))
    assert kinds(judgement) == {f"{CASE}::latency_s": "SAME"}
    assert judgement.red("strict") == ()
    (drifted,) = judgement.drift
    assert (drifted.kind, drifted.name) == ("WORSE", f"{CASE}::latency_s")
    assert drifted.reason == (
        "median 1.00 s, baseline 900 ms (5 runs, 898-902): +11.1 %, tolerance 2 %, between-run noise 0.2 %; "
        "baseline: oldest"
    )


def test_what_a_busy_machine_hides_since_the_oldest_baseline_is_not_passed_over():
    stored = baseline(*five(CASE, cpus=0.7), oldest=five(CASE, tuple(0.9 * value for value in QUIET), cpus=1.0))
    judgement = judged(timed(CASE, 1.0, cpus=0.7), stored=stored)
    assert kinds(judgement) == {f"{CASE}::latency_s": "SAME"}
    (drifted,) = judgement.drift
    assert drifted.kind == "INVALID"
    assert "it used 0.70 processors on average, and the baseline 1.00" in drifted.reason


def test_what_a_busy_machine_hides_today_is_told_once():
    stored = baseline(*five(CASE, cpus=1.0), oldest=five(CASE, tuple(0.9 * value for value in QUIET), cpus=1.0))
    judgement = judged(timed(CASE, 1.3, cpus=0.7), stored=stored)
    assert kinds(judgement) == {f"{CASE}::latency_s": "INVALID"}
    assert judgement.drift == ()


def test_what_has_crept_in_is_seen_where_a_case_is_slow_beside_the_others_alone():
    slow = crept(1.3)
    stored = baseline(*slow, *five(OTHER), oldest=[*five(CASE), *five(OTHER)])
    whole = [run_of(timed(CASE, 1.3), timed(OTHER, 1.0))] * ENOUGH_RUNS
    judgement = judge([*whole, *[run_of(timed(CASE, 1.0))] * 3], stored)
    assert kinds(judgement) == {f"{CASE}::latency_s": "SAME", f"{OTHER}::latency_s": "SAME"}
    (drifted,) = judgement.drift
    assert drifted.kind == "WORSE"
    assert "together with the other cases it is slower than alone" in drifted.reason


def test_in_mode_counts_no_time_drifts():
    def both(factor):
        return [record(CASE, measurement("latency_s", factor * value), count(1)) for value in QUIET]

    stored = baseline(*both(1.0), oldest=both(0.9))
    assert len(judge([run_of(both(1.0)[0])], stored).drift) == 1
    assert judge([run_of(both(1.0)[0])], stored, counts_only=True).drift == ()


def test_drift_names_nothing_twice_and_no_improvement():
    worse_than_both = judged(timed(CASE, 1.1), stored=baseline(*five(CASE), oldest=crept(0.9)))
    assert kinds(worse_than_both) == {f"{CASE}::latency_s": "WORSE"}
    assert worse_than_both.drift == ()
    assert judged(timed(CASE, 1.0), stored=baseline(*five(CASE), oldest=crept(1.1))).drift == ()


def test_pairs_cancel_what_both_runs_of_a_pair_share():
    before, after = (1.0, 1.3, 0.8, 1.1, 0.9), (1.051, 1.363, 0.839, 1.155, 0.946)
    runs, stored = [run_of(timed(CASE, value)) for value in after], baseline(*five(CASE, before))
    assert kinds(judge(runs, stored)) == {f"{CASE}::latency_s": "SAME"}
    assert kinds(judge(runs, stored, paired=True)) == {f"{CASE}::latency_s": "WORSE"}


def test_pairs_need_both():
    judgement = judge([run_of(timed(CASE, 1.0))] * 4, baseline(*five(CASE)), paired=True)
    assert [(v.kind, v.reason) for v in judgement.verdicts] == [
        (
            "INVALID",
            "passed in 5 runs of the base and 4 of the head, and failed or was skipped in the others: "
            "each pair needs both",
        )
    ]


def wild(number):
    """A case whose runs differ by about `number` per cent."""
    case = f"latency/wild{number}/28/b1/fp32/eager"
    return case, five(case, tuple(1 + number / 100 * (value - 1) / 0.04 for value in NOISY))


def test_times_that_hide_large_changes_are_named_the_noisiest_first():
    noisy = [wild(number) for number in (4, 3, 6, 5)]
    stored = baseline(*five(CASE), *(entry for _, entries in noisy for entry in entries))
    judgement = judged(timed(CASE, 1.0), *(timed(case, 1.0) for case, _ in noisy), stored=stored)
    assert set(kinds(judgement).values()) == {"SAME"}
    (remark,) = judgement.remarks
    hidden = {v.case.split("/")[1]: v.hidden for v in judgement.verdicts}
    assert remark == (
        f"Noisiest times: {noisy[2][0]}::latency_s, {noisy[3][0]}::latency_s, {noisy[0][0]}::latency_s and 1 more. "
        "More baseline runs, longer rounds or a quieter machine make smaller changes visible."
    )
    assert hidden["wild6"] > hidden["wild5"] > hidden["wild4"] > hidden["wild3"] > NEARLY_BLIND


def test_of_pairs_more_show_smaller_changes():
    seconds = (1.0, 0.93, 1.07, 0.93, 1.07, 1.0)
    base, *head = (record(CASE, measurement("latency_s", value, tolerance=0.1)) for value in seconds)
    (remark,) = judge([run_of(entry) for entry in head], baseline(*[base] * 5), paired=True).remarks
    assert remark.endswith(". More pairs or a quieter machine make smaller changes visible.")


def test_a_change_that_noise_hides_is_same_but_not_silent():
    case, noisy = wild(5)
    judgement = judged(timed(case, 1.07), stored=baseline(*noisy))
    assert kinds(judgement) == {f"{case}::latency_s": "SAME"}
    assert judgement.remarks == (
        f"Noisiest times: {case}::latency_s. More baseline runs, longer rounds or a quieter machine make smaller "
        "changes visible.",
    )


def test_of_three_times_that_hide_large_changes_all_are_named():
    noisy = [wild(number) for number in (4, 5, 6)]
    stored = baseline(*(entry for _, entries in noisy for entry in entries))
    (remark,) = judged(*(timed(case, 1.0) for case, _ in noisy), stored=stored).remarks
    assert all(case in remark for case, _ in noisy)
    assert "latency_s. More baseline runs" in remark


def test_an_undecided_time_says_itself_what_it_hides():
    case, noisy = wild(8)
    judgement = judged(timed(case, 1.3), stored=baseline(*noisy))
    assert kinds(judgement) == {f"{case}::latency_s": "INCONCLUSIVE"}
    assert judgement.remarks == ()


def test_quiet_times_and_counts_hide_nothing():
    quiet = [record(CASE, measurement("latency_s", value), count(1)) for value in QUIET]
    assert judged(quiet[0], stored=baseline(*quiet)).remarks == ()


@given(st.permutations([(CASE, 1.05), (OTHER, 1.0), (THIRD, 0.9), ("latency/lenet/32/b1/fp32/eager", 1.08)]))
def test_the_order_of_the_cases_changes_nothing(cases):
    stored = baseline(*(entry for case, _ in sorted(cases) for entry in five(case)))
    judgement = judged(*(timed(case, seconds) for case, seconds in cases), stored=stored)
    assert [v.case for v in judgement.verdicts][:2] == ["latency/lenet/32/b1/fp32/eager", CASE]
    assert [v.kind for v in judgement.verdicts] == ["WORSE", "WORSE", "BETTER", "SAME"]


def test_which_verdicts_are_red():
    assert set(KINDS) - RED["on"] == {"SAME", "BETTER", "INCONCLUSIVE"}
    assert RED["on"] - RED["allow-new"] == {"NEW"}
    assert set(KINDS) - RED["strict"] == {"SAME"}
    judgement = Judgement(verdicts=tuple(Verdict(kind=kind, case=kind, reason="") for kind in KINDS))
    assert {v.kind for v in judgement.red("allow-new")} == ALWAYS_RED == {"INVALID", "FAILED", "WORSE", "MISSING"}


def test_worst_first_is_by_kind_and_then_by_size():
    changes = [("SAME", None), ("SAME", 0.5), ("WORSE", 0.1), ("BETTER", -0.3), ("WORSE", -0.2), ("INVALID", None)]
    verdicts = [Verdict(kind=kind, case="x", reason="", change=change) for kind, change in changes]
    assert [(v.kind, v.change) for v in worst_first(verdicts)] == [
        ("INVALID", None),
        ("WORSE", -0.2),
        ("WORSE", 0.1),
        ("BETTER", -0.3),
        ("SAME", 0.5),
        ("SAME", None),
    ]


def test_a_record_of_a_case_that_did_not_pass_is_not_judged():
    failed = replace(passed(CASE, 1.0), outcome="leaked", reason="kept 3 tensors")
    judgement = judged(failed, timed(OTHER, 1.0))
    assert kinds(judgement) == {CASE: "FAILED", f"{OTHER}::latency_s": "SAME"}


def moved(*factors, seconds=QUIET, others=lambda _: ()):
    """Judge cases whose times are those of a quiet baseline times a factor each; `others` are their other metrics."""
    cases = [f"latency/net{number}/28/b1/fp32/eager" for number in range(len(factors))]

    def measured(case, value, factor):
        return record(case, measurement("latency_s", value), *others(factor))

    stored = baseline(*(measured(case, value, 1.0) for case in cases for value in seconds))
    return judged(*(measured(*pair, pair[1]) for pair in zip(cases, factors, strict=True)), stored=stored)


def test_times_that_move_together_are_said_to():
    (remark,) = moved(*[1.03] * 9, 0.999).remarks
    assert remark == (
        "90 % of 10 times changed in the same direction, by +3.0 % in the median. The cause may be the machine or its "
        "software instead of the code: `vitcnn compare` shows which."
    )


@pytest.mark.parametrize(
    "factors",
    [[1.03] * 9, [1.03] * 8 + [0.97] * 2, [1.005] * 10],
    ids=["too few", "not nearly all", "too little"],
)
def test_times_that_do_not_move_together_are_not_said_to(factors):
    assert moved(*factors).remarks == ()


def test_times_that_stand_still_do_not_move_together_with_others():
    assert moved(*[1.03] * 8, 1.0, 1.0, seconds=(1.0,) * 5).remarks == ()


def test_amounts_that_move_are_no_times():
    assert moved(*[1.03] * 9, others=lambda factor: [amount(factor * 1e6)]).remarks == ()


def test_a_time_that_could_double_unseen_is_not_called_same():
    case, noisy = wild(40)
    stored = baseline(*noisy, *five(CASE), *five(OTHER))
    judgement = judged(timed(case, 1.0), timed(CASE, 1.0), timed(OTHER, 1.0), stored=stored)
    assert kinds(judgement)[f"{case}::latency_s"] == "INCONCLUSIVE"
    assert [v.case for v in judgement.verdicts if v.is_blind] == [case]
    assert not judgement.red("on")


def test_times_of_which_half_are_blind_can_be_judged():
    (one, noisy), (other, wilder) = wild(40), wild(39)
    stored = baseline(*noisy, *wilder, *five(CASE), *five(OTHER))
    judgement = judged(*(timed(case, 1.0) for case in (one, other, CASE, OTHER)), stored=stored)
    assert sum(v.is_blind for v in judgement.verdicts) == 2
    assert not judgement.is_invalid


def test_times_of_which_most_are_blind_cannot_be_judged():
    (one, noisy), (other, wilder) = wild(40), wild(39)
    stored = baseline(*noisy, *wilder, *five(CASE))
    judgement = judged(timed(one, 1.0), timed(other, 1.0), timed(CASE, 1.0), stored=stored)
    assert judgement.is_invalid
    assert judgement.verdicts[0].reason == (
        "2 of 3 times are blind: the noise could hide even a doubled time. Use a quieter machine, or `vitcnn "
        "compare` on a shared one, or compare only counts (mode counts)"
    )


def test_what_exceeds_what_noise_hides_is_measured_again_however_much_that_is():
    case, noisy = wild(11)
    stored = baseline(*noisy, *five(CASE), *five(OTHER))
    judgement = judge([run_of(timed(case, 2.0), timed(CASE, 1.0), timed(OTHER, 1.0))], stored, more_runs=ALL_RERUNS)
    assert judgement.suspects == (case,)
    twice = [timed(case, seconds) for seconds in (2.0, 2.2, 1.8, 2.1, 1.9, 2.0, 2.3, 1.7, 2.0)]
    again = judge([run_of(twice[0], timed(CASE, 1.0)), *map(run_of, twice[1:])], stored, more_runs=ALL_RERUNS)
    assert kinds(again)[f"{case}::latency_s"] == "WORSE"


@pytest.mark.parametrize("cpus, kind", [(1.55, "WORSE"), (1.5, "INVALID"), (None, "WORSE")])
def test_a_slower_time_proves_nothing_where_others_took_the_processor(cpus, kind):
    now = timed(CASE, 2.0) if cpus is None else timed(CASE, 2.0, cpus=cpus)
    (verdict,) = judged(now, stored=baseline(*five(CASE, cpus=1.9))).verdicts
    assert verdict.kind == kind
    why = (
        "but it used 1.50 processors on average, and the baseline 1.90: the code waits (a sleep, a lock, a file) or "
        "uses fewer threads, or other programs use the machine. Look for a wait in the code, and measure on an idle "
        "machine or use `vitcnn compare`"
    )
    assert verdict.reason.endswith(f", {why}") == (kind == "INVALID")


def test_a_time_that_is_as_before_stands_though_others_took_the_processor():
    judgement = judged(timed(CASE, 1.0, cpus=0.7), stored=baseline(*five(CASE, cpus=1.9)))
    assert kinds(judgement) == {f"{CASE}::latency_s": "SAME"}


def test_two_revisions_with_blind_times_are_not_told_to_be_compared():
    blind = Verdict(kind="INCONCLUSIVE", case="a", reason="", hidden=2.0)
    (verdict,) = too_blind([blind], paired=True)
    assert verdict.reason.endswith(". Use a quieter machine, or compare only counts (--mode counts)")
    assert "`vitcnn compare` on a shared one" in too_blind([blind], paired=False)[0].reason


def test_one_odd_run_of_five_does_not_blind_a_case():
    odd = (1.0, 1.01, 0.99, 5.0, 1.0)
    judgement = judged(timed(CASE, 2.0), timed(OTHER, 1.0), stored=baseline(*five(CASE, odd), *five(OTHER)))
    (verdict,) = (v for v in judgement.verdicts if v.case == CASE)
    assert verdict.kind == "WORSE"
    assert "baseline 1.00 s (5 runs, 0.990-1.02): +99.1 %" in verdict.reason
    assert verdict.reason.endswith("the baseline's outlier of 5.00 s was limited")


@pytest.mark.parametrize("unit", [1.0, 1e-3])
def test_a_baseline_with_two_modes_keeps_both_where_today_has_both(unit):
    modes, today = (1.0, 1.001, 0.999, 1.13, 1.0), (1.0, 1.13, 1.0)
    stored = baseline(*five(CASE, [unit * value for value in modes]))
    judgement = judge([run_of(timed(CASE, unit * value)) for value in today], stored)
    assert "outlier" not in judgement.verdicts[0].reason
    assert kinds(judgement) == {f"{CASE}::latency_s": "SAME"}


def test_cases_judged_by_a_single_run_are_counted_though_all_is_the_same():
    judgement = judged(timed(CASE, 1.0), timed(OTHER, 1.0), stored=baseline(*five(CASE), timed(OTHER, 1.0)))
    remark = "For 1 of 2 cases the baseline is one run, so only the tolerance decides."
    assert judgement.remarks == (remark,)


def test_cases_judged_by_a_single_pair_are_counted_and_no_baseline_is_named():
    one = run_of(timed(CASE, 1.0))
    judgement = judge([one], baseline(timed(CASE, 1.0)), paired=True)
    remark = "For 1 of 1 cases there is a single pair of runs, so only the tolerance decides, and no time is BETTER."
    assert (judgement.remarks, judgement.judged_by) == ((remark,), "")


def test_cases_that_were_skipped_and_have_no_baseline_are_counted_as_not_judged():
    judgement = judged(timed(CASE, 1.0), ended(OTHER, "skipped", "no data"), stored=baseline(*five(CASE)))
    assert judgement.not_judged == ("1 case skipped and without a baseline",)


def test_where_no_time_is_judged_a_single_run_is_as_good_as_five():
    counted_case = record(CASE, measurement("latency_s", 1.0), count(1))
    assert judge([run_of(counted_case)], baseline(counted_case), counts_only=True).remarks == ()
