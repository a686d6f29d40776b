from dataclasses import replace

import pytest
from gate_builders import CASE, OTHER, five
from record_builders import ended, run_of, timed
from store_builders import baseline

from vitcnn.gate.coverage import FAILURES, cover
from vitcnn.record import Selection
from vitcnn.record.run import OUTCOMES

OURS = timed(CASE, 1.0)
TRAINED = {
    "preset": "standard",
    "task": "digits",
    "recipe": "digits_vit",
    "training": {"epochs": 8, "weights": "shapes"},
    "num_seeds": 3,
}
BASELINE = baseline(*five(CASE), *five(OTHER, architecture="vit_micro", **TRAINED))


def covered(*results, stored=BASELINE, more=(), **selection):
    return cover([run_of(*results, selection=Selection(**{"preset": "standard", **selection})), *more], stored)


def only_verdict(coverage):
    (verdict,) = coverage.verdicts
    return verdict.kind, verdict.case, verdict.reason


def test_what_both_sides_have_is_measured():
    coverage = covered(OURS, timed(OTHER, 2.0))
    assert {case: [r.samples("latency_s") for r in records] for case, records in coverage.measured.items()} == {
        CASE: [(1.0,)],
        OTHER: [(2.0,)],
    }
    assert (coverage.verdicts, coverage.remarks) == ((), ())


def test_several_runs_of_a_case_count_together():
    coverage = covered(OURS, timed(OTHER, 2.0), more=[run_of(timed(CASE, 1.1), ended(OTHER, "deselected"))])
    assert [r.samples("latency_s") for r in coverage.measured[CASE]] == [(1.0,), (1.1,)]
    assert len(coverage.measured[OTHER]) == 1
    assert coverage.verdicts == ()


def test_a_case_that_was_skipped_in_some_runs_alone_is_invalid():
    coverage = covered(OURS, ended(OTHER, "skipped", "no compiler"), more=[run_of(OURS, timed(OTHER, 1.0))])
    reason = "it was skipped in 1 run and measured in others: no compiler"
    assert only_verdict(coverage) == ("INVALID", OTHER, reason)
    assert OTHER not in coverage.measured


@pytest.mark.parametrize("outcome", sorted(FAILURES))
def test_a_case_that_did_not_pass_has_failed(outcome):
    expected = ("FAILED", OTHER, f"{outcome.replace('_', ' ')}: the reason")
    failed = ended(OTHER, outcome, "the reason")
    assert only_verdict(covered(OURS, failed)) == expected
    assert only_verdict(covered(OURS, timed(OTHER, 1.0), more=[run_of(failed)])) == expected


@pytest.mark.parametrize("outcome", sorted(FAILURES))
def test_a_new_case_that_did_not_pass_has_failed_too(outcome):
    new = "latency/resnet18/28/b1/fp32/eager"
    assert only_verdict(covered(OURS, timed(OTHER, 1.0), ended(new, outcome)))[:2] == ("FAILED", new)


def test_a_disabled_case_cannot_be_judged():
    assert only_verdict(covered(OURS, ended(OTHER, "disabled", "--benchmark-disable"))) == (
        "INVALID",
        OTHER,
        "--benchmark-disable",
    )


@pytest.mark.parametrize("outcome", ["skipped", "not_run", "deselected"])
def test_a_case_that_did_not_run_is_missing(outcome):
    kind, case, reason = only_verdict(covered(OURS, ended(OTHER, outcome, "the reason")))
    assert (kind, case) == ("MISSING", OTHER)
    assert reason == f"{outcome.replace('_', ' ')}: the reason; last measured in the baseline newest"


def test_a_case_that_was_not_collected_is_missing():
    assert only_verdict(covered(OURS)) == (
        "MISSING",
        OTHER,
        "not collected; last measured in the baseline newest. If it was removed or renamed on purpose, record the "
        "baseline again",
    )


def test_every_outcome_is_accounted_for():
    """None of them lets a case of the baseline disappear without a word."""
    for outcome in set(OUTCOMES) - {"passed"}:
        assert len(covered(OURS, ended(OTHER, outcome)).verdicts) == 1, outcome
    passed_without_record = ended(OTHER, "passed")
    assert only_verdict(covered(OURS, passed_without_record))[0] == "MISSING"


