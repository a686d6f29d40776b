"""Operators and bytes of small functions, listed by hand."""

import pytest
import torch
from torch import nn

from vitcnn.measuring import counting
from vitcnn.measuring.counting import counted_with, counts_of, graphs_so_far

FLOAT_BYTES = 4
X = torch.arange(20.0).reshape(5, 4)


def counts(cpu, run, *, inference=True):
    def call():
        with torch.inference_mode(inference):
            run()

    found = counts_of(call, cpu)
    return found["operators"], found["allocated_bytes"], found["synchronisations"]


FUNCTIONS = {  # operators, bytes of new storages, waits of the host
    "a product": (lambda: X * X, (1, 20 * FLOAT_BYTES, 0)),
    "a view is an operator without bytes": (lambda: X.t(), (1, 0, 0)),
    "in place": (lambda: X.add_(0), (1, 0, 0)),
    "a list of tensors is one": (lambda: torch._foreach_add([X, X], 1), (1, 2 * 20 * FLOAT_BYTES, 0)),
    "a clone too many": (lambda: (X * X).clone(), (2, 2 * 20 * FLOAT_BYTES, 0)),
    "a contiguous too many": (lambda: X.t().contiguous(), (2, 20 * FLOAT_BYTES, 0)),
    "item": (lambda: X.sum().item(), (2, FLOAT_BYTES, 1)),
    "a condition": (lambda: bool(X.sum() > 0), (3, FLOAT_BYTES + 1, 1)),
    "nonzero": (lambda: X.nonzero(), (1, 19 * 2 * 8, 1)),
    "a mask as an index": (lambda: X[X > 9.5], (2, 20 + 10 * FLOAT_BYTES, 1)),
    "numbers as an index": (lambda: X[torch.ones(3, dtype=torch.int64)], (2, 3 * 8 + 12 * FLOAT_BYTES, 0)),
    "half of a storage counts whole": (lambda: torch.empty(8, 4)[:2], (2, 32 * FLOAT_BYTES, 0)),
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_by_hand(cpu, name):
    run, expected = FUNCTIONS[name]
    assert counts(cpu, run) == expected


def test_a_forward_and_a_layer_that_runs_twice(cpu):
    first, last = nn.Linear(4, 4), nn.Linear(4, 2)
    assert counts(cpu, lambda: last(first(X).relu())) == (3, (20 + 20 + 10) * FLOAT_BYTES, 0)
    assert counts(cpu, lambda: last(first(first(X)).relu())) == (4, (20 + 20 + 20 + 10) * FLOAT_BYTES, 0)


def test_backward_and_optimiser_count_too(cpu):
    weight = nn.Parameter(torch.ones(4))
    sgd = torch.optim.SGD([weight], lr=0.1, foreach=True)

    def forward():
        return (weight * 3.0).sum()

    def step():
        weight.grad = None
        forward().backward()
        sgd.step()

    step()
    before, after = counts(cpu, forward, inference=False), counts(cpu, step, inference=False)
    assert before == (2, (4 + 1) * FLOAT_BYTES, 0)  # mul, sum
    # ones_like, expand, mul by 3, detach where the gradient is stored; one _foreach_add_ for the step
    assert after[0] - before[0] == 5
    assert after[1] - before[1] == (1 + 4) * FLOAT_BYTES


def test_draws_are_the_same_each_time_and_the_callers_go_on(cpu):
    def run():
        return torch.rand(int(torch.randint(1, 1000, ())))

    torch.manual_seed(7)
    expected = torch.rand(3)
    torch.manual_seed(7)
    assert counts(cpu, run) == counts(cpu, run)
    assert torch.equal(torch.rand(3), expected)


def test_a_graph_break_is_counted_and_so_is_a_function_that_is_skipped():
    def graphs(function):
        before = graphs_so_far()
        torch.compile(function, backend="eager")(X)
        return {name: count - before[name] for name, count in graphs_so_far().items()}

    def whole(x):
        return (x + 1) * 2

    def broken(x):
        y = x + 1
        torch._dynamo.graph_break()
        return y * 2

    def calling(function):
        def looped(x):
            for _ in range(2):
                x = function(x)
            return x

        return looped

    assert graphs(whole) == {"graphs": 1, "graph_breaks": 0}
    assert graphs(calling(whole)) == {"graphs": 1, "graph_breaks": 0}
    assert graphs(calling(torch.compiler.disable(whole)))["graph_breaks"] > 0
    assert graphs(broken) == {"graphs": 2, "graph_breaks": 1}
    torch.compiler.reset()


def test_compiled_code_is_counted_as_it_is_written(cpu):
    run = torch.compile(lambda x: (x + 1) * 2, backend="eager")
    run(X)
    assert counts(cpu, lambda: run(X), inference=False) == (2, 2 * 20 * FLOAT_BYTES, 0)
    torch.compiler.reset()


def test_the_version_is_torchs_own(cpu):
    assert counted_with(cpu) == {"torch": torch.__version__}


@pytest.mark.parametrize(
    "warning, waits",
    [
        ("called a synchronizing CUDA operation (Triggered internally at c10/cuda/CUDAFunctions.cpp:271.)", True),
        (
            "Synchronization debug mode is a prototype feature and does not yet detect all synchronizing operations "
            "(Triggered internally at torch/csrc/cuda/Module.cpp:1139.)",
            False,
        ),
        ("Detected call of `lr_scheduler.step()` before `optimizer.step()`", False),
    ],
)
def test_of_torchs_warnings_those_of_a_wait_count(warning, waits):
    assert counting._tells_of_a_wait(warning) is waits
