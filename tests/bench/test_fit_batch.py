"""The largest batch within a budget, where peaks are straight lines, bend, or come from the catalogue."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from vitcnn.architectures import architecture
from vitcnn.bench.fit_batch import batch_about, confirmed_batch, fits_on, largest_batch, smallest_peak
from vitcnn.bench.predicted_memory import Asked, predicted_peak
from vitcnn.errors import OutOfMemory
from vitcnn.input_sizes import Takes
from vitcnn.recipes.parts import STEP_OPTIMIZER
from vitcnn.spec import Architecture
from vitcnn.tasks import real_images

BLOCK = 512


def straight(batch):
    return 1_000_000 + 3_000 * batch


def bent(batch):
    """A step whose peak is first that of the optimiser, and then that of the activations."""
    return max(50_000_000 + 100 * batch, 2_000_000 + 70_000 * batch)


@pytest.mark.parametrize(
    "total, memory_bytes, expected",
    [
        (straight, 1_003_000, 1),
        (straight, 1_005_999, 1),
        (straight, 1_006_000, 2),
        (straight, 2_000_000, 333),
        (straight, 10**12, 333_333_000),
        (bent, 51_000_000, 700),
        (bent, 72_000_000, 1000),
        (bent, 71_999_999, 999),
    ],
)
def test_the_largest_batch_by_hand(total, memory_bytes, expected):
    assert largest_batch(total, memory_bytes, fitting=1) == expected


def test_a_straight_line_takes_few_predictions():
    asked = []

    def total(batch):
        asked.append(batch)
        return straight(batch)

    assert largest_batch(total, 10**9, fitting=1) == 333_000
    assert len(asked) <= 4


@given(
    lines=st.lists(st.tuples(st.integers(0, 10**8), st.integers(0, 10**6)), min_size=1, max_size=4),
    each=st.integers(1, 10**6),
    more=st.integers(0, 10**10),
)
def test_it_fits_and_one_image_more_does_not(lines, each, more):
    def total(batch):
        exact = max(base + slope * batch for base, slope in [*lines, (0, each)])
        return -(-exact // BLOCK) * BLOCK

    memory_bytes = total(1) + more
    found = largest_batch(total, memory_bytes, fitting=1)
    assert total(found) <= memory_bytes < total(found + 1)


@pytest.mark.parametrize("predicted", [1, 7, 100, 160])
@pytest.mark.parametrize("real", [0, 1, 99, 100, 101, 163])
def test_what_runs_is_found_from_the_predicted_batch_outwards(predicted, real):
    tried = []

    def fits(batch):
        tried.append(batch)
        return batch <= real

    assert confirmed_batch(predicted, fits, smallest=1) == real
    assert min(tried) >= 1
    assert len(tried) == len(set(tried)) <= 16


def test_where_the_prediction_is_right_few_batches_are_tried():
    tried = []

    def fits(batch):
        tried.append(batch)
        return batch <= 16

    assert confirmed_batch(16, fits, smallest=1) == 16
    assert tried == [16, 17]


@pytest.mark.parametrize("predicted", [2, 3, 40])
@pytest.mark.parametrize("real", [0, 2, 3])
def test_no_batch_below_the_smallest_that_can_be_run_is_tried(predicted, real):
    tried = []

    def fits(batch):
        tried.append(batch)
        return batch <= real

    assert confirmed_batch(predicted, fits, smallest=2) == real
    assert min(tried) >= 2


def test_running_out_of_memory_is_an_answer(cpu, monkeypatch):
    monkeypatch.setattr("vitcnn.bench.fit_batch.release", lambda _device: None)

    def subject_of(_batch):
        raise MemoryError("no room")

    assert fits_on(cpu, subject_of, 10**9)(4) is False


def test_other_errors_are_none(cpu, monkeypatch):
    monkeypatch.setattr("vitcnn.bench.fit_batch.release", lambda _device: None)

    def subject_of(_batch):
        raise RuntimeError("a shape is wrong")

    with pytest.raises(RuntimeError, match="a shape is wrong") as raised:
        fits_on(cpu, subject_of, 10**9)(4)
    assert not isinstance(raised.value, OutOfMemory)


def asked(entry):
    return Asked(architecture=entry, shape=real_images.input_shape(28), batch=1, optimizer=STEP_OPTIMIZER)


def normalised(shape):
    return nn.Sequential(nn.Flatten(), nn.Linear(shape.px**2, 4), nn.BatchNorm1d(4), nn.Linear(4, shape.num_classes))


def test_batch_normalisation_of_single_numbers_trains_on_two_images_at_least():
    takes = Takes(step_px=28, at_least_px=28)
    entry = Architecture(name="normalised", family="other", takes=takes, builder=normalised)
    assert smallest_peak(asked(entry))[0] == 2
    assert smallest_peak(replace(asked(entry), optimizer=None))[0] == 1


def test_an_estimate_is_near_what_is_predicted_step_by_step():
    whole = asked(architecture("lenet"))
    found = largest_batch(lambda batch: predicted_peak(replace(whole, batch=batch)).total, 10**8, fitting=1)
    assert batch_about(replace(whole, batch=64), 10**8) == pytest.approx(found, rel=0.02)
    assert predicted_peak(replace(whole, batch=found)).total <= 10**8
    assert predicted_peak(replace(whole, batch=found + 1)).total > 10**8
