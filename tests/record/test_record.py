import dataclasses
import json
import math
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from record_builders import ENVIRONMENT, accuracy, latency, measurement, memory, run_of

import vitcnn
from vitcnn.errors import RecordError
from vitcnn.record import CaseResult, Environment, Measurement, Record, Run, Selection, Series, load_run
from vitcnn.record.run import OUTCOMES
from vitcnn.record.schema import validate
from vitcnn.spec import FAMILIES, PRESETS

SCHEMA = json.loads((Path(vitcnn.__file__).parent / "record/run.schema.json").read_text(encoding="utf-8"))["$defs"]
RUN = run_of(latency("lenet", 0.001, 0.002), accuracy("vit_micro", right=[[1, 0], [1, 1]]))

texts = st.text(st.characters(codec="utf-8"), min_size=1, max_size=8)
names = st.from_regex(r"[a-z][a-z0-9_]{0,8}", fullmatch=True)
numbers = st.one_of(st.integers(-(2**53), 2**53), st.floats(allow_nan=False, allow_infinity=False))
samples = st.one_of(st.just(0), st.integers(1, 2**53), st.floats(1e-30, 1e30), st.floats(-1e30, -1e-30))
measurements = st.builds(
    Measurement,
    metric=names | st.sampled_from(["a", "b"]),  # often the same of two records, seldom alike
    unit=texts,
    better=st.sampled_from(["higher", "lower"]),
    tolerance=st.floats(0, 1, exclude_max=True),
    samples=st.lists(samples, min_size=1, max_size=4).map(tuple),
)
matrices = st.lists(st.lists(numbers, max_size=3).map(tuple), max_size=3).map(tuple)
series = st.builds(Series, name=names, unit=texts, axes=st.just(("seed", "image")), values=matrices)
settings = st.dictionaries(texts, st.one_of(texts, numbers, st.booleans(), st.none(), st.lists(numbers, max_size=2)))
records = st.builds(
    Record,
    case=texts,
    architecture=texts,
    family=st.sampled_from([*FAMILIES, ""]),
    settings=settings,
    status=st.sampled_from(["ok", "failed", "out_of_memory", "diverged", "leaked"]),
    measurements=st.lists(measurements, max_size=2).map(tuple),
    series=st.lists(series, max_size=2).map(tuple),
    files=st.dictionaries(texts, texts, max_size=2),
)
results = st.builds(
    CaseResult, id=texts, outcome=st.sampled_from(OUTCOMES), reason=st.text(), record=st.none() | records
)
environments = st.builds(
    Environment,
    **dict.fromkeys(("gpu", "driver", "cuda", "cpu", "python", "vitcnn", "torch", "torchvision", "timm"), texts),
    peft=st.just(""),
    device_key=names,
    device=st.sampled_from(["cpu", "cuda"]),
    num_threads=st.integers(1, 64),
    numerics=st.dictionaries(texts, st.booleans() | texts, max_size=2),
    git_commit=texts,
    git_dirty=st.sampled_from([True, False, None]),
    git_changes=st.sampled_from(["", "b2"]),
)
several = st.lists(texts, max_size=2).map(tuple)
selections = st.builds(Selection, preset=st.sampled_from(PRESETS), architectures=several, keyword=texts, paths=several)
runs = st.builds(
    Run,
    environment=environments,
    cases=st.lists(results, max_size=2, unique_by=lambda result: result.id).map(tuple),
    started=texts,
    selection=selections,
)


@given(records)
def test_a_record_survives_json(record):
    assert Record.from_json(json.loads(json.dumps(record.to_json()))) == record


@given(results)
def test_a_case_result_survives_json(result):
    assert CaseResult.from_json(json.loads(json.dumps(result.to_json()))) == result


@given(runs)
def test_a_run_survives_json(run):
    assert Run.from_json(json.loads(json.dumps(run.to_json()))) == run


@pytest.mark.parametrize(
    "kind, definition",
    [
        (Series, "series"),
        (Record, "record"),
        (CaseResult, "case_result"),
        (Environment, "environment"),
        (Selection, "selection"),
    ],
)
def test_schema_requires_exactly_the_fields_of_the_dataclass(kind, definition):
    fields = [field.name for field in dataclasses.fields(kind) if field.name != "folder"]
    assert sorted(SCHEMA[definition]["properties"]) == sorted(SCHEMA[definition]["required"]) == sorted(fields)
    assert SCHEMA[definition]["additionalProperties"] is False


