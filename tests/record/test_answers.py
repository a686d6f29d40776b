import hashlib
import io
import json
from dataclasses import replace

import numpy as np
import pytest
from record_builders import accuracy, latency, passed, robustness, run_of

from vitcnn.errors import RecordError
from vitcnn.metrics.robustness import relative_scores
from vitcnn.record import Record, Series, load_run
from vitcnn.record.answers import (
    answers,
    copy_answers,
    correct,
    examples,
    scores,
    unnamed_answers,
    with_answers_in_file,
)

RIGHT = np.random.default_rng(0).random((3, 355)) < 0.95
TRAINED = accuracy("lenet", right=RIGHT.tolist())
CORRUPTED = robustness(
    "vit_micro",
    right=[[1, 0, 1], [1, 1, 1]],
    times_right=((10, 0, 4), (9, 5, 1)),
    accuracies=[[[2 / 3] + [0.5] * 5] * 2, [[1.0] + [0.5] * 5] * 2],
)


def result_of(record):
    return replace(passed(record.case), record=record)


@pytest.fixture
def stored(tmp_path):
    """Return the record of TRAINED whose answers lie in a file, and that file."""
    record = with_answers_in_file(TRAINED, tmp_path)
    return record, tmp_path / record.files["answers"]


@pytest.mark.parametrize("record", [TRAINED, CORRUPTED], ids=["accuracy", "robustness"])
def test_answers_come_back_from_the_file_and_leave_the_json(tmp_path, record):
    written = with_answers_in_file(record, tmp_path)
    (tmp_path / "run.json").write_text(json.dumps({"vitcnn": run_of(written).to_json()}))
    (read,) = load_run(tmp_path / "run.json").records
    assert answers(read).right.tolist() == answers(record).right.tolist()
    assert answers(read).times_right.tolist() == answers(record).times_right.tolist()
    left = {entry.name for entry in record.series} - {entry.name for entry in read.series}
    assert left >= {"test_predictions", "test_labels"}
    assert "times_right_under_shift" not in {entry.name for entry in read.series}
    assert correct(read).tolist() == correct(record).tolist()
    if record is CORRUPTED:
        assert relative_scores(read).tolist() == relative_scores(record).tolist()


IN_SEQUENCES = replace(
    accuracy("lenet", right=[[1, 0, 1], [1, 1, 1]]),
    series=(
        *accuracy("lenet", right=[[1, 0, 1], [1, 1, 1]]).series,
        Series(name="image_scores", unit="1", axes=("seed", "image"), values=((1.5, -0.25), (1.0, 1.0))),
        Series(
            name="example_images",
            unit="1",
            axes=("example", "place", "row", "column"),
            values=((((0, 255), (7, 0)), ((0, 0), (0, 0))),),
        ),
        Series(name="example_truth", unit="1", axes=("example",), values=(7,)),
        Series(name="example_answers", unit="1", axes=("example",), values=(8,)),
    ),
)


@pytest.mark.parametrize("is_stored", [False, True])
def test_scores_and_pictures_of_sequences_lie_beside_their_answers(tmp_path, is_stored):
    record = with_answers_in_file(IN_SEQUENCES, tmp_path) if is_stored else IN_SEQUENCES
    assert len(record.series) == (0 if is_stored else 6)
    assert correct(record).tolist() == [[True, False, True], [True, True, True]]
    assert scores(record).tolist() == [[1.5, -0.25], [1.0, 1.0]]
    found = examples(record)
    assert found.images.tolist() == [[[[0, 255], [7, 0]], [[0, 0], [0, 0]]]]
    assert found.images.dtype == np.uint8
    assert (found.truth.tolist(), found.answers.tolist()) == ([7], [8])


def test_scores_of_single_images_are_their_answers_and_files_without_pictures_have_none(stored):
    record, _ = stored
    assert scores(record).tolist() == RIGHT.tolist()
    assert examples(record) is None
    assert examples(latency("lenet", 0.1)) is None


