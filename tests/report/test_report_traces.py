"""What is said of traces that were made by hand."""

from dataclasses import replace
from pathlib import Path

import pytest

from vitcnn.report.traces import difference_text, trace_text, where_it_goes, why
from vitcnn.tracing.difference import difference
from vitcnn.tracing.families import ATTENTION, CONVOLUTION, ELEMENTWISE, IDLE, PRODUCT
from vitcnn.tracing.summary import Operator, Summary


def summary(
    case="latency/vit_tiny/224/b4",
    *,
    on_gpu=False,
    families=None,
    phases=None,
    parts=None,
    back=None,
    disturbed=0,
    waited_s=0.0,
    **about,
):
    families = families or {PRODUCT: 0.006, ELEMENTWISE: 0.003, IDLE: 0.001}
    run_s = sum(families.values())
    operator = Operator(name="aten::addmm", family=PRODUCT, time_s=0.006, calls=49.0)
    return Summary(
        path=Path("a/cpu.pt.trace.json"),
        about={"case": case, "images_per_run": 4, **about},
        on_gpu=on_gpu,
        num_runs=3,
        num_disturbed=disturbed,
        run_s=run_s,
        phases=phases or {"forward": run_s - families[IDLE], IDLE: families[IDLE]},
        families=families,
        parts=parts or {},
        parts_backward=back or {},
        operators=(operator,),
        calls=100.0,
        gaps=2.0,
        gaps_s=0.0005,
        longest_gap_s=0.0003,
        waited_s=waited_s,
    )


def test_sentences_say_where_the_time_goes_and_what_the_profiler_adds():
    first, second = where_it_goes(summary(timed_s=0.008))
    assert first == (
        "A run of 4 images takes 10.0 ms (the mean of 3 runs; 8.00 ms without the profiler). Of that, matrix product "
        "60 % and element-wise 30 %."
    )
    assert second == (
        "For 10 % of it no operator runs. 100 operators a run, 90.0 µs each on average; 2 gaps of 10 µs or more, the "
        "longest 300 µs."
    )


def test_a_part_that_stands_for_a_run_is_not_called_a_run():
    assert where_it_goes(summary(is_part_of_run=True, images_per_run=0))[0].startswith("The part that stands for a run")


def test_runs_that_are_left_out_are_told():
    assert "(the mean of 3 runs, without 2 slow ones)" in where_it_goes(summary(disturbed=2))[0]


def test_phases_are_told_where_there_are_several():
    phases = {"forward": 0.003, "backward": 0.006, IDLE: 0.001}
    assert "By phase: backward 60 % and forward 30 %." in where_it_goes(summary(phases=phases))[0]


@pytest.mark.parametrize(
    "on_gpu, idle_s, said",
    [
        (True, 0.006, "The GPU idles for 40 % of it: it waits for the host, which cannot launch fast enough."),
        (True, 0.001, "The GPU idles for 10 % of it. 100 kernels and copies a run"),
        (False, 0.006, "For 40 % of it no operator runs: Python between the operators takes that long."),
        (False, 0.001, "For 10 % of it no operator runs. 100 operators a run"),
    ],
)
def test_who_waits_for_whom_is_told(on_gpu, idle_s, said):
    families = {PRODUCT: 0.009, IDLE: idle_s}
    assert where_it_goes(summary(on_gpu=on_gpu, families=families))[1].startswith(said)


@pytest.mark.parametrize(
    "waited_s, said",
    [
        (0.004, ", most of it because the host waits for results of the GPU before it launches more. 100 kernels"),
        (0.002, ": it waits for the host, which cannot launch fast enough. 100 kernels"),
    ],
)
def test_launches_are_not_blamed_for_what_the_host_waits_for(waited_s, said):
    found = summary(on_gpu=True, families={PRODUCT: 0.009, IDLE: 0.006}, waited_s=waited_s)
    assert where_it_goes(found)[1].startswith(f"The GPU idles for 40 % of it{said}")


@pytest.mark.parametrize("on_gpu", [True, False])
def test_nobody_is_blamed_for_what_the_profiler_may_add(on_gpu):
    families = {PRODUCT: 0.009, IDLE: 0.006}
    assert (
        "which may all be due to the profiler: it adds 7.00 ms to a run. 100 "
        in where_it_goes(summary(on_gpu=on_gpu, families=families, timed_s=0.008))[1]
    )
    assert "profiler" not in where_it_goes(summary(on_gpu=on_gpu, families=families, timed_s=0.0091))[1]


