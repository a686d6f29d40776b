import re

from record_builders import ended, passed, run_on

from vitcnn.gate.spread import Noise, Spread, noise_of
from vitcnn.report.noise import noise_text

RUNS = [run_on(day, passed("latency/a", 1.0)) for day in range(1, 11)]


WIDE = 10_000


def spread(case, floor, **more):
    about = {"metric": "latency_s", "unit": "s", "medians": (0.00498, 0.00502), "noise": 0.0012, "visible": 0.031}
    return Spread(case=case, tolerance=0.02, floor=floor, **{**about, **more})


def text(*spreads, runs=RUNS, left_out=None, throttled=()):
    return noise_text(Noise(spreads=spreads, left_out=left_out or {}, throttled=throttled), runs, width=WIDE)


def cells(line):
    return re.split(r"  +", line.strip())


QUIET = spread("latency/quiet", 0.011)
NOISY = spread("latency/noisy", 0.0712, noise=0.0213, visible=0.0812, medians=(9.8e-6, 1.2e-5))
HOPELESS = spread("latency/hopeless", 0.9, noise=0.16, visible=1.25)


def test_each_metric_has_a_row_with_its_figures():
    headers, _, *rows = text(HOPELESS, NOISY, QUIET).partition("\n\n")[0].splitlines()
    assert cells(headers) == [
        "case",
        "metric",
        "run medians",
        "between runs",
        "smallest visible",
        "tolerance",
        "suggested",
    ]
    assert [cells(row) for row in rows] == [
        ["latency/hopeless", "latency_s", "4.98-5.02 ms", "16 %", "125 %", "2 %", "none: too noisy"],
        ["latency/noisy", "latency_s", "9.80-12.0 µs", "2.1 %", "8.1 %", "2 %", "7.5 %"],
        ["latency/quiet", "latency_s", "4.98-5.02 ms", "0.12 %", "3.1 %", "2 %", "2 %"],
    ]


def test_the_summary_says_what_can_be_gated_what_cannot_and_what_to_do():
    _, _, below = text(HOPELESS, NOISY, QUIET).partition("\n\n")
    lines = below.splitlines()
    assert lines[0] == (
        "10 runs on cpu-test-1t. Spread between runs (standard deviation): median 2.1 %, largest 16 % "
        "(latency/hopeless::latency_s)."
    )
    assert "95 % of the time, with 5 runs as the baseline, 2 reruns in each of 4 rounds" in lines[1]
    assert lines[2:5] == [
        "1 of 3 cases can be gated at their tolerance. Noise hides more than the tolerance in:",
        "  latency/hopeless::latency_s: up to 90 %, tolerance 2 %",
        "  latency/noisy::latency_s: up to 7.1 %, tolerance 2 %",
    ]
    assert lines[5].startswith("What to do: quieten the machine")
    assert "time_tolerance=" in lines[5]
    assert len(lines) == 6


def test_a_case_is_counted_once_whatever_its_metrics():
    found = text(spread("latency/a", 0.3), spread("latency/a", 0.01, metric="event_time_s"), QUIET)
    assert "1 of 2 cases can be gated at their tolerance." in found


def test_where_all_can_be_gated_there_is_nothing_to_do():
    found = text(QUIET)
    assert found.endswith("1 of 1 cases can be gated at their tolerance.")


def test_few_runs_are_said_to_be_few():
    assert "4 runs give only a rough estimate of the spread" in text(QUIET, runs=RUNS[:4])
    assert "hardly" not in text(QUIET, runs=RUNS[:5])


def test_what_is_left_out_and_what_was_throttled_is_named():
    found = text(QUIET, left_out={"latency/b::latency_s": "measured in one run"}, throttled=("latency/hot",))
    assert "Left out: latency/b::latency_s: measured in one run" in found
    assert "Throttled, which the gate refuses to judge: latency/hot. Cool the GPU." in found


def test_where_nothing_was_timed_that_is_all_there_is_to_say():
    runs = [run_on(1, ended("a", "skipped", "no data"))] * 2
    assert noise_text(noise_of(runs), runs, width=WIDE) == (
        "2 runs on cpu-test-1t: no case was timed in two of them, so the noise is not known."
    )
