from dataclasses import replace

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from vitcnn.recipes.small import DIGITS_CNN
from vitcnn.training.fit import rate_share

RECIPE = replace(DIGITS_CNN, warmup_share=0.2)


@pytest.mark.parametrize(
    "step, rate",
    [
        (0, 0.5),  # two of ten steps warm up
        (1, 1.0),
        (2, 1.0),  # cos 0
        (4, 0.8535533906),  # cos(pi / 4) = 0.7071
        (6, 0.5),  # cos(pi / 2)
        (9, 0.0380602337),  # cos(7 pi / 8) = -0.9239
    ],
)
def test_rate_of_ten_steps_by_hand(step, rate):
    assert rate_share(RECIPE, step, 10) == pytest.approx(rate, abs=1e-9)


def test_without_warm_up_the_first_step_has_the_peak():
    assert rate_share(replace(RECIPE, warmup_share=0.0), 0, 10) == 1.0


def test_a_single_step_has_the_peak():
    assert rate_share(RECIPE, 0, 1) == 1.0


@given(st.integers(1, 500), st.floats(0, 0.9), st.sampled_from(["cosine", "linear"]))
def test_rate_rises_to_the_peak_and_then_falls(num_steps, warmup_share, decay):
    recipe = replace(RECIPE, warmup_share=warmup_share, decay=decay)
    rates = [rate_share(recipe, step, num_steps) for step in range(num_steps)]
    top = rates.index(max(rates))
    assert max(rates) == pytest.approx(1)
    assert all(0 < rate <= 1 for rate in rates)
    assert rates[: top + 1] == sorted(rates[: top + 1])
    assert rates[top:] == sorted(rates[top:], reverse=True)


@pytest.mark.parametrize("step, share", [(0, 0.5), (1, 1.0), (2, 1.0), (4, 0.75), (9, 0.125)])
def test_linear_decay_of_ten_steps_by_hand(step, share):
    assert rate_share(replace(RECIPE, decay="linear"), step, 10) == pytest.approx(share)


@pytest.mark.parametrize("step, share", [(0, 1.0), (5, 1.0), (6, 0.1), (7, 0.1), (8, 0.01), (9, 0.01)])
def test_in_steps_the_rate_is_divided_by_ten_at_shares_of_all_steps(step, share):
    recipe = replace(RECIPE, warmup_share=0.0, decay="steps", steps_at=(0.6, 0.8))
    assert rate_share(recipe, step, 10) == pytest.approx(share)


def test_fifty_epochs_in_steps_are_torchs_own_schedule():
    recipe = replace(RECIPE, epochs=50, warmup_share=0.0, decay="steps", steps_at=(0.6, 0.8))
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)
    schedule = torch.optim.lr_scheduler.MultiStepLR(optimizer, milestones=[30, 40], gamma=0.1)
    for epoch in range(50):
        assert rate_share(recipe, 7 * epoch, 350) == pytest.approx(schedule.get_last_lr()[0])
        optimizer.step()
        schedule.step()
