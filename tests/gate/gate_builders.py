"""Names two cases, and makes by hand what the gate reads of their times: five records, medians of runs."""

from record_builders import timed

from vitcnn.gate.times import RunMedians

CASE = "latency/lenet/28/b1/fp32/eager"
OTHER = "latency/vit_micro/28/b1/fp32/eager"
QUIET = (1.000, 1.001, 0.999, 1.002, 0.998)
NOISY = (1.00, 1.05, 0.95, 1.04, 0.96)


def medians(*, baseline=QUIET, current=(1.0,), case=CASE, better="lower", tolerance=0.02, **more):
    return RunMedians(
        case=case,
        metric="latency_s",
        unit="s",
        better=better,
        tolerance=tolerance,
        baseline=tuple(baseline),
        current=tuple(current),
        **more,
    )


def five(case=CASE, seconds=QUIET, **settings):
    return [timed(case, value, **settings) for value in seconds]
