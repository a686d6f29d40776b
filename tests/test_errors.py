import re

import pytest

from vitcnn import errors
from vitcnn.errors import CaseError, Diverged, Leaked, OutOfMemory, UnknownName, UserError, VitcnnError, asked_as
from vitcnn.record.run import OUTCOMES

NAMES = ("lenet", "resnet18", "vit_micro", "vit_tiny")


def subclasses(root):
    return {root} | {found for child in root.__subclasses__() for found in subclasses(child)}


def ours(root):
    return {kind for kind in subclasses(root) if kind.__module__ == "vitcnn.errors"}


def test_docstring_draws_every_class_below_its_parent():
    lines = [line for line in errors.__doc__.splitlines() if re.search(r"[├└]── |^    VitcnnError$", line)]
    drawn = {}
    parents = {}
    for line in lines:
        depth, name = len(re.match(r"[ │├└─]*", line)[0]) // 4, re.search(r"[A-Z]\w+", line)[0]
        parents[depth] = name
        drawn[name] = parents.get(depth - 1)
    built = {kind.__name__: kind.__mro__[1].__name__ for kind in ours(VitcnnError) - {VitcnnError}}
    assert drawn == {"VitcnnError": None, **built}


def test_user_error_names_field_value_allowed_and_way_out():
    error = UserError(field="--batch", value=0, allowed="1 to 64", do="Use 16.")
    assert str(error) == "--batch: 0 cannot be used. Allowed: 1 to 64. Use 16."
    assert (error.field, error.value) == ("--batch", 0)
    assert isinstance(error, ValueError)


@pytest.mark.parametrize(
    "value, hint",
    [
        ("resnet", "Did you mean resnet18"),
        ("vit_tny", "Did you mean vit_tiny"),
        ("zzzzz", "Check the spelling."),
    ],
)
def test_unknown_name_offers_the_nearest(value, hint):
    message = str(UnknownName(field="architecture", value=value, known=NAMES))
    assert message.startswith(f"architecture: '{value}' cannot be used. Allowed: lenet, resnet18, vit_micro, vit_tiny.")
    assert hint in message


def test_a_name_that_is_not_known_is_reported_under_the_option_by_which_it_was_given():
    with pytest.raises(UnknownName) as caught, asked_as("--arch", "architecture"):
        raise UnknownName(field="architecture", value="resnet", known=NAMES, also=("timm/NAME",))
    assert str(caught.value) == (
        "--arch: 'resnet' cannot be used. Allowed: lenet, resnet18, vit_micro, vit_tiny, timm/NAME. "
        "Did you mean resnet18 or lenet?"
    )
    other = UnknownName(field="entry point", value="Net", known=NAMES)
    with pytest.raises(UnknownName) as caught, asked_as("--arch", "architecture"):
        raise other
    assert caught.value is other


def test_unknown_name_lists_what_else_is_allowed():
    message = str(UnknownName(field="architecture", value="x", known=NAMES, also=("timm/NAME",)))
    assert "vit_tiny, timm/NAME." in message


def test_unknown_name_cuts_a_long_list_and_says_how_long_it_is():
    names = [f"model_{index:04}" for index in range(500)]
    message = str(UnknownName(field="architecture", value="model_0499x", known=names))
    assert "model_0000, model_0001, model_0002, ... (500 names)" in message
    assert "Did you mean model_0499" in message
    assert len(message) < 300


def test_every_case_error_is_recorded_as_a_known_outcome():
    for kind in ours(CaseError):
        assert kind.outcome in OUTCOMES


@pytest.mark.parametrize("kind, outcome", [(OutOfMemory, "out_of_memory"), (Diverged, "diverged"), (Leaked, "leaked")])
def test_outcome_of_a_case_error(kind, outcome):
    assert kind("why").outcome == outcome