def test_a_measurement_says_what_its_metric_does_not():
    fields = {field.name for field in dataclasses.fields(Measurement)}
    assert SCHEMA["measurement"]["properties"].keys() == fields
    assert {*SCHEMA["measurement"]["required"], *SCHEMA["metric"]["required"]} == fields
    assert SCHEMA["measurement"]["additionalProperties"] is SCHEMA["metric"]["additionalProperties"] is False


def test_what_measurements_of_a_metric_have_in_common_stands_once():
    milliseconds = latency("vit_tiny", 0.003)
    [odd] = milliseconds.measurements
    odd = dataclasses.replace(odd, unit="ms", tolerance=0.05)
    run = run_of(latency("lenet", 0.1), dataclasses.replace(milliseconds, measurements=(odd,)), latency("resnet18", 2))
    document = run.to_json()
    assert document["metrics"] == {"latency_s": {"unit": "s", "better": "lower", "tolerance": 0.02}}
    assert [case["record"]["measurements"] for case in document["cases"]] == [
        [{"metric": "latency_s", "samples": [0.1]}],
        [{"metric": "latency_s", "unit": "ms", "tolerance": 0.05, "samples": [0.003]}],
        [{"metric": "latency_s", "samples": [2]}],
    ]
    assert Run.from_json(document) == run


@pytest.mark.parametrize("field", ["unit", "better", "tolerance"])
def test_what_neither_a_measurement_nor_its_metric_says_is_missed_by_name(tmp_path, field):
    alone = RUN.records[0].to_json()
    del alone["measurements"][0][field]
    message = f"latency_s: neither its measurement nor `metrics` says its {field}"
    with pytest.raises(RecordError, match=message):
        Record.from_json(alone)
    document = RUN.to_json()
    del document["metrics"]["latency_s"]
    path = tmp_path / "run.json"
    path.write_text(json.dumps({"vitcnn": document}), encoding="utf-8")
    with pytest.raises(RecordError, match=r"run\.json: vitcnn: latency_s: neither .* says its unit, better, tolerance"):
        load_run(path)


def test_outcomes_are_those_of_the_schema():
    assert list(OUTCOMES) == SCHEMA["case_result"]["properties"]["outcome"]["enum"]


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_samples_that_are_not_finite_are_refused(bad):
    with pytest.raises(RecordError, match=rf"latency_s: samples must be finite numbers, got \[1.0, {bad}\]"):
        measurement("latency_s", 1.0, bad)


def test_a_measurement_without_samples_is_refused():
    with pytest.raises(RecordError, match="latency_s: no samples"):
        measurement("latency_s")


def test_samples_of_a_metric_that_was_not_measured_are_empty():
    record = memory("lenet", parameters=61_706)
    assert record.samples("parameters") == (61_706,)
    assert record.samples("latency_s") == ()


def test_settings_that_are_not_json_numbers_are_refused_when_written():
    with pytest.raises(ValueError, match="JSON compliant"):
        dataclasses.replace(latency("lenet", 1.0), settings={"rate": math.nan}).to_json()


def changed(document, path, value):
    """Return a copy of `document` in which what `path` leads to is `value`."""
    copied = json.loads(json.dumps(document))
    *parents, last = path
    inner = copied
    for key in parents:
        inner = inner[key]
    inner[last] = value
    return copied


