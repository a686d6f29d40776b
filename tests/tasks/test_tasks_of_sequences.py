"""The samplers are held to naive loops over each sequence, the published generator to its own definition."""

import pickle
from dataclasses import replace
from zlib import crc32

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import chi2_contingency, chisquare

from vitcnn.bench.obstacles import without_files
from vitcnn.errors import MissingData
from vitcnn.questions.accuracy import AccuracyCase
from vitcnn.tasks import Tasks, sequences, tasks
from vitcnn.tasks.digits import load_digits
from vitcnn.tasks.sampling import drawn_anchors, drawn_sums, published_anchors, published_lengths, published_sums

FEW = np.array([3, 1, 4, 1, 5, 9, 2, 6, 5, 3, 5, 8, 9, 7, 9, 3, 2, 3, 8, 4, 6, 2, 6, 4])
UNIFORM = np.random.default_rng(7).integers(10, size=20_000)
ON_DIGITS = [name for name in tasks() if name.startswith("digit_") and name.endswith("digits")]

two_of_each = st.integers(1, 10).flatmap(
    lambda kinds: st.lists(st.integers(0, kinds - 1), max_size=30).map(
        lambda more: [*range(kinds), *range(kinds), *more]
    )
)
seeds = st.integers(0, 2**63)
bounds = st.tuples(st.integers(1, 12), st.integers(0, 9)).map(lambda pair: (pair[0], sum(pair)))


def silent(_done, _total, _text):
    pass


def without_empty(row):
    """Return the members of one sequence; -1 must stand behind the last alone."""
    found = [place for place in row.tolist() if place >= 0]
    assert row.tolist() == found + [-1] * (len(row) - len(found))
    return found


def test_first_published_lengths_are_the_studys():
    assert published_lengths(6).tolist() == [10, 4, 8, 2, 9, 7]
    assert published_lengths(500).tolist() == [crc32(str(place).encode()) % 10 + 1 for place in range(500)]


def test_first_published_sums_by_hand():
    """3+1+4+1+5+9+2+6+5+3 = 39; from the second on 1+4+1+5 = 11; 4+1+5+9+2+6+5+3 = 35; the next two 1+5 = 6."""
    members, labels = published_sums(FEW, np.arange(24))
    assert labels[:4].tolist() == [39, 11, 35, 6]
    assert without_empty(members[1]) == [1, 2, 3, 4]
    assert members.shape == (24 - 10, 10)


def test_first_published_anchors_by_hand():
    """3 is the last of the ten behind it; 1 is in 4, 1, 5, 9; 4 is not in 1, 5, 9, 2, 6, 5, 3, 3; 1 is not in 5, 9."""
    members, labels = published_anchors(np.array([*FEW[:10], 3, *FEW[10:]]), np.arange(25))
    assert labels[:4].tolist() == [1, 1, 0, 0]
    assert without_empty(members[1]) == [1, 2, 3, 4, 5]
    assert members.shape == (25 - 11, 11)


@pytest.mark.parametrize(
    "order", [np.arange(300), np.random.default_rng(5).permutation(300)], ids=["as is", "shuffled"]
)
def test_published_sequences_are_those_of_a_naive_loop(order):
    digits = UNIFORM[:300]
    summed, sums = published_sums(digits, order)
    anchored, answers = published_anchors(digits, order)
    assert (len(sums), len(answers)) == (290, 289)
    for i in range(290):
        run = [order[i + step] for step in range(crc32(str(i).encode()) % 10 + 1)]
        assert without_empty(summed[i]) == run
        assert sums[i] == sum(digits[run])
    for i in range(289):
        run = [order[i + 1 + step] for step in range(crc32(str(i).encode()) % 10 + 1)]
        assert without_empty(anchored[i]) == [order[i], *run]
        assert answers[i] == (digits[order[i]] in digits[run])


def test_as_many_published_sequences_as_the_study_had():
    counts = [
        len(make(np.zeros(n, int), np.arange(n))[1])
        for make in (published_sums, published_anchors)
        for n in (60_000, 10_000)
    ]
    assert counts == [59_990, 9_990, 59_989, 9_989]


