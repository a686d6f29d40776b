from dataclasses import replace

import pytest
from record_builders import latency, measurement, run_of, training

from vitcnn.report.roofline import bound_of, roofline

ENERGY = {"scope": "of the whole GPU board", "method": "its energy counter", "throttled_samples": 0}


def known(
    record, *, compute=0.5, bandwidth=0.1, flops=2e9, matmul=100e9, convolution=40e9, energy=None, joules=None, **times
):
    """Return a record with shares of the ceilings of 100 GFLOP/s and 20 GB/s, and times by their metrics' names."""
    found = [
        measurement("flops", flops, unit="FLOP"),
        measurement("matmul_flops_per_s", matmul, unit="FLOP/s"),
        *([measurement("convolution_flops_per_s", convolution, unit="FLOP/s")] if convolution else []),
        measurement("flops_per_s", compute * 100e9, unit="FLOP/s"),
        measurement("copy_bytes_per_s", 20e9, unit="B/s"),
        *([measurement("joules_per_image", joules, unit="J")] if joules else []),
        *(measurement(name, seconds) for name, seconds in times.items()),
    ]
    if bandwidth is not None:
        found.append(measurement("bandwidth_utilisation", bandwidth, unit="1"))
        found.append(measurement("bytes_per_s", bandwidth * 20e9, unit="B/s"))
    settings = {**record.settings, "precision": "fp32", **({"energy": energy} if energy else {})}
    return replace(record, measurements=(*record.measurements, *found), settings=settings)


@pytest.mark.parametrize(
    "shares, by",
    [
        ({"compute": 0.5, "bandwidth": 0.1}, "compute"),
        ({"compute": 0.3, "bandwidth": 0.8}, "bandwidth"),
        ({"compute": 0.3, "bandwidth": 0.1, "dispatch_time_s": 1.2}, "launch"),
        ({"compute": 0.3, "bandwidth": 1.7}, "compute"),  # caches serve it
        ({"compute": 0.05, "bandwidth": 1.7}, "unclear"),
        ({"compute": 0.2, "bandwidth": 0.1, "dispatch_time_s": 0.3}, "unclear"),
        ({"compute": 0.6, "bandwidth": None}, "compute"),  # compiled
    ],
)
def test_the_largest_share_binds(shares, by):
    assert bound_of(known(latency("lenet", 2.0), **shares)).by == by


def test_on_cuda_the_gpu_waits_while_no_kernel_runs():
    """Of 2 s between the events 0.5 s are kernels; the wall clock's 4 s hold the host's own waiting."""
    found = bound_of(known(latency("lenet", 4.0), compute=0.1, busy_time_s=0.5, event_time_s=2.0))
    assert (found.by, found.shares["launch"]) == ("launch", 0.75)
    step = bound_of(known(training("lenet", 4.0), compute=0.5, busy_time_s=3.9))
    assert (step.by, step.shares["launch"]) == ("compute", pytest.approx(0.025))
    longer = bound_of(known(training("lenet", 4.0), compute=0.5, busy_time_s=4.1))
    assert longer.shares["launch"] == 0, "the profiler's pass may have been the slower one"


def test_records_of_before_and_other_questions_say_nothing():
    assert bound_of(latency("lenet", 1.0)) is None
    assert roofline(run_of(latency("lenet", 1.0)), width=120) == ""


def rows(text):
    return [[cell.strip() for cell in line.split("  ") if cell.strip()] for line in text.splitlines()]


def test_each_architecture_has_its_row():
    run = run_of(
        known(latency("lenet", 0.002, px=224), compute=0.5, bandwidth=0.25),
        known(latency("vit_tiny", 0.004, px=224), compute=0.75, bandwidth=0.1),
        known(latency("lenet", 0.001), compute=0.01),  # a cell of one architecture
        known(training("lenet", 0.5, px=28), compute=0.3, bandwidth=0.1, dispatch_time_s=0.2),
    )
    found = rows(roofline(run, width=120))
    assert ["lenet", "2.00", "50.0", "50", "5.00", "25", "compute"] in found
    assert ["vit_tiny", "4.00", "75.0", "75", "2.00", "10", "compute"] in found
    assert ["lenet", "500", "30.0", "30", "2.00", "10", "40", "launch"] in found
    assert not any(row[:2] == ["lenet", "1.00"] for row in found)
    text = " ".join(roofline(run, width=120).split())
    assert "peak in fp32, that of a large matrix product, 100 GFLOP/s (a large 3x3 convolution: 40.0), and a" in text
    assert "a large copy, 20.0 GB/s" in text
    assert "an estimate of the share" in text