def test_a_case_without_a_baseline_is_new():
    new = timed("latency/resnet18/28/b1/fp32/eager", 1.0)
    assert only_verdict(covered(OURS, timed(OTHER, 1.0), new)) == (
        "NEW",
        new.case,
        "the baseline does not have this case. Record it with `vitcnn baseline record`, or use the mode allow-new",
    )


def test_a_new_case_hides_no_other():
    new = [timed(f"latency/resnet{layers}/28/b1/fp32/eager", 1.0) for layers in (18, 50)]
    kinds = [(verdict.kind, verdict.case) for verdict in covered(OURS, *new).verdicts]
    assert kinds == [("MISSING", OTHER), ("NEW", new[0].case), ("NEW", new[1].case)]


def test_cases_that_never_could_be_measured_here_are_counted_and_not_judged():
    skipped = [ended(f"latency/new{n}/28/b1/fp32/eager", "skipped", "no CUDA") for n in range(3)]
    coverage = covered(OURS, timed(OTHER, 1.0), *skipped, more=[run_of(*skipped)])
    assert coverage.verdicts == ()
    assert coverage.remarks == ("Not judged, because skipped and without a baseline: 3 cases (no CUDA).",)
    assert coverage.num_skipped == 3


@pytest.mark.parametrize(
    "selection, words",
    [
        ({"keyword": "lenet"}, "-k 'lenet'"),
        ({"markers": "not slow"}, "-m 'not slow'"),
    ],
)
def test_what_the_command_line_deselected_is_not_missing(selection, words):
    coverage = covered(OURS, ended(OTHER, "deselected"), **selection)
    assert coverage.verdicts == ()
    assert coverage.remarks == (f"Selected by {words}: 1 of the baseline's 2 cases are judged.",)


@pytest.mark.parametrize("changes", [",epochs=3", ",batch=8,epochs=3"])
def test_changes_that_were_asked_for_excuse_no_case_that_has_them(changes):
    trained = {**TRAINED, "recipe": "digits_vit,batch=8,epochs=3"}
    stored = baseline(*five(CASE), *five(OTHER, architecture="vit_micro", **trained))
    assert only_verdict(covered(OURS, stored=stored, recipes=(changes,)))[:2] == ("MISSING", OTHER)


@pytest.mark.parametrize("started_from", ["random", "hub"])
def test_other_weights_excuse_no_case_that_starts_at_random_or_from_them(started_from):
    trained = {**TRAINED, "training": {"weights": started_from}}
    stored = baseline(*five(CASE), *five(OTHER, architecture="vit_micro", **trained))
    assert only_verdict(covered(OURS, stored=stored, weights="hub"))[:2] == ("MISSING", OTHER)


@pytest.mark.parametrize("training", [None, {"epochs": 8}])
def test_weights_excuse_no_case_that_names_none(training):
    """A latency trains nothing; records from before weights could be named do not say what they started from."""
    named = {} if training is None else {**TRAINED, "training": training}
    stored = baseline(*five(CASE), *five(OTHER, architecture="vit_micro", **named))
    assert only_verdict(covered(OURS, stored=stored, weights="hub"))[:2] == ("MISSING", OTHER)


@pytest.mark.parametrize(
    "selection, words",
    [
        ({"architectures": ("lenet",)}, "--arch lenet"),
        ({"tasks": ("shapes",)}, "--task shapes"),
        ({"recipes": ("digits_vit,epochs=3",)}, "--recipe digits_vit,epochs=3"),
        ({"recipes": (",epochs=3",)}, "--recipe epochs=3"),
        ({"weights": "hub"}, "--weights hub"),
        ({"num_seeds": 5}, "--seeds 5"),
        ({"preset": "smoke"}, "--preset smoke"),
    ],
)
def test_what_the_command_line_did_not_ask_for_is_not_missing(selection, words):
    coverage = covered(OURS, **selection)
    assert coverage.verdicts == ()
    assert coverage.remarks == (f"Selected by {words}: 1 of the baseline's 2 cases are judged.",)


