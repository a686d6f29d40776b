import pytest
import torch

from vitcnn.device import Device, dispatch
from vitcnn.device.dispatch import operator_cost_s


@pytest.mark.parametrize("trains", [False, True])
def test_the_time_of_a_chain_is_divided_by_its_operators(monkeypatch, trains):
    seconds = iter([0.0, 4.0, 10.0, 12.0, 20.0, 25.0])
    clocked = type("Clocked", (Device,), {"timer": property(lambda _self: lambda: next(seconds))})
    found = operator_cost_s(clocked(name="cpu", key=f"test-{trains}"), trains=trains)
    operators = 2.0 / dispatch.CALLS / found
    assert operators == pytest.approx(round(operators))
    least = 3 * dispatch.LAYERS * (3 if trains else 1)
    assert least <= operators < 6 * least


def test_an_operator_takes_microseconds_and_no_random_numbers(cpu):
    torch.manual_seed(7)
    expected = torch.rand(3)
    torch.manual_seed(7)
    assert 1e-8 < operator_cost_s(cpu, trains=False) < 1e-3
    assert torch.equal(torch.rand(3), expected)