def test_tables_show_phases_families_parts_and_operators():
    text = trace_text(summary(parts={"blocks.0": 0.002, "head": 0.001}, back={"blocks.0": 0.004}), width=200)
    rows = [line.split("  ") for line in text.splitlines()]
    cells = [[cell.strip() for cell in row if cell.strip()] for row in rows]
    assert text.startswith("latency/vit_tiny/224/b4 (CPU)\n====")
    assert ["matrix product", "6.00 ms", "60 %"] in cells
    assert ["blocks.0", "2.00 ms", "4.00 ms", "60 %"] in cells
    assert ["aten::addmm", "matrix product", "6.00 ms", "60 %", "49"] in cells


def test_many_parts_of_one_list_are_one_row():
    parts = {f"blocks.{number}": 0.0005 for number in range(12)} | {"head": 0.001}
    text = trace_text(summary(parts=parts), width=200)
    assert "blocks.*, 12 parts     6.00 ms     60 %" in text
    assert "blocks.0" not in text


def test_a_difference_is_explained_by_family():
    vit = summary(families={PRODUCT: 0.006, ATTENTION: 0.003, CONVOLUTION: 0.0, IDLE: 0.001})
    cnn = summary("latency/resnet18/224/b4", families={CONVOLUTION: 0.004, IDLE: 0.001})
    assert why(difference(cnn, vit)) == [
        "B takes 2.00 times as long as A: 10.0 ms against 5.00 ms a run.",
        "B takes more for matrix products (6.00 ms) and attention (3.00 ms).",
        "A takes more for convolution (4.00 ms).",
        "A runs 100 operators a run, B 100 (+0.0 %).",
    ]
    assert why(difference(vit, cnn))[0] == "A takes 2.00 times as long as B: 10.0 ms against 5.00 ms a run."
    assert why(difference(vit, cnn))[1] == "A takes more for matrix products (6.00 ms) and attention (3.00 ms)."
    text = difference_text(difference(cnn, vit), width=200)
    assert "A: latency/resnet18/224/b4\nB: latency/vit_tiny/224/b4" in text
    assert ["attention", "0", "3.00 ms", "+3.00 ms", "60 %"] in [line.split("  ") for line in shortened(text)]


def test_what_both_took_without_the_profiler_is_told():
    found = difference(summary(timed_s=0.008), summary(families={PRODUCT: 0.03, IDLE: 0.001}, timed_s=0.02))
    assert why(found)[0] == "B takes 3.10 times as long as A: 31.0 ms against 10.0 ms a run."
    assert why(found)[1] == "Without the profiler B takes 2.50 times as long as A: 20.0 ms against 8.00 ms a run."
    alike = difference(summary(timed_s=0.008), summary(timed_s=0.004))
    assert why(alike)[:2] == [
        "Both take about as long: 10.0 ms and 10.0 ms a run.",
        "Without the profiler A takes 2.00 times as long as B: 8.00 ms against 4.00 ms a run.",
    ]


def shortened(text):
    return ["  ".join(cell.strip() for cell in line.split("  ") if cell.strip()) for line in text.splitlines()]


def test_alike_runs_are_called_alike_and_images_are_compared_where_runs_differ_in_them():
    assert why(difference(summary(), summary()))[0] == "Both take about as long: 10.0 ms and 10.0 ms a run."
    other = summary(images_per_run=8)
    assert why(difference(summary(), other))[0] == "A takes 2.00 times as long as B: 2.50 ms against 1.25 ms an image."


def test_devices_that_differ_are_told():
    on_gpu = summary(on_gpu=True, families={PRODUCT: 0.0009, IDLE: 0.0001})
    assert "One ran on a GPU, the other on a CPU." in why(difference(on_gpu, summary()))


def test_names_are_cut_in_the_middle_where_a_table_would_be_too_wide():
    names = ["aten::_flash_attention_for_cpu", "aten::_flash_attention_for_cpu_backward"]
    operators = tuple(Operator(name=name, family=ATTENTION, time_s=0.001, calls=2.0) for name in names)
    found = replace(summary(), operators=operators)
    for text in (trace_text(found, width=70), difference_text(difference(found, summary()), width=70)):
        assert max(map(len, text.splitlines())) <= 70
        shown = [line.split()[0] for line in text.splitlines() if line.startswith("aten::_fl")]
        assert [name[-3:] for name in sorted(shown)] == ["ard", "cpu"]
        assert not set(names) & set(shown)
    assert set(names) <= set(trace_text(found, width=120).split())
