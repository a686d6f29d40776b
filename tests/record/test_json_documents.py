"""JSON read strictly, and the fuzz: any change of a valid document gives a valid run, or a RecordError."""

import copy
import json
import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from record_builders import accuracy, latency, memory, run_of

from vitcnn.errors import RecordError
from vitcnn.gate.baseline import Recording, StoredRun, baseline_of
from vitcnn.gate.judge import judge
from vitcnn.record import Run, load_run
from vitcnn.record.json_documents import MAX_DEPTH, as_json, read_json, require_sound
from vitcnn.report.verdicts import terminal

RUN = run_of(
    latency("lenet", 0.001, 0.002), accuracy("vit_micro", right=[[1, 0], [1, 1]]), memory("lenet", parameters=61_706)
)
DOCUMENT = RUN.to_json()


@pytest.mark.parametrize(
    "content, reason",
    [
        (b"[" * 100_000, "nested too deeply"),
        (b"[" * 100_000 + b"]" * 100_000, "nested too deeply"),
        (b"\xef\xbb\xbf{}", "BOM"),
        ('{"a": "é"}'.encode("utf-16"), "can't decode"),
        (b'{"a": "\xff"}', "can't decode"),
        (b'{"a": 1, "a": 2}', "the name 'a' stands twice"),
        (b'{"a": ' + b"9" * 5000 + b"}", "4300"),
        (b"", "Expecting value"),
    ],
)
def test_what_cannot_be_read_is_refused_with_the_file_and_the_reason(tmp_path, content, reason):
    path = tmp_path / "run.json"
    path.write_bytes(content)
    for read in (read_json, load_run):
        with pytest.raises(RecordError, match=f"^{path}: cannot be read as JSON .*{reason}"):
            read(path)


def test_a_path_that_no_system_call_takes_is_refused(tmp_path):
    with pytest.raises(RecordError, match="cannot be read as JSON"):
        load_run(tmp_path / ("x" * 300))


def nested(depth):
    return [] if depth == 0 else [nested(depth - 1)]


@pytest.mark.parametrize(
    "value, fault",
    [
        (math.nan, "settings.x: a number that is not finite"),
        (-math.inf, "settings.x: a number that is not finite"),
        (10**400, "settings.x: a number that is not finite, or too large"),
        ("\ud800", r"settings.x: '\\ud800' is no Unicode text"),
        ({"\ud800": 1}, "is no Unicode text"),
        (nested(MAX_DEPTH), "settings.x: nested deeper than 50"),
    ],
    ids=["nan", "inf", "huge", "surrogate", "key", "deep"],
)
def test_what_nothing_can_reckon_with_or_show_is_refused_by_its_place(value, fault):
    with pytest.raises(RecordError, match=f"^{fault}" if fault.startswith("settings") else fault):
        require_sound({"settings": {"x": value}})
    document = copy.deepcopy(DOCUMENT)
    document["cases"][0]["record"]["settings"]["x"] = value
    with pytest.raises(RecordError):
        Run.from_json(document)


@pytest.mark.parametrize("value", [0, -1, 1e300, 2**64, "é\U0001f600", nested(10), None, True])
def test_what_json_holds_is_sound(value):
    require_sound({"x": value})


def test_what_a_user_left_is_written_as_text_where_json_has_no_word_for_it():
    left = {"a": math.nan, (1, 2): [math.inf, 1.5, None, True], "b": {"c": print}}
    assert as_json(left) == {"a": "nan", "(1, 2)": ["inf", 1.5, None, True], "b": {"c": str(print)}}


@pytest.mark.parametrize("sample", [1e308, 5e-324, -1e31, 1e-31, 10**400])
def test_samples_of_a_size_that_nothing_measures_are_refused(sample):
    document = copy.deepcopy(DOCUMENT)
    document["cases"][0]["record"]["measurements"][0]["samples"] = [0.001, sample]
    with pytest.raises(RecordError):
        Run.from_json(document)


odd = st.one_of(
    st.none(),
    st.booleans(),
    st.sampled_from(
        [0, -1, 1e30, 1e-30, 1e308, 5e-324, math.nan, math.inf, 10**400, "", "x", "\ud800", "a\0b", "../x"]
    ),
    # copies: a second change of the document may be one of the value that the first put there
    st.sampled_from([[], {}, [[]], [None], {"x": 1}, ["x", 1], [1e30, -1e30], [0]]).map(copy.deepcopy),
    st.text(max_size=3),
)


def places(document, path=()):
    """Yield the path to every value in a document."""
    items = document.items() if isinstance(document, dict) else enumerate(document)
    for key, value in items:
        yield (*path, key)
        if isinstance(value, (dict, list)):
            yield from places(value, (*path, key))


@st.composite
def mutated(draw):
    """The document with up to three values replaced, removed, doubled, added or moved."""
    document = copy.deepcopy(DOCUMENT)
    for _ in range(draw(st.integers(1, 3))):
        *parents, key = draw(st.sampled_from(list(places(document))))
        inner = document
        for parent in parents:
            inner = inner[parent]
        kind = draw(st.sampled_from(["replace", "remove", "add", "double", "swap"]))
        if kind == "replace":
            inner[key] = draw(odd)
        elif kind == "remove":
            del inner[key]
        elif kind == "add" and isinstance(inner, dict):
            inner[draw(st.text(max_size=3))] = draw(odd)
        elif kind == "double" and isinstance(inner, list):
            inner.append(copy.deepcopy(inner[key]))
        elif kind == "swap":
            other = draw(st.sampled_from(list(inner) if isinstance(inner, dict) else range(len(inner))))
            inner[key], inner[other] = inner[other], inner[key]
        if not document:
            break
    return document


@settings(max_examples=60)
@given(mutated())
def test_any_change_of_a_document_gives_a_run_that_can_be_judged_or_a_record_error(document):
    try:
        run = Run.from_json(document)
    except RecordError:
        return
    assert Run.from_json(json.loads(json.dumps(run.to_json()))) == run
    for current, stored in ((run, RUN), (RUN, run)):
        baseline = baseline_of([Recording(name="a", runs=(StoredRun(path="a.json", run=stored),) * 2)])
        terminal(judge([current], baseline), "strict", width=120)
