from gate_builders import CASE
from record_builders import measurement, record, run_on, timed

from vitcnn.gate import baseline
from vitcnn.gate.sorting import judge_measured

QUIET = (2.000, 2.004, 1.996, 2.006, 1.994)
HOT = {"reasons": {"hw_thermal_slowdown": 3, "sw_power_cap": 60}}
CAPPED = {"reasons": {"sw_power_cap": 60}}


def used(joules, **settings):
    return record(CASE, measurement("joules_per_image", joules, unit="J", tolerance=0.05), **settings)


def verdicts(now, before=QUIET, then=None, **settings):
    records = tuple(used(joules, **({"energy": then} if then else {})) for joules in before)
    stored = baseline.CaseBaseline(records=records, recording="x")
    found = judge_measured({CASE: [used(now, **settings)]}, {CASE: stored}, counts_only=False)
    return {verdict.metric: verdict for verdict in found}


def test_energy_is_judged_as_a_time_with_five_per_cent():
    assert verdicts(2.06)["joules_per_image"].kind == "SAME"
    worse = verdicts(2.4)["joules_per_image"]
    assert worse.kind == "WORSE"
    assert "tolerance 5 %" in worse.reason
    assert " J" in worse.reason


def test_throttled_energy_is_invalid_and_a_power_cap_alone_is_not():
    hot = verdicts(2.4, energy=HOT)["joules_per_image"]
    assert hot.kind == "INVALID"
    assert "throttled in 1 of 1 current runs: hw_thermal_slowdown" in hot.reason
    hot = verdicts(2.4, then=HOT)["joules_per_image"]
    assert hot.kind == "INVALID"
    assert "throttled in 5 of 5 baseline runs: hw_thermal_slowdown" in hot.reason
    assert verdicts(2.4, energy=CAPPED)["joules_per_image"].kind == "WORSE"
    assert verdicts(2.4, energy={"reasons": "unknown"})["joules_per_image"].kind == "WORSE"


def test_what_was_seen_in_the_pass_is_no_other_meaning():
    assert verdicts(2.0, energy=CAPPED)["joules_per_image"].kind == "SAME"


def test_throttled_energy_does_not_spoil_times():
    assert timed(CASE, 1.0, energy=HOT).throttled_by == ()
    assert timed(CASE, 1.0, energy=HOT).energy_throttled_by == ("hw_thermal_slowdown",)
    assert timed(CASE, 1.0).energy_throttled_by == timed(CASE, 1.0, energy={"unknown": "x"}).energy_throttled_by == ()
    assert run_on(1, timed(CASE, 1.0)).records