def test_the_larger_class_of_the_study_on_digits_in_random_order():
    """The digit is absent from n images with probability 0.9 to the power n; the mean over n from 1 to 10 is 0.586."""
    _, answers = published_anchors(UNIFORM, np.arange(len(UNIFORM)))
    assert 1 - answers.mean() == pytest.approx(sum(0.9**n for n in range(1, 11)) / 10, abs=0.01)


@given(digits=two_of_each, between=bounds, seed=seeds)
def test_drawn_sums_are_those_of_their_members(digits, between, seed):
    digits = np.array(digits)
    members, labels = drawn_sums(digits, *between, seed)
    assert members.shape == (len(digits), between[1])
    assert members.dtype == labels.dtype == np.int64
    for row, label in zip(members, labels, strict=True):
        found = without_empty(row)
        assert between[0] <= len(found) <= between[1]
        assert max(found) < len(digits)
        assert label == sum(digits[found])


@given(digits=two_of_each, between=bounds, seed=seeds)
def test_drawn_anchors_are_answered_by_their_members(digits, between, seed):
    digits = np.array(digits)
    if digits.max() == 0:
        digits[:2] = 1  # else nothing could be drawn where the digit does not occur
        digits = np.append(digits, [0, 0])
    members, labels = drawn_anchors(digits, *between, seed)
    assert members.shape == (len(digits), between[1] + 1)
    assert members.dtype == labels.dtype == np.int64
    assert labels.sum() == len(digits) // 2
    for row, label in zip(members, labels, strict=True):
        anchor, *found = without_empty(row)
        assert between[0] <= len(found) <= between[1]
        assert max(found) < len(digits)
        assert anchor not in found
        assert label == (digits[anchor] in digits[found])


@pytest.mark.parametrize("draw", [drawn_sums, drawn_anchors])
def test_the_same_seed_draws_the_same_and_another_seed_others(draw):
    members, labels = draw(UNIFORM, 1, 10, 3)
    assert all(map(np.array_equal, draw(UNIFORM, 1, 10, 3), (members, labels)))
    other, _ = draw(UNIFORM, 1, 10, 4)
    assert (other == members).all(axis=1).mean() < 0.01