@pytest.mark.parametrize(
    "selection",
    [
        {"keyword": "lenet"},
        {"markers": "not slow"},
        {"architectures": ("vit_micro",)},
        {"tasks": ("digits",)},
        {"recipes": ("digits_cnn", "digits_vit")},
        {"num_seeds": 3},
        {"preset": "standard"},
        {"preset": "full"},
    ],
)
def test_what_was_asked_for_and_not_collected_is_missing(selection):
    assert only_verdict(covered(OURS, **selection))[:2] == ("MISSING", OTHER)


@pytest.mark.parametrize("outcome", ["skipped", "not_run"])
def test_narrowing_excuses_no_case_that_was_selected_and_did_not_run(outcome):
    narrow = {"keyword": "x", "architectures": ("lenet",), "paths": ("benchmarks/test_latency.py",)}
    assert only_verdict(covered(OURS, ended(OTHER, outcome), **narrow))[0] == "MISSING"


def test_a_rerun_of_suspects_does_not_narrow_the_gate():
    rerun = run_of(timed(CASE, 1.0), selection=Selection(preset="smoke", keyword="lenet"))
    assert [v.kind for v in covered(OURS, more=[rerun]).verdicts] == ["MISSING"]


def test_a_users_own_benchmark_is_not_left_out_by_arch_and_task():
    """It has no architecture and no task, so that --arch and --task run it all the same."""
    own = baseline(*five(CASE), *five("tests/test_own.py::test_mine", architecture=""))
    narrow = {"architectures": ("lenet",), "tasks": ("digits",)}
    assert only_verdict(covered(OURS, stored=own, **narrow))[:2] == ("MISSING", "tests/test_own.py::test_mine")


PLACE = "benchmarks/test_latency.py::test_latency"


@pytest.mark.parametrize(
    "paths, is_missing",
    [
        (("benchmarks/test_memory.py",), False),
        (("benchmarks/test_latency.py",), True),
        (("benchmarks/test_memory.py", "benchmarks/test_latency.py"), True),
        (("benchmarks/test_latency.p",), False),
        (("benchmarks/other",), False),
        (("benchmarks",), True),
        ((PLACE,), True),
        ((f"{PLACE}_of_others",), False),
        ((f"{PLACE}[{CASE}]",), False),
        ((f"{PLACE}[{OTHER}]",), True),
    ],
)
@pytest.mark.parametrize("results", [(), (ended(OTHER, "deselected"),)])
def test_paths_excuse_what_lies_outside_all_of_them(paths, is_missing, results):
    placed = replace(BASELINE, cases={case: replace(found, place=PLACE) for case, found in BASELINE.cases.items()})
    coverage = covered(OURS, *results, stored=placed, paths=paths)
    assert [verdict.kind for verdict in coverage.verdicts] == ["MISSING"] * (is_missing or bool(results))


def test_of_a_recording_that_knows_no_files_paths_excuse_nothing():
    kind, _, reason = only_verdict(covered(OURS, paths=("benchmarks/test_memory.py",)))
    assert kind == "MISSING"
    assert reason == (
        "not collected, and the baseline newest is too old to say in which file it was. Record it again to judge "
        "single files"
    )


def test_a_users_own_benchmark_is_held_by_its_node_id():
    mine = "tests/test_own.py::test_mine[a]"
    own = baseline(*five(CASE), *five(mine))
    own = replace(own, cases={**own.cases, mine: replace(own.cases[mine], place="tests/test_own.py::test_mine")})
    assert covered(OURS, stored=own, paths=("tests/test_own.py::test_mine[b]",)).verdicts == ()
    assert only_verdict(covered(OURS, stored=own, paths=(mine,)))[:2] == ("MISSING", mine)


def test_what_a_newer_recording_no_longer_has_is_said():
    assert covered(OURS, timed(OTHER, 2.0), stored=replace(BASELINE, removed=("x",))).remarks == (
        "Not judged, because the newest recording of the whole suite lacks them: x.",
    )
