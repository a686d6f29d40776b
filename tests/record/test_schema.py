import copy
import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from record_builders import accuracy, ended, latency, run_of

import vitcnn
from vitcnn.errors import RecordError
from vitcnn.record.schema import validate

DEFINITIONS = json.loads((Path(vitcnn.__file__).parent / "record/run.schema.json").read_text(encoding="utf-8"))["$defs"]
ORACLE = Draft202012Validator({"$defs": DEFINITIONS, "$ref": "#/$defs/run"})
RUN = run_of(latency("lenet", 0.1), accuracy("vit_micro", right=[[1, 0]]), ended("x", "skipped")).to_json()

REMOVED = object()
odd = st.sampled_from(
    [
        REMOVED,
        None,
        True,
        False,
        -1,
        0,
        0.5,
        1,
        1.0,
        2,
        2.0,
        "",
        "ok",
        "cpu",
        "lower",
        "A b",
        [],
        [1.5],
        ["a"],
        [True],
        {},
    ]
)


def places(value, path=()):
    """Yield the path of everything in a document."""
    yield path
    for key in value if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ():
        yield from places(value[key], (*path, key))


def changed(document, path, value):
    """Return a copy in which what `path` leads to is `value`, or is gone."""
    copied = copy.deepcopy(document)
    *parents, last = path
    inner = copied
    for key in parents:
        inner = inner[key]
    if value is REMOVED:
        del inner[last]
    else:
        inner[last] = value
    return copied


def is_fit(document):
    try:
        validate(document, "run")
    except RecordError:
        return False
    return True


def test_a_run_fits():
    assert is_fit(RUN)


@settings(max_examples=400)
@given(st.sampled_from([path for path in places(RUN) if path]), odd)
def test_what_fits_is_what_jsonschema_calls_valid(path, value):
    document = changed(RUN, path, value)
    assert is_fit(document) == ORACLE.is_valid(document)


@pytest.mark.parametrize("path", [(), ("environment",), ("cases", 0), ("cases", 0, "record", "measurements", 0)])
def test_an_unknown_field_does_not_fit(path):
    assert not is_fit(changed(RUN, (*path, "colour"), "red"))


@pytest.mark.parametrize("document", [None, [], "text", 3, {}])
def test_what_is_no_run_does_not_fit(document):
    assert not is_fit(document)