@pytest.mark.parametrize(
    "path, value, message",
    [
        (("cases", 0, "outcome"), "splendid", r"cases\[0\]\.outcome: 'splendid' is not one of"),
        (("cases", 1, "id"), "", r"cases\[1\]\.id: ''"),
        (("cases", 1, "record", "status"), "fine", r"cases\[1\]\.record\.status: 'fine' is not one of \['ok'"),
        (("cases", 0, "record", "family"), "rnn", r"cases\[0\]\.record\.family: 'rnn' is not one of \['cnn'"),
        (
            ("cases", 0, "record", "measurements", 0, "better"),
            "bigger",
            r"cases\[0\]\.record\.measurements\[0\]\.better: 'bigger' is not one of \['higher', 'lower'\]",
        ),
        (
            ("metrics", "latency_s", "better"),
            "bigger",
            r"metrics\.latency_s\.better: 'bigger' is not one of \['higher', 'lower'\]",
        ),
        (
            ("cases", 0, "record", "measurements", 0, "samples"),
            [],
            r"cases\[0\]\.record\.measurements\[0\]\.samples: \[\]",
        ),
        (
            ("cases", 0, "record", "measurements", 0, "samples"),
            [1.0, True],
            r"cases\[0\]\.record\.measurements\[0\]\.samples\[1\]: True is not of type 'number'",
        ),
        (
            ("cases", 1, "record", "series", 0, "axes"),
            ["seed", 1],
            r"cases\[1\]\.record\.series\[0\]\.axes\[1\]: 1 is not of type 'string'",
        ),
        (("environment", "num_threads"), 0, r"environment\.num_threads: 0 is less than the minimum of 1"),
        (("environment", "device"), "tpu", r"environment\.device: 'tpu' is not one of \['cpu', 'cuda'\]"),
        (("environment", "colour"), "red", r"environment: .*'colour' was unexpected"),
        (("schema",), 0, r"schema: .*0"),
    ],
    ids=lambda value: ".".join(map(str, value)) if isinstance(value, tuple) else "",
)
def test_a_wrong_document_is_refused_with_field_value_and_rule(path, value, message):
    with pytest.raises(RecordError, match=f"^{message}"):
        Run.from_json(changed(RUN.to_json(), path, value))


@pytest.mark.parametrize("field", SCHEMA["record"]["required"])
def test_a_record_without_a_field_is_refused_by_name(field):
    document = RUN.records[0].to_json()
    del document[field]
    with pytest.raises(RecordError, match=f"record: '{field}' is a required property"):
        Record.from_json(document)


def test_a_newer_schema_is_refused_with_the_way_out():
    with pytest.raises(RecordError, match="schema: 8 is newer than 7, which this vitcnn reads: upgrade vitcnn"):
        Run.from_json(changed(RUN.to_json(), ("schema",), 8))


def test_an_older_schema_is_refused_with_the_way_out():
    with pytest.raises(RecordError, match="schema: 1 is older than 2, the oldest this vitcnn reads: measure again"):
        Run.from_json(changed(RUN.to_json(), ("schema",), 1))


@pytest.mark.parametrize(
    "selection, narrowed_by",
    [
        (Selection(), ""),
        (Selection(preset="smoke"), ""),
        (Selection(keyword="latency and 28"), "-k 'latency and 28'"),
        (Selection(recipes=("digits_cnn,epochs=3",), num_seeds=5), "--recipe digits_cnn,epochs=3 --seeds 5"),
        (Selection(weights="hub", keyword="lora"), "--weights hub -k 'lora'"),
        (Selection(markers="not slow", architectures=("lenet",)), "--arch lenet -m 'not slow'"),
        (Selection(paths=("benchmarks/test_memory.py",), tasks=("digits",)), "benchmarks/test_memory.py --task digits"),
    ],
)
def test_a_selection_says_what_narrowed_it(selection, narrowed_by):
    assert selection.narrowed_by == narrowed_by


@pytest.mark.parametrize("document", [None, [], "text", 3])
def test_what_is_no_object_is_refused(document):
    with pytest.raises(RecordError, match=r"^run: .* is not of type 'object'"):
        Run.from_json(document)


def test_a_valid_document_passes():
    validate(RUN.to_json(), "run")


@pytest.mark.parametrize(
    "text, message",
    [
        ("not json", "cannot be read as JSON"),
        (json.dumps({"vitcnn": RUN.to_json()})[:-40], "cannot be read as JSON"),
        ("", "cannot be read as JSON"),
        ('{"benchmarks": []}', "has no top-level 'vitcnn' section"),
        ("[1]", "has no top-level 'vitcnn' section"),
        ('{"vitcnn": {"schema": 99}}', "vitcnn: schema: 99 is newer than 7"),
        (
            '{"vitcnn": {"schema": 2, "started": "", "selection": {}, "cases": []}}',
            "vitcnn: run: 'environment' is a required property",
        ),
        (
            '{"vitcnn": {"schema": 7, "started": "", "selection": {}, "environment": {}, "cases": []}}',
            "vitcnn: run: 'more_runs' is a required property",
        ),
    ],
)
def test_load_run_names_the_file_and_what_is_wrong(tmp_path, text, message):
    path = tmp_path / "run.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(RecordError, match=message) as caught:
        load_run(path)
    assert str(caught.value).startswith(str(path))


def test_load_run_of_a_missing_file_or_a_folder_is_a_record_error(tmp_path):
    for path, says in ((tmp_path / "missing.json", "there is no such file"), (tmp_path, "cannot be read as JSON")):
        with pytest.raises(RecordError, match=says):
            load_run(path)


