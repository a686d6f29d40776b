import numpy as np
import pytest
from scipy.ndimage import label as connected

from vitcnn.errors import UserError
from vitcnn.tasks import scenes
from vitcnn.tasks.scene_grounds import GROUNDS, ground_of, smooth_noise
from vitcnn.tasks.scene_strokes import Line, covered_by, spot
from vitcnn.tasks.scene_things import DEFECTS, MARKS
from vitcnn.tasks.scenes import CLASSES, make_scene


def scene(**changes):
    return make_scene(**{"width": 320, "height": 200, "seed": 0, **changes})


def test_a_scene_is_bytes_of_three_colours_and_a_map_of_its_things():
    made = scene()
    assert (made.image.shape, made.image.dtype) == ((3, 200, 320), np.uint8)
    assert (made.things.shape, made.things.dtype) == ((200, 320), np.uint16)
    assert made.mask.dtype == np.uint8
    assert len(made.classes) == 1 + 2 * 4  # a thing in each cell of 1.3 * 64 px, and the ground
    assert made.things.max() == 8


def test_same_seed_makes_the_same_scene_and_another_seed_another():
    one, same, other = scene(seed=(1, 5)), scene(seed=(1, 5)), scene(seed=(1, 6))
    assert np.array_equal(one.image, same.image)
    assert np.array_equal(one.things, same.things)
    assert not np.array_equal(one.image, other.image)


@pytest.mark.parametrize("width, height", [(1, 1), (7, 300), (300, 7), (65, 64)])
def test_a_scene_can_have_any_size(width, height):
    assert make_scene(width=width, height=height, seed=0).image.shape == (3, height, width)


def test_a_scene_without_defects_has_marks_that_are_of_none():
    made = scene(defect_share=0.0)
    assert not made.classes.any()
    assert not made.mask.any()
    assert made.things.any()


def test_share_of_defects_and_of_their_kinds_is_as_asked():
    made = make_scene(width=1000, height=800, seed=0, unit_px=16, defect_share=0.3)
    kinds = np.bincount(made.classes[1:], minlength=4)
    assert kinds[1:].sum() / kinds.sum() == pytest.approx(0.3, abs=0.04)
    assert kinds[1:].min() > 0.25 * kinds[1:].sum()


def without_texture(monkeypatch):
    """Return a scene whose ground is one grey, without noise: what is not grey is covered by a thing."""
    monkeypatch.setattr(scenes, "ground_of", lambda height, width, *_unused: np.full((height, width), 0.4, np.float32))
    monkeypatch.setattr(scenes, "GRAIN", 0.0)
    monkeypatch.setattr(scenes, "MAX_TINT", 0.0)
    return make_scene(width=900, height=700, seed=3, defect_share=0.5)


def test_the_map_is_exactly_where_things_change_the_picture(monkeypatch):
    made = without_texture(monkeypatch)
    ground = int(0.4 * 255)
    change = np.abs(made.image[0].astype(int) - ground)
    sharp = change[made.things > 0]
    least = 0.5 * scenes.MIN_CONTRAST * ground
    assert (sharp >= least - 2).mean() > 0.995, "pixels of a thing are covered by half at least; few by two things"
    assert change[made.things == 0].max() <= 0.5 * scenes.MAX_CONTRAST * ground + 2
    assert np.array_equal(made.mask, made.classes[made.things])


def test_things_are_brighter_as_often_as_darker(monkeypatch):
    made = without_texture(monkeypatch)
    grey = made.image[0].astype(int) - int(0.4 * 255)
    signs = [np.sign(grey[made.things == number].mean()) for number in range(1, made.things.max() + 1)]
    assert 0.35 < np.mean(np.array(signs) > 0) < 0.65


def of(thing, seed, unit_px=64):
    """Return where one thing covers a canvas of 4 x 4 things by half or more."""
    canvas = np.zeros((4 * unit_px, 4 * unit_px), bool)
    for patch in thing((2 * unit_px, 2 * unit_px), unit_px, np.random.default_rng(seed)):
        rows, columns = patch.coverage.shape
        canvas[patch.top : patch.top + rows, patch.left : patch.left + columns] |= patch.coverage >= 0.5
    return canvas


def thinness(mask):
    """Return the length of a thing's box by the width of a line of its area: large of thin things."""
    down, across = np.nonzero(mask)
    length = np.hypot(np.ptp(down) + 1, np.ptp(across) + 1)
    return length**2 / mask.sum()


