"""Summaries of traces made by hand: where each microsecond goes."""

import pytest
from trace_builders import ENGINE, STREAM_20, TRAINING, event, kernel, named, operator, step, written

from vitcnn.tracing.difference import difference
from vitcnn.tracing.families import COPY, ELEMENTWISE, IDLE, NORM, OTHER, PRODUCT
from vitcnn.tracing.summary import REST, summary_of_file


def summary(folder, *events, **about):
    return summary_of_file(written(folder, *events, about=about))


def in_us(times_s):
    return {name: pytest.approx(1e6 * seconds, abs=1e-6) for name, seconds in times_s.items()}


def test_a_step_on_a_cpu_is_divided_by_phase_family_and_part(tmp_path):
    found = summary(tmp_path, *TRAINING)
    assert (found.num_runs, found.on_gpu) == (1, False)
    assert 1e6 * found.run_s == pytest.approx(100)
    # flip 6; linear and what it calls 16, norm 6; norm backward 10, addmm backward 20; adamw 12; the rest nothing
    assert in_us(found.phases) == {"augment": 6, "forward": 22, "backward": 30, "optimiser": 12, IDLE: 30}
    # linear 4 and addmm 10 of its own, mm 18, its engine 2; copy 2; norms 6 and 8, and the engine's 2
    assert in_us(found.families) == {PRODUCT: 34, NORM: 16, ELEMENTWISE: 12, COPY: 2, OTHER: 6, IDLE: 30}
    assert in_us(found.parts) == {"blocks.0": 16}
    assert in_us(found.parts_backward) == {"blocks.0": 20}
    assert found.calls == 10
    first = found.operators[0]
    assert (first.name, first.family, first.calls) == ("aten::mm", PRODUCT, 1)
    assert 1e6 * first.time_s == pytest.approx(18)


def test_gaps_are_those_of_ten_microseconds_or_more(tmp_path):
    found = summary(tmp_path, step(0, 0, 60), operator("aten::mm", 5, 20), operator("aten::mm", 32, 40))
    assert found.gaps == 2
    assert 1e6 * found.gaps_s == pytest.approx(12 + 20)
    assert 1e6 * found.longest_gap_s == pytest.approx(20)
    assert 1e6 * found.idle_s == pytest.approx(5 + 12 + 20)


def test_what_runs_outside_of_the_steps_does_not_count_and_several_steps_are_averaged(tmp_path):
    found = summary(
        tmp_path,
        operator("aten::mm", 0, 50),
        step(3, 100, 150),
        operator("aten::mm", 100, 120),
        step(4, 160, 220),
        operator("aten::mm", 170, 190),
        operator("aten::mm", 210, 260),
    )
    assert (found.num_runs, found.num_disturbed) == (2, 0)
    assert 1e6 * found.run_s == pytest.approx((50 + 60) / 2)
    assert in_us(found.families) == {PRODUCT: (20 + 20 + 10) / 2, IDLE: (30 + 10 + 20) / 2}
    assert found.calls == 3 / 2


def test_runs_that_something_else_slowed_down_are_left_out(tmp_path):
    slow = step(2, 100, 200), operator("aten::mm", 100, 190)
    found = summary(tmp_path, step(1, 0, 50), operator("aten::mm", 0, 40), *slow, step(3, 300, 370))
    assert (found.num_runs, found.num_disturbed) == (2, 1)
    assert in_us(found.families) == {PRODUCT: 20, IDLE: (10 + 70) / 2}
    assert found.calls == 1 / 2


def test_without_steps_all_of_it_is_one_run(tmp_path):
    found = summary(tmp_path, operator("aten::mm", 10, 20), operator("aten::gelu", 30, 40))
    assert (found.num_runs, 1e6 * found.run_s) == (1, pytest.approx(30))
    assert in_us(found.families) == {PRODUCT: 10, ELEMENTWISE: 10, IDLE: 10}


def test_threads_that_work_at_a_time_share_it(tmp_path):
    found = summary(tmp_path, step(0, 0, 20), operator("aten::mm", 0, 10), operator("aten::gelu", 6, 20, on=ENGINE))
    assert in_us(found.families) == {PRODUCT: 6 + 2, ELEMENTWISE: 2 + 10, IDLE: 0}


