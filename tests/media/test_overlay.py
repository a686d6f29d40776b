"""What is drawn, looked at pixel by pixel: by positions and colours worked out by hand."""

import matplotlib as mpl
import numpy as np
import pytest

from vitcnn.media.lettering import Item, fitting, font_of, legend
from vitcnn.media.overlay import Found, cells, classes_over, heat_over, overlay, palette

GREY = 100


def frame(height, width):
    return np.full((height, width, 3), GREY, dtype=np.uint8)


def test_overlapping_tiles_are_coloured_to_the_middle_of_what_they_share():
    # tiles at 0..10, 8..18 and 10..20: they meet in the middle of 8..10 and of 10..18
    assert cells([0, 8, 10], 10, 20) == [9, 5, 6]
    assert cells([0], 10, 20) == [20]
    assert cells([-3], 10, 4) == [4]


def test_a_tile_without_a_score_shows_the_frame_and_one_with_the_highest_the_colour():
    heat = np.array([[0.0, 1.0]])
    found = heat_over(frame(10, 18), heat, [0], [0, 8], 10)
    assert (found[:, :9] == GREY).all()
    top = np.array(mpl.colormaps["inferno"](1.0)[:3]) * 255
    np.testing.assert_allclose(found[0, 9], 0.7 * top + 0.3 * GREY, atol=2)
    assert (found[:, 9:] == found[0, 9]).all()


def test_classes_have_colours_of_their_own_and_the_frame_shows_through():
    assert len({tuple(colour) for colour in palette()[:20]}) == 20
    numbers = np.array([[0, 1]], dtype=np.uint8)
    found = classes_over(frame(1, 2), numbers)
    np.testing.assert_allclose(found[0], (palette()[:2].astype(int) + GREY) / 2, atol=1)


@pytest.mark.parametrize("height, width, times", [(2160, 3840, 1), (427, 640, 1), (28, 28, 23), (1, 500, 2)])
def test_small_frames_are_enlarged_and_all_sides_are_even(height, width, times):
    found = overlay(frame(height, width), lines=[[Item(text="a")]])
    assert found.shape[0] % 2 == found.shape[1] % 2 == 0
    assert found.shape[1] == width * times + width * times % 2
    assert (found[: height * times, : width * times] == GREY).all()


def test_a_box_is_drawn_around_its_tile_with_its_name_inside():
    found = overlay(frame(600, 800), boxes=[Found(box=(100, 200, 400, 500), name="palace", value="0.83")])
    white = (found == 255).all(axis=-1)
    rows, columns = np.nonzero(white)
    assert (rows.min(), rows.max(), columns.min(), columns.max()) == (200, 499, 100, 399)
    assert white[200, 100:400].all()
    assert white[200:500, 399].all()
    inked = (found == 0).all(axis=-1)
    assert inked[200:230, 100:250].any(), "the name is in the upper left corner"
    assert not inked[230:].any()


def test_of_a_long_name_the_value_stays():
    eight, one = (
        overlay(frame(600, 800), boxes=[Found(box=(0, 0, 200, 200), name="a very long name of a class", value=value)])
        for value in ("0.88", "0.11")
    )
    differing = np.nonzero((eight != one).any(axis=-1))[1]
    assert differing.min() > 100
    assert differing.max() < 200


def test_a_name_is_cut_short_where_its_box_is_narrow():
    whole = fitting("palace 0.83", 14, 1000)
    short = fitting("palace 0.83", 14, 40)
    assert (whole, short[-1]) == ("palace 0.83", "…")
    assert font_of(14).getlength(short) <= 40
    assert fitting("palace", 14, 2) == ""


def test_names_of_other_alphabets_have_letters():
    boxes = {bytes(font_of(20).getmask(letter)) for letter in "Жλé"}
    assert len(boxes) == 3, "none is the box that stands for a letter which a font has not"


def test_the_legend_has_one_height_whatever_it_says():
    red = np.array([[255, 0, 0]], dtype=np.uint8)
    lines = [[Item(text="palace", sample=red)], []]
    found = legend(300, 20, lines)
    assert found.shape == legend(300, 20, [[], []]).shape == (60, 300, 3)
    is_red = (found == red).all(axis=-1)
    assert is_red.sum() == 20 * 20
    assert is_red[:30].sum() == is_red.sum(), "in the first line"


def test_what_does_not_fit_into_a_line_is_left_out():
    red, blue = np.array([[255, 0, 0]], dtype=np.uint8), np.array([[0, 0, 255]], dtype=np.uint8)
    both = [Item(text="palace", sample=red), Item(text="a long name", sample=blue)]
    assert (legend(400, 20, [both]) == blue).all(axis=-1).any()
    assert not (legend(180, 20, [both]) == blue).all(axis=-1).any()
    assert (legend(180, 20, [both]) == red).all(axis=-1).any()
