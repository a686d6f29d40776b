from dataclasses import replace

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

from vitcnn.tasks import defects, tasks
from vitcnn.tasks.defects import SMALL, frame, label_of, least_px, make_tiles

KIND = replace(SMALL, width=640, height=360, num_train=600, num_test=400)


def silent(*_told):
    pass


@pytest.fixture(scope="module")
def made():
    tiles, _ = make_tiles(KIND, seed=0, progress=silent)
    return tiles


@pytest.fixture(scope="module")
def few():
    """Return tiles and their masks, fewer."""
    kind = replace(KIND, num_train=200, num_test=8)
    tiles, masks = make_tiles(kind, seed=0, progress=silent)
    return tiles.train, masks.train


def test_tasks_describe_their_tiles():
    small, large = tasks()["defects"], tasks()["defects512"]
    assert small.classes == large.classes == ("none", "crack", "scratch", "blob")
    assert (small.shape.px, large.shape.px) == (64, 512)
    assert small.shape.channels == large.shape.channels == 3


def test_tiles_are_bytes_and_their_classes_balanced_and_shuffled(made):
    for part, count in ((made.train, 600), (made.test, 400)):
        assert (part.images.shape, part.images.dtype) == ((count, 3, 64, 64), np.uint8)
        assert np.bincount(part.labels).tolist() == [count // 4] * 4
        assert len(set(part.labels[:30])) == 4


def test_parts_share_no_tile_and_the_frames_are_none_of_their_scenes(made):
    tiles = {tile.tobytes() for part in (made.train, made.test) for tile in part.images}
    assert len(tiles) == 1_000
    first = defects.make_scene(width=SMALL.width, height=SMALL.height, seed=(defects.TRAIN, 0, 0))
    assert not np.array_equal(frame(SMALL, 0).image, first.image)
    assert frame(SMALL, 0, width=200, height=100).image.shape == (3, 100, 200)


def test_masks_are_of_the_same_tiles_in_the_same_order(few):
    tiles, masks = few
    assert np.array_equal(tiles.labels, masks.labels)
    for mask, label in zip(masks.images, masks.labels, strict=True):
        counts = np.bincount(mask.ravel(), minlength=4)
        counts[0] = 0
        assert label == (counts.argmax() if counts.max() >= 24 else 0)
    grey, inside = tiles.images.mean(axis=1), masks.images[:, 0] > 0
    far = [abs(image[mask].mean() - np.median(image)) for image, mask in zip(grey, inside, strict=True) if mask.any()]
    assert np.median(far) > 15, "what a mask covers differs from the rest"


def test_a_tile_counts_by_most_pixels_where_they_are_enough():
    mask = np.zeros((64, 64), np.uint8)
    assert label_of(mask, 64) == 0
    mask[0, :23] = 2
    assert label_of(mask, 64) == 0
    mask[0, 23] = 2
    assert label_of(mask, 64) == 2
    mask[1, :25] = 3
    assert label_of(mask, 64) == 3
    mask[2, :25] = 1
    assert label_of(mask, 64) == 1, "of two that are as large, the first"
    assert (least_px(64), least_px(512)) == (24, 543)


def auc(train, test, made):
    model = LogisticRegression(C=1e-4, max_iter=100).fit(train, made.train.labels > 0)
    return roc_auc_score(made.test.labels > 0, model.decision_function(test))


def test_no_linear_probe_on_the_pixels_tells_a_defect(made):
    rows = [
        part.images[:, :, ::2, ::2].reshape(len(part.labels), -1) / np.float32(128) - 1
        for part in (made.train, made.test)
    ]
    assert auc(*rows, made) < 0.6


@pytest.mark.parametrize("of_tile", [np.mean, np.var], ids=["mean", "variance"])
def test_neither_brightness_nor_variance_tells_a_defect(made, of_tile):
    test = np.array([of_tile(tile) for tile in made.test.images.astype(np.float32)])
    area = roc_auc_score(made.test.labels > 0, test)
    assert 0.4 < area < 0.6


def test_tiles_are_made_once_and_kept(tmp_path):
    few = replace(KIND, num_train=20, num_test=8)
    told = []
    first = defects.load_tiles(few, tmp_path, lambda done, total, _text: told.append((done, total)))
    assert told[-1] == (28, 28)
    again = defects.load_tiles(few, tmp_path, lambda *_told: pytest.fail("made anew"))
    tiles, masks = make_tiles(few, seed=0, progress=silent)
    assert first.sha256 == again.sha256 == tiles.sha256
    kept = defects.load_masks(few, tmp_path, lambda *_told: pytest.fail("made anew"))
    assert kept.sha256 == masks.sha256
    assert make_tiles(few, seed=1, progress=silent)[0].sha256 != tiles.sha256
    assert len(list((tmp_path / "made").glob("*.npz"))) == 2


def test_masks_alone_are_made_where_only_they_are_missing(tmp_path):
    few = replace(KIND, num_train=12, num_test=4)
    defects.load_tiles(few, tmp_path, silent)
    [path] = (tmp_path / "made").glob("*masks*.npz")
    path.unlink()
    masks = defects.load_masks(few, tmp_path, silent)
    assert masks.sha256 == make_tiles(few, seed=0, progress=silent)[1].sha256