def test_attention_is_also_what_attention_calls(tmp_path):
    attention = operator("aten::scaled_dot_product_attention", 0, 30)
    found = summary(tmp_path, attention, operator("aten::bmm", 2, 20), operator("aten::copy_", 22, 24))
    assert in_us(found.families) == {"attention": 30, IDLE: 0}


def test_kernels_of_a_gpu_belong_to_who_launched_them(tmp_path):
    found = summary(
        tmp_path,
        step(0, 0, 100),
        named("forward", 0, 20),
        named("part head", 0, 12),
        operator("aten::addmm", 0, 10, external=1),
        event("cudaLaunchKernel", 5, 8, kind="cuda_runtime", External_id=1, correlation=41),
        operator("aten::gelu", 12, 18, external=2),
        operator("autograd::engine::evaluate_function: AddmmBackward0", 22, 40, external=3, on=ENGINE),
        operator("aten::mm", 24, 38, external=4, on=ENGINE),
        kernel("some_kernel_of_a_library", 20, 50, external=1, correlation=41),
        kernel("vectorized_elementwise_kernel", 50, 60, external=2),
        kernel("another_kernel", 60, 80, external=4),
        kernel("Memcpy DtoH (Device -> Pageable)", 70, 90, kind="gpu_memcpy", stream=STREAM_20),
        kernel("unknown_to_all", 90, 95, external=99),
    )
    assert found.on_gpu
    # from 70 to 80 a kernel and a copy share the time
    assert in_us(found.families) == {PRODUCT: 30 + 15, ELEMENTWISE: 10, COPY: 15, OTHER: 5, IDLE: 25}
    assert in_us(found.phases) == {"forward": 40, "backward": 15, REST: 20, IDLE: 25}
    assert in_us(found.parts) == {"head": 30}
    assert found.calls == 5


def test_idle_time_behind_a_wait_of_the_host_is_told_from_that_behind_slow_launches(tmp_path):
    """By hand: the GPU runs dry at 20 and 55 while the host waits for it, and at 0 and 40 while it does not."""
    found = summary(
        tmp_path,
        step(0, 0, 80),
        event("cudaLaunchKernel", 2, 4, kind="cuda_runtime"),
        kernel("one", 5, 20),
        event("cudaStreamSynchronize", 6, 22, kind="cuda_runtime"),
        event("cudaLaunchKernel", 30, 34, kind="cuda_runtime"),
        kernel("two", 33, 40),
        event("cudaLaunchKernel", 42, 44, kind="cuda_runtime"),
        kernel("Memcpy DtoH (Device -> Pageable)", 45, 55, kind="gpu_memcpy"),
        event("cudaMemcpyAsync", 44, 56, kind="cuda_runtime"),
        event("cudaStreamSynchronize", 57, 58, kind="cuda_runtime"),
    )
    assert 1e6 * found.idle_s == pytest.approx(5 + 13 + 5 + 25)
    assert 1e6 * found.waited_s == pytest.approx(13 + 25)


def test_a_launch_tells_the_operator_where_the_kernel_does_not(tmp_path):
    launch = event("cudaLaunchKernel", 2, 4, kind="cuda_runtime", External_id=1, correlation=7)
    launched = kernel("some_kernel", 5, 9, correlation=7)
    found = summary(tmp_path, operator("aten::addmm", 0, 5, external=1), launch, launched)
    assert in_us(found.families) == {PRODUCT: 4, IDLE: 0}


def test_a_difference_is_by_the_image_where_runs_process_different_numbers(tmp_path):
    small = summary(tmp_path / "a", step(0, 0, 40), operator("aten::mm", 0, 40), images_per_run=4)
    large = summary(tmp_path / "b", step(0, 0, 240), operator("aten::convolution", 0, 160), images_per_run=8)
    found = difference(small, large)
    assert found.per_image
    assert [1e6 * seconds for seconds in found.run_s] == pytest.approx([10, 30])
    assert {name: tuple(pytest.approx(1e6 * s) for s in pair) for name, pair in found.families.items()} == {
        "convolution": (0, 20),
        PRODUCT: (10, 0),
        IDLE: (0, 10),
    }
    assert list(found.operators) == ["aten::convolution", "aten::mm"]
    assert not difference(small, small).per_image
