"""Every field of a case: what a user writes there is a valid case, or one clear error."""

import json
import math
from dataclasses import fields

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vitcnn import AccuracyCase, DataEfficiencyCase, LatencyCase, MemoryCase, TiledCase, TrainingCase
from vitcnn.errors import UserError
from vitcnn.measuring.runner import settings_of
from vitcnn.spec import Case
from vitcnn.suite import declared_cases

VALID = {
    LatencyCase: {"architecture": "lenet", "px": 28, "batch": 1},
    TrainingCase: {"architecture": "lenet", "px": 28, "batch": 1},
    MemoryCase: {"architecture": "lenet", "px": 28, "batch": 1, "phase": "training"},
    TiledCase: {"architecture": "lenet", "width": 600, "height": 600, "tile_px": 512, "batch": 1},
    AccuracyCase: {"architecture": "lenet", "task": "digits", "recipe": "digits_cnn"},
    DataEfficiencyCase: {"architecture": "lenet", "task": "digits", "recipe": "digits_cnn", "num_train": 100},
}
anything = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-3, 10**12),
    st.just(10**400),
    st.floats(),
    st.text(max_size=3),
    st.just([]),
    st.just({}),
    st.just(b"x"),
    st.sampled_from(["fp32", "eager", "smoke", "training", 28, 0.5]),
)


@settings(max_examples=100)
@given(st.data(), st.sampled_from(list(VALID)))
def test_a_case_of_any_fields_is_valid_or_refused(data, kind):
    names = [field.name for field in fields(kind)]
    changed = data.draw(st.dictionaries(st.sampled_from(names), anything, min_size=1, max_size=3))
    try:
        case = kind(**{**VALID[kind], **changed})
    except UserError:
        return
    assert str(case).startswith(kind.question)
    json.dumps(settings_of(case), allow_nan=False)


@pytest.mark.parametrize(
    "changed, message",
    [
        ({"overlap": math.nan}, "overlap: nan cannot be used. Allowed: shares from 0, below 1"),
        ({"overlap": 1}, "overlap: 1 cannot be used"),
        ({"overlap": "10"}, "overlap: '10' cannot be used"),
        ({"overlap": 0.999}, "overlap: 0.999 cannot be used. Allowed: a share that leaves tiles of 512 px a step"),
        ({"time_tolerance": math.nan}, "time_tolerance: nan cannot be used"),
        ({"time_tolerance": "2%"}, "time_tolerance: '2%' cannot be used"),
        ({"batch": 10**400}, "batch: 'a larger number' cannot be used"),
        ({"precision": None}, "precision: None cannot be used. Allowed: fp32, bf16"),
        ({"architecture": None}, "architecture: None cannot be used"),
    ],
    ids=str,
)
def test_refusals_say_what_is_allowed(changed, message):
    with pytest.raises(UserError) as caught:
        TiledCase(**{**VALID[TiledCase], **changed})
    assert str(caught.value).startswith(message)


CASE = LatencyCase(**VALID[LatencyCase])


@pytest.mark.parametrize(
    "cases, message",
    [
        (CASE, "Write a comma behind the case: CASES = (case,)."),
        ("latency/lenet", "Allowed: a tuple of cases. Write CASES = ("),
        (None, "None cannot be used. Allowed: a tuple of cases"),
        ((entry for entry in (CASE,)), "Allowed: a tuple of cases"),
        ({CASE}, "Allowed: a tuple of cases"),
        ((), "() cannot be used. Allowed: at least one case"),
        (("latency/lenet",), "'latency/lenet' cannot be used. Allowed: cases alone"),
        ((CASE, None), "None cannot be used. Allowed: cases alone"),
        ((LatencyCase,), "Allowed: cases alone"),
        ((Case(architecture="lenet"),), "Allowed: cases alone"),
        ((CASE, CASE), "'latency/lenet/28/b1/fp32/eager' cannot be used. Allowed: each case once"),
    ],
    ids=["bare", "text", "none", "generator", "set", "empty", "texts", "mixed", "class", "base", "twice"],
)
def test_cases_of_another_shape_are_refused_with_the_file_and_what_to_write(cases, message):
    with pytest.raises(UserError) as caught:
        declared_cases("benchmarks/test_mine.py", cases)
    assert str(caught.value).startswith("CASES in benchmarks/test_mine.py: ")
    assert message in str(caught.value)


def test_a_list_of_cases_serves():
    assert declared_cases("x.py", [CASE]) == (CASE,)