def test_scratches_and_cracks_are_thin_and_blobs_round():
    means = {name: np.mean([thinness(of(thing, seed)) for seed in range(30)]) for name, thing in DEFECTS.items()}
    assert means["scratch"] > 20 > means["crack"] > 8 > 4 > means["blob"] > 1.5


def test_a_scratch_is_straight_and_a_crack_is_not():
    def off_its_axis(mask):
        points = np.argwhere(mask) - np.argwhere(mask).mean(axis=0)
        return np.linalg.svd(points, compute_uv=False)[1] / np.sqrt(len(points))

    scratch, crack = (np.mean([off_its_axis(of(DEFECTS[name], s)) for s in range(30)]) for name in ("scratch", "crack"))
    assert scratch < 2 < 4 < crack


def test_each_defect_is_in_one_piece_and_dashes_are_in_several():
    for name in DEFECTS:
        assert all(connected(of(DEFECTS[name], seed), np.ones((3, 3)))[1] <= 2 for seed in range(20)), name
    dashes = next(mark for mark in MARKS if mark.__name__ == "dashes")
    assert all(connected(of(dashes, seed), np.ones((3, 3)))[1] >= 4 for seed in range(20))


def test_marks_cover_about_as_many_pixels_as_defects():
    areas = [
        np.mean([of(thing, seed).sum() for thing in things for seed in range(30)])
        for things in (DEFECTS.values(), MARKS)
    ]
    assert areas[0] == pytest.approx(areas[1], rel=0.35)


def test_a_line_covers_its_width_times_its_length():
    line = Line(points=np.array([[10.0, 10.0], [10.0, 50.0]]), half_widths_px=np.array([2.0, 2.0]))
    patch = covered_by([line])
    across = patch.coverage[:, 30 - patch.left]
    assert across.sum() == pytest.approx(4)
    assert np.flatnonzero(across >= 0.5).tolist() == [8 - patch.top, 9 - patch.top, 10 - patch.top, 11 - patch.top]
    assert patch.coverage.sum() == pytest.approx(4 * 40 + np.pi * 4, rel=0.02)  # round ends


def test_a_spot_covers_a_disc_and_a_soft_one_falls_off():
    sharp = spot((20, 20), 8, softness=0, waves=np.zeros((0, 2))).coverage
    soft = spot((20, 20), 8, softness=1, waves=np.zeros((0, 2))).coverage
    assert sharp.sum() == pytest.approx(np.pi * 64, rel=0.02)
    assert ((sharp > 0.05) & (sharp < 0.95)).mean() < ((soft > 0.05) & (soft < 0.95)).mean() / 3


@pytest.mark.parametrize("ground", GROUNDS, ids=lambda ground: ground.__name__)
def test_textures_vary_and_have_the_size_that_is_asked_for(ground):
    made = ground(150, 220, 64, np.random.default_rng(0))
    assert made.shape == (150, 220)
    assert made.dtype == np.float32
    assert made.std() > 0.01


def test_smooth_noise_is_straight_between_its_points():
    noise = smooth_noise(64, 64, 16, np.random.default_rng(0)).astype(float)
    second = np.diff(noise, n=2, axis=1)
    kinks = [column for column in range(62) if np.abs(second[:, column]).max() > 1e-4]
    assert kinks == [15, 31, 47]


def test_light_and_texture_stay_within_what_a_byte_holds():
    for seed in range(20):
        ground = ground_of(120, 160, 64, np.random.default_rng(seed))
        assert 0.15 < ground.min() < ground.max() < 0.95


@pytest.mark.parametrize(
    "changes, message",
    [
        ({"width": 0}, "width: 0 cannot be used"),
        ({"height": 2.5}, "height: 2.5 cannot be used"),
        ({"unit_px": 8}, "unit_px: 8 cannot be used. Allowed: numbers from 16"),
        ({"unit_px": float("nan")}, "unit_px: nan cannot be used"),
        ({"defect_share": 1.0}, "defect_share: 1.0 cannot be used"),
        ({"width": 8000, "height": 8000, "unit_px": 16}, "things in a scene: 148225 cannot be used"),
    ],
)
def test_what_cannot_be_made_is_refused(changes, message):
    with pytest.raises(UserError, match=message):
        scene(**changes)


def test_classes_are_none_and_the_defects():
    assert CLASSES == ("none", "crack", "scratch", "blob")
