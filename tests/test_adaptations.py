"""Names of adaptations: each one parses back to itself, and nothing else does."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vitcnn.adaptations import TARGETS, Full, Head, Lora, adaptation
from vitcnn.errors import UserError

LORA = st.builds(
    Lora,
    rank=st.integers(1, 99_999),
    targets=st.sampled_from(sorted(TARGETS)),
    alpha=st.integers(1, 199_998),
)
EVERY = st.one_of(st.builds(Full), st.builds(Head, views=st.integers(1, 9_999)), LORA)
NAMES = {
    "full": Full(),
    "head": Head(),
    "head_views5": Head(views=5),
    "lora16_qv": Lora(rank=16, targets="qv", alpha=32),
    "lora1_conv": Lora(rank=1, targets="conv", alpha=2),
    "lora16_qv_alpha16": Lora(rank=16, targets="qv", alpha=16),
}


NO_NAMES = [
    *(
        "",
        "Full",
        "heads",
        "head_views0",
        "head_views01",
        "lora",
        "lora_qv",
        "lora0_qv",
        "lora04_qv",
        "lora4",
        "lora4_k",
    ),
    *("lora4_qv_alpha", "lora4_qv_alpha0", "lora4_qv ", "lora4_qv\n", "lora-4_qv", "lora4.5_qv", "lora123456_qv"),
    *("lora4_qv_alpha1234567", "lora٤_qv", "full/head", None, 16),
]


@given(EVERY)
def test_every_name_parses_back(how):
    assert adaptation(str(how)) == how


@given(EVERY, EVERY)
def test_names_are_equal_exactly_where_adaptations_are(one, other):
    assert (str(one) == str(other)) == (one == other)


@pytest.mark.parametrize("name, how", NAMES.items())
def test_names_and_what_they_mean(name, how):
    assert (adaptation(name), str(how)) == (how, name)


def test_the_update_is_scaled_by_alpha_over_rank():
    assert (adaptation("lora16_qv").scale, adaptation("lora4_qkv_alpha2").scale) == (2.0, 0.5)


@pytest.mark.parametrize(
    "name",
    NO_NAMES,
)
def test_what_is_no_name_is_refused_with_the_forms(name):
    with pytest.raises(UserError, match=r"adaptation: .* cannot be used. Allowed: full, head, head_viewsK") as refused:
        adaptation(name)
    assert "lora16_qv" in str(refused.value)


@pytest.mark.parametrize("name, one", [("head_views1", "head"), ("lora4_qv_alpha8", "lora4_qv")])
def test_a_second_name_of_the_same_is_refused_with_the_first(name, one):
    with pytest.raises(
        UserError, match=f"method: '{name}' cannot be used. Allowed: {one}. Write {one}: each adaptation has one name"
    ):
        adaptation(name, field="method")