def test_load_run_reads_what_to_json_wrote(tmp_path):
    path = tmp_path / "run.json"
    path.write_text(json.dumps({"benchmarks": [], "vitcnn": RUN.to_json()}), encoding="utf-8")
    assert load_run(path) == RUN


def as_in_schema_6(run):
    """Return a run as JSON values of schema 6, in which each measurement says all of itself."""
    document = {**run.to_json(), "schema": 6, "cases": [case.to_json() for case in run.cases]}
    del document["metrics"]
    return document


@pytest.mark.parametrize("schema", [2, 3, 4, 5, 6])
def test_a_run_of_an_older_schema_is_read(tmp_path, schema):
    document = as_in_schema_6(RUN)
    if schema < 6:
        del document["selection"]["weights"]
    if schema < 5:
        for case in document["cases"]:
            del case["wall_s"]
    if schema < 4:
        del document["selection"]["recipes"], document["selection"]["num_seeds"]
    if schema == 2:
        del document["resumed"]
    path = tmp_path / "run.json"
    path.write_text(json.dumps({"vitcnn": {**document, "schema": schema}}, indent=1), encoding="utf-8")
    assert load_run(path) == RUN
    assert load_run(path).resumed == ()


def test_a_record_of_an_older_schema_names_its_recipe_and_holds_all_of_it(tmp_path):
    trained = accuracy("lenet", right=[[1]])
    document = as_in_schema_6(run_of(trained))
    document["cases"][0]["record"]["settings"]["recipe"] = {"name": "digits_cnn", "epochs": 12}
    path = tmp_path / "run.json"
    path.write_text(json.dumps({"vitcnn": {**document, "schema": 4}}), encoding="utf-8")
    [record] = load_run(path).records
    assert (record.recipe, record.settings["training"]) == ("digits_cnn", {"name": "digits_cnn", "epochs": 12})
    assert record.settings["recipe"] == "digits_cnn"


def test_records_of_an_older_schema_have_cells_too(tmp_path):
    first, second = accuracy("lenet", right=[[1]]), accuracy("vit_micro", right=[[1]], recipe="digits_vit")
    document = as_in_schema_6(run_of(first, second, latency("lenet", 0.1)))
    for case in document["cases"]:
        del case["record"]["settings"]["cell"]
    path = tmp_path / "run.json"
    path.write_text(json.dumps({"vitcnn": {**document, "schema": 4}}), encoding="utf-8")
    cells = [record.cell for record in load_run(path).records]
    assert cells == [*["accuracy/*/digits/digits_*/fp32/eager"] * 2, "latency/*/28/b1/fp32/eager"]


def test_a_case_of_an_older_schema_may_have_no_record(tmp_path):
    run = run_of(latency("lenet", 0.1), CaseResult(id="x", outcome="skipped", reason="no data"))
    path = tmp_path / "run.json"
    path.write_text(json.dumps({"vitcnn": {**as_in_schema_6(run), "schema": 4}}), encoding="utf-8")
    assert load_run(path) == run


@pytest.mark.parametrize("tolerance", [-0.01, 1.0])
def test_a_tolerance_is_a_share(tolerance):
    with pytest.raises(RecordError, match="a tolerance is a share from 0, below 1, got"):
        Measurement(metric="latency_s", unit="s", better="lower", tolerance=tolerance, samples=(1.0,))


def test_a_record_that_was_read_knows_the_folder_that_its_files_lie_in(tmp_path):
    path = tmp_path / "run.json"
    path.write_text(json.dumps({"vitcnn": RUN.to_json()}), encoding="utf-8")
    assert {record.folder for record in load_run(path).records} == {tmp_path}
    assert "folder" not in RUN.records[0].to_json()


def test_only_cases_that_passed_have_records_to_report():
    failed = CaseResult(id="x", outcome="failed", reason="why", record=latency("vit_tiny", 1.0))
    run = run_of(latency("lenet", 1.0), failed, CaseResult(id="y", outcome="skipped"))
    assert [record.architecture for record in run.records] == ["lenet"]


def test_the_machine_is_the_environment_without_the_revision():
    fields = {field.name for field in dataclasses.fields(Environment)}
    assert fields - ENVIRONMENT.machine().keys() == {"git_commit", "git_dirty", "git_changes"}
    assert ENVIRONMENT.machine()["cpu"] == "Test CPU"