def test_of_cells_with_as_many_architectures_the_one_that_computes_most_is_shown():
    run = run_of(known(latency("lenet", 0.001), flops=1e6), known(latency("lenet", 0.003, batch=16), flops=16e6))
    assert rows(roofline(run, width=120))[4][:2] == ["lenet", "3.00"]


def test_no_line_is_wider_than_asked_for_and_what_the_shares_say_is_left_out_first():
    long = replace(latency("lenet", 0.001), architecture="efficientnet_b0")
    run = run_of(known(long, energy=ENERGY, joules=0.000123, dispatch_time_s=0.0005), known(training("lenet", 0.5)))
    narrow, wide = (roofline(run, width=width) for width in (80, 120))
    assert max(map(len, narrow.splitlines())) <= 80
    assert (wide.count("GB/s    % of"), narrow.count("GB/s    % of")) == (2, 1)
    assert "0.000123" in narrow


def test_energy_has_a_column_and_its_scope_is_told():
    run = run_of(known(latency("lenet", 0.002), energy=ENERGY, joules=0.125))
    text = roofline(run, width=120)
    assert ["lenet", "2.00", "50.0", "50", "2.00", "10", "0.125", "compute"] in rows(text)
    assert "J an image: of the whole GPU board, by its energy counter." in text
    assert "Throttled" not in text


def test_throttled_energy_is_counted():
    hot = {**ENERGY, "throttled_samples": 2}
    run = run_of(known(latency("lenet", 0.002), energy=hot), known(training("lenet", 1.0), energy=ENERGY))
    assert "Throttled while energy was measured: 1 case, named in the JSON." in roofline(run, width=120)


def test_energy_that_is_unknown_says_why_once():
    why = {"unknown": "there is no RAPL counter"}
    run = run_of(known(latency("lenet", 0.002), energy=why), known(training("lenet", 1.0), energy=why))
    assert roofline(run, width=120).count("Energy is unknown: there is no RAPL counter.") == 1


def test_a_convolution_can_be_the_peak():
    record = known(latency("lenet", 1.0), compute=2.4, convolution=480e9)
    assert bound_of(record).shares["compute"] == pytest.approx(0.5)
    text = " ".join(roofline(run_of(record), width=120).split())
    assert "that of a large 3x3 convolution, 480 GFLOP/s (a large matrix product: 100)" in text
    assert "Above 100 %" not in text


def test_one_peak_serves_all_rows_of_a_precision():
    """The second case made its process look again: of 100 GFLOP/s the first one's 80 are 80 %, of 160 they are 50 %."""
    first = known(latency("lenet", 0.5), compute=0.8)
    second = known(latency("vit_tiny", 0.25), compute=1.2, matmul=120e9, convolution=160e9)
    bf16 = known(latency("resnet18", 0.125), compute=0.6, matmul=200e9)
    bf16 = replace(bf16, settings={**bf16.settings, "precision": "bf16"})
    found = rows(roofline(run_of(first, second, bf16), width=120))
    assert ["lenet", "500", "80.0", "50", "2.00", "10", "compute"] in found
    assert ["vit_tiny", "250", "120", "75", "2.00", "10", "compute"] in found
    assert ["resnet18", "125", "60.0", "30", "2.00", "10", "compute"] in found
    assert bound_of(first).shares["compute"] == 0.8, "what its process knew by then"


def test_an_older_record_has_the_matrix_product_alone():
    record = known(latency("lenet", 1.0), convolution=None)
    assert bound_of(record).shares["compute"] == 0.5
    assert "that of a large matrix product, 100 GFLOP/s, and a large copy" in roofline(run_of(record), width=200)


def test_a_share_of_the_peak_above_100_percent_is_explained():
    assert "Above 100 % of the peak" in roofline(run_of(known(latency("lenet", 1.0), compute=2.4)), width=120)
    assert "Above 100 % of the peak" not in roofline(run_of(known(latency("lenet", 1.0))), width=120)


def test_an_estimated_wait_above_100_percent_is_explained():
    for dispatch_time_s, times in ((1.6, 1), (0.9, 0)):
        text = roofline(run_of(known(latency("lenet", 1.0), dispatch_time_s=dispatch_time_s)), width=120)
        assert text.count("wait above 100 %: starting these operators costs less") == times
