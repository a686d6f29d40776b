"""What an architecture takes: the rule, and the list that stands for one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vitcnn import Takes
from vitcnn.errors import UserError
from vitcnn.input_sizes import Listed

ANY = Takes(at_least_px=28)
SMALL = Takes(step_px=4, at_least_px=28, at_most_px=32)
DEEP = Takes(step_px=32, at_least_px=224)
TWO_STEMS = Takes(step_px=16, at_least_px=32, also_px=(28,))
PATCH_14 = Takes(step_px=14, at_least_px=224, enlarged_to_px=518)
ONE = Takes(step_px=240, at_least_px=240, at_most_px=240)
BY_HAND = [
    (ANY, {1: 28, 27: 28, 28: 28, 29: 29, 225: 225, 640: 640}),
    (SMALL, {1: 28, 28: 28, 29: 28, 30: 32, 31: 32, 32: 32, 224: 32}),
    (DEEP, {28: 224, 223: 224, 224: 224, 239: 224, 240: 256, 512: 512, 518: 512, 640: 640}),
    (TWO_STEMS, {20: 28, 28: 28, 29: 28, 30: 32, 32: 32, 40: 48, 39: 32, 64: 64, 512: 512}),
    (PATCH_14, {28: 518, 223: 518, 224: 224, 230: 224, 231: 238, 512: 518, 518: 518, 640: 644}),
    (ONE, {28: 240, 240: 240, 512: 240}),
]


@pytest.mark.parametrize("rule, px, model_px", [(rule, *pair) for rule, table in BY_HAND for pair in table.items()])
def test_a_size_that_fits_stays_and_others_go_to_the_nearest_that_does(rule, px, model_px):
    assert (rule.model_px(px), rule.refusal(px)) == (model_px, "")


@st.composite
def rules(draw):
    step = draw(st.integers(1, 40))
    first = step * draw(st.integers(1, 20))
    last = draw(st.none() | st.integers(0, 9).map(lambda more: first + step * more))
    return Takes(step_px=step, at_least_px=first, at_most_px=last, also_px=tuple(draw(st.lists(st.integers(1, 900)))))


@given(rules(), st.integers(1, 2_000))
def test_no_size_that_is_taken_lies_nearer_and_what_is_resized_once_stays(rule, px):
    last = min(rule.at_most_px or 2_100, 2_100)
    taken = {*rule.also_px, *range(rule.at_least_px, last + 1, rule.step_px)}
    found = rule.model_px(px)
    assert found in taken
    assert abs(found - px) == min(abs(size - px) for size in taken)
    assert rule.model_px(found) == found


@pytest.mark.parametrize(
    "sizes, words",
    [
        (ANY, "every size from 28 px on"),
        (SMALL, "multiples of 4 px from 28 to 32 px"),
        (DEEP, "multiples of 32 px from 224 px on"),
        (TWO_STEMS, "28 px and multiples of 16 px from 32 px on"),
        (PATCH_14, "multiples of 14 px from 224 px on; smaller images are enlarged to 518 px"),
        (ONE, "240 px"),
        (Listed(model_px_by_px={224: 224, 28: 64}), "28, 224 px"),
    ],
)
def test_what_is_taken_in_words(sizes, words):
    assert sizes.words == words


@pytest.mark.parametrize(
    "wrong, said",
    [
        ({"step_px": 0}, "step_px: 0 cannot be used. Allowed: whole numbers from 1"),
        ({"at_least_px": 30}, "at_least_px: 30 cannot be used. Allowed: multiples of step_px, 14."),
        (
            {"at_most_px": 14},
            "at_most_px: 14 cannot be used. Allowed: multiples of step_px, 14, from at_least_px, 28, on",
        ),
        ({"also_px": (0,)}, "also_px: 0 cannot be used."),
        ({"enlarged_to_px": 32}, "enlarged_to_px: 32 cannot be used. Allowed: multiples of 14 px from 28 px on."),
        (
            {"kind": "video"},
            "kind: 'video' cannot be used. Allowed: anchor and sequence of images, image, sequence of images.",
        ),
    ],
)
def test_a_rule_that_cannot_be_is_refused_by_its_field(wrong, said):
    with pytest.raises(UserError) as refused:
        Takes(**{"step_px": 14, "at_least_px": 28, **wrong})
    assert str(refused.value).startswith(said)


@pytest.mark.parametrize("wrong", [{28: 0}, {"28": 28}, [28, 224]])
def test_a_list_of_anything_but_sizes_is_refused(wrong):
    with pytest.raises(UserError, match=r"^resolutions: "):
        Listed(model_px_by_px=wrong)


def test_a_list_takes_its_sizes_alone_and_leaves_those_that_the_model_works_at():
    listed = Listed(model_px_by_px={28: 64, 224: 224})
    assert [listed.model_px(px) for px in (28, 64, 224, 32)] == [64, 64, 224, None]
    assert [bool(listed.refusal(px)) for px in (28, 64, 224, 32)] == [False, True, False, True]


@pytest.mark.parametrize("px", [0, -1])
def test_no_rule_takes_images_without_pixels(px):
    assert DEEP.model_px(px) is None
    assert DEEP.refusal(px)