@pytest.mark.parametrize("draw, anchors", [(drawn_sums, 0), (drawn_anchors, 1)])
def test_lengths_and_images_are_uniform(draw, anchors):
    members, _ = draw(UNIFORM, 1, 10, 0)
    lengths = (members[:, anchors:] >= 0).sum(axis=1)
    assert chisquare(np.bincount(lengths, minlength=11)[1:]).pvalue > 0.01
    first = np.bincount(members[:, 0] * 100 // len(UNIFORM), minlength=100)
    assert chisquare(first).pvalue > 0.01


def test_whether_an_anchor_occurs_does_not_depend_on_the_length_and_hardly_on_its_digit():
    members, labels = drawn_anchors(UNIFORM, 1, 10, 0)
    assert labels.mean() == 0.5
    for known in ((members[:, 1:] >= 0).sum(axis=1), UNIFORM[members[:, 0]]):
        table = [np.bincount(known[labels == label], minlength=11) for label in (0, 1)]
        table = np.array(table)[:, np.sum(table, axis=0) > 0]
        assert chi2_contingency(table).pvalue > 0.01


def test_what_stands_in_for_a_digit_that_was_not_drawn_takes_any_place_and_is_any_image_of_it():
    digits = np.repeat([0, 1], 2_000)
    members, labels = drawn_anchors(digits, 2, 2, 0)
    same = digits[members[:, 1:]] == digits[members[:, :1]]
    assert not same[labels == 0].any()
    one = same[(labels == 1) & (same.sum(axis=1) == 1)]
    assert one[:, 0].mean() == pytest.approx(0.5, abs=0.05)
    offsets = (members[:, 1:] - members[:, :1])[same]
    assert chisquare(np.bincount(members[:, 1:][same] // 40, minlength=100)).pvalue > 0.01
    assert 0 not in offsets


@pytest.mark.parametrize("name", ON_DIGITS)
def test_tasks_on_digits(name, tmp_path):
    task, images = tasks()[name], load_digits()
    data = task.loader(tmp_path, silent)
    anchored, published = "anchor" in name, "published" in name
    fewer = (11 if anchored else 10) if published else 0
    longer = 21 if anchored else 20
    for split, own, count, length in (
        (data.train, images.train, 1442 - fewer, task.shape.length),
        (data.test, images.test, 355 - fewer, task.shape.length),
        (data.longer, images.test, 355, longer),
    ):
        assert np.array_equal(split.images, own.images)
        assert split.members.shape == (count, length)
        assert split.labels.shape == (count,)
        shown = split.members[:, 1:] if anchored else split.members
        lengths = (shown >= 0).sum(axis=1)
        assert (lengths.min(), lengths.max()) == ((11, 20) if split is data.longer else (1, 10))
        digits = np.where(shown >= 0, own.labels[shown], -1)
        if anchored:
            expected = (digits == own.labels[split.members[:, :1]]).any(axis=1)
        else:
            expected = np.where(digits < 0, 0, digits).sum(axis=1)
        assert np.array_equal(split.labels, expected)
        assert split.labels.max() < len(task.classes) or split is data.longer
    assert data.sha256 == task.loader(tmp_path, silent).sha256
    assert data.settings["sequences"]["lengths"] == [1, 10]


def test_sequences_of_digits_as_published_are_not_in_the_order_of_the_file(tmp_path):
    """In the file more than a quarter of the images follow one of the digit before theirs; by chance a tenth do."""
    data = tasks()["digit_anchor_published_digits"].loader(tmp_path, silent)
    labels = load_digits().train.labels
    assert (np.diff(labels) % 10 == 1).mean() > 0.25
    assert (np.diff(labels[data.train.members[:, 0]]) % 10 == 1).mean() < 0.15
    assert 1 - data.train.labels.mean() == pytest.approx(0.586, abs=0.04)


@pytest.mark.parametrize("name", ON_DIGITS)
def test_training_sees_other_sequences_in_each_epoch_unless_as_published(name, tmp_path):
    data = tasks()[name].loader(tmp_path, silent)
    assert data.test.drawn_anew is None
    assert data.longer.drawn_anew is None
    if "published" in name:
        assert data.train.drawn_anew is None
        return
    anew = pickle.loads(pickle.dumps(data.train.drawn_anew))
    assert hash(anew)
    assert all(map(np.array_equal, anew(0), (data.train.members, data.train.labels)))
    members, labels = anew(1)
    assert members.shape == data.train.members.shape
    assert labels.shape == data.train.labels.shape
    assert not np.array_equal(members, data.train.members)


def test_images_are_those_of_the_source_task(tmp_path, monkeypatch):
    calls = []

    def loader(root, _progress):
        calls.append(root)
        return load_digits()

    source = replace(tasks()["glyphs"], loader=loader)
    data = sequences.load_sequences(source, anchored=True, published=True, data_root=tmp_path, progress=silent)
    assert calls == [tmp_path]
    assert data.train.members[0, 0] == 0, "those of glyphs are in random order already"
    assert "order_seed" not in data.settings["sequences"]


def test_files_are_those_of_mnist_and_their_absence_is_told_of_the_task_itself(tmp_path, monkeypatch):
    name = "digit_sum_published_mnist"
    assert tasks()[name].files == tasks()["mnist"].files
    case = AccuracyCase(architecture="lenet", task=name, recipe="many_sequences_cnn")
    assert f"run `vitcnn fetch {name}` where there is a network" in without_files(case, Tasks(tmp_path))
    monkeypatch.setattr("vitcnn.tasks.download.urlopen", lambda *_, **__: (_ for _ in ()).throw(OSError("no network")))
    with pytest.raises(MissingData, match=f"run `vitcnn fetch {name}`") as raised:
        tasks()[name].loader(tmp_path, silent)
    assert raised.value.task == name


def test_what_an_input_is_in_words():
    assert tasks()["cifar10"].input_words == "3x32x32"
    assert tasks()["digit_sum_mnist"].input_words == "up to 10 images of 1x28x28"
    assert tasks()["digit_anchor_mnist"].input_words == "an anchor and up to 10 images of 1x28x28"
