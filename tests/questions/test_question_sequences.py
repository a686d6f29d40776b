"""Cases of sequences: what a trained model is asked besides, and what its record holds."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from vitcnn import SequenceCase, SequenceLatencyCase
from vitcnn.bench import Bench
from vitcnn.bench.sequences import by_length, in_another_order
from vitcnn.errors import UserError
from vitcnn.measuring.runner import measure
from vitcnn.questions import prepared
from vitcnn.recipes import recipes
from vitcnn.recipes.parts import Mix
from vitcnn.record.answers import answers, examples, scores, with_answers_in_file
from vitcnn.tasks import Tasks, tasks

SUM = SequenceCase(architecture="sum_transformer", task="few_sums", recipe="toy", num_seeds=2)
ANCHOR = replace(SUM, architecture="anchor_fc", task="few_anchors")
NUM_TRAIN, NUM_TEST = 48, 30
ROUNDING = 1e-5


def silent(*_told):
    pass


def few(name):
    """Return the loader of few of the sequences of a task, the same ones in each epoch."""

    def load(*asked):
        data = tasks()[name].loader(*asked)
        train, test = (
            replace(split, members=split.members[:count], labels=split.labels[:count], drawn_anew=None)
            for split, count in ((data.train, NUM_TRAIN), (data.test, NUM_TEST))
        )
        return replace(data, train=train, test=test)

    return load


@pytest.fixture(autouse=True)
def toys(monkeypatch):
    """Enter a short recipe and small tasks into the catalogues."""
    toy = replace(recipes()["sequences_vit"], name="toy", epochs=2, batch=16)
    monkeypatch.setitem(recipes(), "toy", toy)
    monkeypatch.setitem(recipes(), "mixed", replace(toy, name="mixed", augmentation=(Mix(),)))
    for name, whole in (("few_sums", "digit_sum_digits"), ("few_anchors", "digit_anchor_digits")):
        monkeypatch.setitem(tasks(), name, replace(tasks()[whole], name=name, loader=few(whole)))


@pytest.fixture
def bench(cpu):
    return Bench(device=cpu, tasks=Tasks(Path("unused")), progress=silent)


def stopwatch(run, *, rounds, calls, before_round=None, after_round=None):
    """Time nothing: every round takes two seconds."""
    for _ in range(rounds):
        (before_round or str)()
        run()
        (after_round or str)()
    return (2.0,) * rounds


def measured(case, bench):
    return measure(case, bench=bench, stopwatch=stopwatch, floor_bytes=0)


def series(record):
    return {entry.name: np.array(entry.values) for entry in record.series}


def test_a_model_of_sets_is_asked_about_length_order_and_padding(bench, tmp_path):
    record = measured(SUM, bench)
    found = series(record)
    assert len(record.samples("test_accuracy")) == len(record.samples("longer_accuracy")) == 2
    assert max(record.samples("order_dependence")) < ROUNDING
    assert max(record.samples("padding_dependence")) < ROUNDING
    assert not record.samples("f1_weighted"), "a sum is no class"
    assert not record.samples("roc_auc_macro"), "and has no probability of each"
    counts = np.bincount((tasks()["few_sums"].loader(Path(), silent).test.members >= 0).sum(axis=1), minlength=11)
    by_length = found["accuracy_by_length"] @ counts[found["length"]] / NUM_TEST
    assert by_length == pytest.approx(record.samples("test_accuracy"))
    assert found["longer_length"].tolist() == list(range(11, 21))
    kept = with_answers_in_file(record, tmp_path)
    assert answers(kept).right.shape == (2, NUM_TEST)
    assert scores(kept).mean(axis=1) == pytest.approx(record.samples("test_accuracy"), abs=1e-6)
    assert scores(kept).shape == (2, 355), "a score for each test image"
    assert examples(kept).images.shape == (6, 10, 28, 28)
    assert record.settings["num_train_sequences"] == NUM_TRAIN


def test_losses_are_those_of_the_last_epoch_by_hand(bench):
    subject = prepared(SUM, bench)
    subject.warm_up()
    for _ in range(2):
        subject.before_round()
        subject.run()
        subject.after_round()
    trained = subject.outcome()
    assert trained.losses == pytest.approx(((trained.confidences - trained.labels) ** 2).mean(axis=1), rel=1e-5)


def test_of_a_fully_connected_model_longer_sequences_and_padding_are_not_asked(bench):
    record = measured(ANCHOR, bench)
    assert record.samples("test_cross_entropy")
    assert record.samples("roc_auc_macro")
    assert max(record.samples("order_dependence")) > ROUNDING
    assert not record.samples("longer_accuracy")
    assert not record.samples("padding_dependence")
    assert "accuracy_by_longer_length" not in series(record)


@pytest.mark.parametrize("name, task", [("sum_transformer", SUM.task), ("anchor_transformer", ANCHOR.task)])
def test_answers_of_a_published_model_depend_on_its_padding(bench, name, task):
    record = measured(replace(SUM, architecture=f"{name}_published", task=task, num_seeds=1), bench)
    assert max(record.samples("padding_dependence")) > ROUNDING
    assert max(record.samples("order_dependence")) < ROUNDING


def test_sequences_cannot_be_mixed(bench):
    with pytest.raises(
        UserError, match=r"^recipe: 'mixed' cannot be used\. .* labels of few_sums cannot be mixed or smoothed"
    ):
        prepared(replace(SUM, recipe="mixed"), bench)


ROWS = st.lists(st.integers(1, 6), min_size=1, max_size=8)


@given(ROWS, st.integers(0, 1))
def test_another_order_has_the_same_images_and_leaves_anchors_and_padding(lengths, num_fixed):
    members = np.full((len(lengths), 7), -1)
    for row, length in enumerate(lengths):
        members[row, :length] = 10 * row + np.arange(length)
    found = in_another_order(members, num_fixed=num_fixed)
    assert np.array_equal(np.sort(found, axis=1), np.sort(members, axis=1))
    assert np.array_equal(found[:, :num_fixed], members[:, :num_fixed])
    assert np.array_equal(found < 0, members < 0)


def test_another_order_is_another_one():
    members = np.tile(np.arange(10), (50, 1))
    assert (in_another_order(members, num_fixed=0) != members).mean() > 0.8


def test_accuracy_by_length_by_hand():
    right = np.array([[True, False, True], [False, False, True]])
    shares, lengths = by_length("by", "length", np.array([2, 2, 5]), right)
    assert (shares.values, lengths.values) == (((0.5, 1.0), (0.0, 1.0)), (2, 5))


@pytest.mark.parametrize(
    "name, anchored, images", [("sum_fc", False, 8), ("sum_transformer", False, 8), ("anchor_matching", True, 10)]
)
def test_latency_is_one_forward_of_whole_sequences(bench, name, anchored, images):
    case = SequenceLatencyCase(architecture=name, px=28, batch=2, length=4, anchored=anchored)
    subject = prepared(case, bench)
    found = subject.run()
    assert found.shape == (2, 1)
    assert found.is_inference()
    assert torch.isfinite(found).all()
    assert subject.images_per_run == images