def test_the_file_is_named_by_its_content_and_holds_a_bit_for_each_answer(stored):
    record, path = stored
    content = path.read_bytes()
    assert record.files == {"answers": f"answers/{hashlib.sha256(content).hexdigest()[:16]}.npz"}
    with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
        assert arrays["right"].nbytes == 3 * 45, "355 bits"
        assert np.unpackbits(arrays["right"], axis=1)[:, :355].astype(bool).tolist() == RIGHT.tolist()
    assert len(content) < 1000


def test_equal_answers_share_one_file(tmp_path):
    one, other = (with_answers_in_file(replace(TRAINED, case=name), tmp_path) for name in ("a", "b"))
    assert one.files == other.files
    assert len(list(tmp_path.rglob("*"))) == 2, "the folder and the file"


def test_a_record_without_answers_stays_as_it_is(tmp_path):
    record = latency("lenet", 0.1)
    assert with_answers_in_file(record, tmp_path) is record
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(RecordError, match=r"^latency/lenet/28/b1/fp32/eager: its record has no answers"):
        answers(record)


DAMAGES = {
    "missing": (lambda path: path.unlink(), r"cannot be read \(No such file or directory\)"),
    "cut off": (lambda path: path.write_bytes(path.read_bytes()[:-9]), "was cut off or altered"),
    "empty": (lambda path: path.write_bytes(b""), "was cut off or altered"),
    "one bit": (
        lambda path: path.write_bytes(path.read_bytes().replace(b"\xff", b"\xfe", 1)),
        "was cut off or altered",
    ),
}


@pytest.mark.parametrize("damage, message", DAMAGES.values(), ids=DAMAGES)
def test_a_damaged_file_is_an_error_that_names_it_only_where_it_is_read(tmp_path, stored, damage, message):
    record, path = stored
    (tmp_path / "run.json").write_text(json.dumps({"vitcnn": run_of(record).to_json()}))
    damage(path)
    (read,) = load_run(tmp_path / "run.json").records
    assert read.samples("test_accuracy") == TRAINED.samples("test_accuracy")
    for reads in (lambda: answers(read), lambda: copy_answers([result_of(read)], tmp_path / "store")):
        with pytest.raises(RecordError, match=message) as caught:
            reads()
        assert str(caught.value).startswith(f"{path}: ")
    assert not (tmp_path / "store").exists()


def foreign(**arrays):
    content = io.BytesIO()
    np.savez(content, **arrays)
    return content.getvalue()


FOREIGN = {
    "no archive": b"PK",
    "other arrays": foreign(wrong=np.ones(3)),
    "too few bits": foreign(right=np.ones((1, 1), dtype=np.float64), num_images=np.array(9)),
    "objects": foreign(right=np.array([{}], dtype=object), num_images=np.array(1)),
}


@pytest.mark.parametrize("content", FOREIGN.values(), ids=FOREIGN)
def test_a_file_of_something_else_is_an_error_and_nothing_in_it_runs(tmp_path, content):
    name = f"answers/{hashlib.sha256(content).hexdigest()[:16]}.npz"
    (tmp_path / "answers").mkdir()
    (tmp_path / name).write_bytes(content)
    with pytest.raises(RecordError, match="holds no answers of test images"):
        answers(replace(TRAINED, series=(), files={"answers": name}), tmp_path)


@pytest.mark.parametrize("name", ["../answers/0123456789abcdef.npz", "/etc/passwd", "answers/x.npz", ""])
def test_a_path_that_leads_elsewhere_is_refused(tmp_path, name):
    with pytest.raises(RecordError, match=r"files.answers: .* is no file of answers"):
        answers(replace(TRAINED, series=(), files={"answers": name}), tmp_path)


def test_what_no_record_names_is_found(tmp_path, stored):
    record, path = stored
    other = with_answers_in_file(CORRUPTED, tmp_path)
    (tmp_path / "answers" / "mine.npz").write_bytes(b"not ours")
    assert unnamed_answers(tmp_path, [run_of(record, other)]) == []
    assert unnamed_answers(tmp_path, [run_of(other)]) == [path]
    assert unnamed_answers(tmp_path / "missing", []) == []


def test_a_record_keeps_its_series_until_they_lie_in_the_file(stored):
    record, _ = stored
    assert Record.from_json(TRAINED.to_json()) == TRAINED
    assert record != TRAINED
