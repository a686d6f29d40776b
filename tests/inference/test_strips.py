import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from vitcnn.errors import UserError
from vitcnn.inference.receptive_field import ReceptiveField
from vitcnn.inference.strips import Strips


@st.composite
def plans(draw):
    stride = draw(st.integers(1, 40))
    first, last = draw(st.integers(-120, stride - 1)), draw(st.integers(0, 120))
    assume(last >= first)
    field = ReceptiveField(stride=stride, first=first, last=last, rows_less=draw(st.integers(-1, 1)))
    height = draw(st.integers(2 * stride, 900))
    try:
        return Strips(height=height, strip_px=draw(st.integers(1, 1000)), field=field)
    except UserError:
        assume(False)


@given(plans())
def test_every_row_of_features_is_answered_for_once_by_a_strip_that_holds_all_it_sees(plan):
    field = plan.field
    rows = [row for strip in plan.strips for row in range(strip.first_row, strip.end_row)]
    assert rows == list(range(plan.num_rows))
    for strip in plan.strips:
        assert 0 <= strip.top < strip.bottom <= plan.height
        for row in range(strip.first_row, strip.end_row):
            assert strip.top == 0 or field.stride * row + field.first >= strip.top
            assert strip.bottom == plan.height or field.stride * row + field.last < strip.bottom


@given(plans())
def test_strips_are_of_one_height_and_step_as_the_frame_does(plan):
    (px,) = {strip.bottom - strip.top for strip in plan.strips}
    assert px <= min(plan.strip_px, plan.height)
    assert all(strip.top % plan.field.stride == 0 for strip in plan.strips)
    assert (plan.height - px) % plan.field.stride == 0


RESNET50 = ReceptiveField(stride=32, first=-213, last=213, rows_less=-1)


def test_a_4k_frame_in_strips_of_resnet50_by_hand():
    plan = Strips(height=2160, strip_px=1300, field=RESNET50)
    # 13 rows of features, 416 px, are in sight of an edge between two strips: (2160 + 416) / 2 is 1,288, and up to
    # 1,296, which differs from 2,160 by 27 times 32
    assert [(strip.top, strip.bottom) for strip in plan.strips] == [(0, 1296), (864, 2160)]
    assert [(strip.first_row, strip.end_row) for strip in plan.strips] == [(0, 34), (34, 68)]


def test_strips_lower_than_their_halo_are_refused_with_the_least():
    with pytest.raises(UserError, match="strips of 464 rows and more"):
        Strips(height=2160, strip_px=400, field=RESNET50)
    assert len(Strips(height=2160, strip_px=464, field=RESNET50).strips) > 2
    assert len(Strips(height=300, strip_px=300, field=RESNET50).strips) == 1
