from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from vitcnn import DataEfficiencyCase
from vitcnn.bench import Bench, seed_rounds
from vitcnn.bench.few import few, for_few
from vitcnn.questions import prepared
from vitcnn.recipes.small import DIGITS_CNN
from vitcnn.spec import Split
from vitcnn.tasks import Tasks
from vitcnn.tasks.digits import load_digits

CASE = DataEfficiencyCase(architecture="lenet", task="digits", recipe="digits_cnn", num_seeds=2, num_train=100)


@pytest.fixture
def bench(cpu):
    return Bench(device=cpu, tasks=Tasks(Path("unused")), progress=lambda *_told: None)


def split_of(*counts):
    """Return as many images of each class as `counts` say; an image's only pixel is its number."""
    labels = np.repeat(np.arange(len(counts)), counts)
    return Split(images=np.arange(len(labels), dtype=np.uint8).reshape(-1, 1, 1, 1), labels=labels)


def test_each_class_has_as_many_images_as_any_other_but_for_one():
    for count in (10, 25, 99):
        chosen = few(load_digits().train, count, seed=3)
        counts = Counter(chosen.labels.tolist())
        assert (len(chosen.images), sum(counts.values()), len(counts)) == (count, count, 10)
        assert max(counts.values()) - min(counts.values()) <= 1


def test_a_class_that_is_used_up_leaves_its_share_to_the_others():
    assert Counter(few(split_of(2, 50, 50), 12, seed=0).labels.tolist()) == {0: 2, 1: 5, 2: 5}


def test_images_keep_their_labels_and_none_is_drawn_twice():
    split = split_of(40, 40, 40)
    chosen = few(split, 30, seed=1)
    numbers = chosen.images.ravel()
    assert len(set(numbers.tolist())) == 30
    assert np.array_equal(chosen.labels, split.labels[numbers])


def test_all_images_are_the_whole_split_in_another_order():
    split = split_of(5, 9)
    assert sorted(few(split, 14, seed=0).images.ravel().tolist()) == list(range(14))


def test_the_same_seed_draws_the_same_and_another_one_others():
    one, again, other = (few(split_of(60, 60), 20, seed=seed).images.ravel().tolist() for seed in (1, 1, 2))
    assert one == again
    assert sorted(one) != sorted(other)


@pytest.mark.parametrize(
    "count, of, batch, epochs",
    [
        (1442, 1442, 64, 12),  # all images: the recipe itself
        (361, 1442, 64, 27),  # a quarter: half of 12 * 22 * 64 images, 5 batches of 64 an epoch, 26.4 epochs
        (100, 1442, 33, 45),  # 16896 * sqrt(100 / 1442) = 4449.4 images, 99 an epoch
        (30, 1442, 10, 82),  # 16896 * sqrt(30 / 1442) = 2437.1 images, 30 an epoch
        (2, 1442, 1, 315),  # 16896 * sqrt(2 / 1442) = 629.2 images, 2 an epoch
        (100, 60_000, 33, 297),  # 12 * 937 * 64 * sqrt(1 / 600) = 29378 images, 99 an epoch
    ],
)
def test_recipe_for_few_images_by_hand(count, of, batch, epochs):
    recipe = for_few(DIGITS_CNN, count, of=of)
    assert (recipe.batch, recipe.epochs) == (batch, epochs)
    assert replace(recipe, batch=DIGITS_CNN.batch, epochs=DIGITS_CNN.epochs) == DIGITS_CNN, "nothing else changes"


def trained_on(case, bench, monkeypatch):
    """Measure nothing; return the bytes of the images that each seed of a case trains on, by its seed."""
    seen = {}

    def look(_setup, _model, train, seed, **_settings):
        seen[seed] = train.images.numpy().tobytes()
        assert len(train) == case.num_train
        return "history"

    monkeypatch.setattr(seed_rounds, "train_seed", look)
    monkeypatch.setattr(seed_rounds, "result_of", lambda *_unused: None)
    subject = prepared(case, bench)
    for _ in range(case.num_seeds):
        subject.before_round()
        subject.run()
        subject.after_round()
    return seen, subject


def test_each_seed_trains_on_images_of_its_own_which_any_architecture_sees_too(bench, monkeypatch):
    seen = {
        name: trained_on(replace(CASE, architecture=name), bench, monkeypatch)[0] for name in ("lenet", "vit_micro")
    }
    assert seen["lenet"] == seen["vit_micro"]
    assert seen["lenet"][0] != seen["lenet"][1]
