"""Which test images, or sequences of them, each seed got right: packed in a file beside a run's JSON, a bit an answer.

A file is named by its content, `answers/<first 16 hexadecimal digits of its SHA-256>.npz`: one that was cut off or
altered is known, and runs that answered alike share one. It holds arrays without Python objects: `right`, packed by
numpy.packbits along the images; `num_images`, how many bits that are; of robustness cases `times_right`; and of
sequences `image_scores`, and some of the sequences to look at: `example_images`, `example_truth`, `example_answers`.
"""

from __future__ import annotations

import hashlib
import re
import zipfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np

from vitcnn.errors import RecordError
from vitcnn.folders import write_whole
from vitcnn.record import CaseResult, Record, Run

UNDER_SHIFT = "accuracy_under_shift"
"""The series of accuracies, (seeds, corruptions, severities), severity 0 being the images as they are."""

PREDICTIONS, LABELS, TIMES_RIGHT = "test_predictions", "test_labels", "times_right_under_shift"
"""Series of a record that was just measured, and in files of schema 2: each seed's answers (seeds, images), the classes
of the images, and under how many corruptions and severities each seed classified each image right."""

IMAGE_SCORES = "image_scores"
"""The series of scores (seeds, images) of a record of sequences that was just measured: `vitcnn.intervals`."""

EXAMPLES = ("example_images", "example_truth", "example_answers")
"""Series of a record that was just measured: pictures of some test sequences (examples, places, rows, columns), bytes,
all alike in an empty place, the right answers (examples,) and those of one seed (examples,)."""

FOLDER, FILE = "answers", "answers"
"""The folder beside a run's JSON, and the name in `Record.files` of a path in it."""

PATH = re.compile(rf"{FOLDER}/([0-9a-f]{{16}})\.npz")


@dataclass(frozen=True, kw_only=True)
class Examples:
    """Some test sequences and what one seed answered.

    `images` are greyscale bytes (examples, places, rows, columns), all pixels alike in an empty place; the first place
    is the anchor where the task has one. `truth` and `answers` are whole numbers (examples,).
    """

    images: np.ndarray
    truth: np.ndarray
    answers: np.ndarray


@dataclass(frozen=True, kw_only=True)
class Answers:
    """Which test images, or sequences of them, each seed got right, bool (seeds, images).

    `times_right`, of the same shape, counts the corruptions and severities that each image was classified right under;
    it has no columns where the case is not about robustness. `image_scores`, float32 (seeds, images), are what each
    image did to the accuracy where `right` is about sequences that share images; elsewhere it has no columns.
    """

    right: np.ndarray
    times_right: np.ndarray
    image_scores: np.ndarray
    examples: Examples | None


def answers(record: Record, folder: Path | None = None) -> Answers:
    """Return what the seeds of a record answered, from its file below `folder`: by default where it was read from.

    Raises RecordError, which names the file, where it is missing, cut off or altered, and where the record has none.
    """
    series = {entry.name: entry.values for entry in record.series}
    if PREDICTIONS in series:
        return _answers(np.asarray(series[PREDICTIONS]) == np.asarray(series[LABELS]), series)
    if FILE not in record.files:
        raise RecordError(f"{record.case}: its record has no answers: it trained no model, or nothing was timed")
    path = (record.folder if folder is None else folder) / record.files[FILE]
    return _unpacked(path, _content(path, record.files[FILE]))


def correct(record: Record) -> np.ndarray:
    """Return which test images each seed of a record got right, bool (seeds, images)."""
    return answers(record).right


def scores(record: Record) -> np.ndarray:
    """Return scores (seeds, images) whose mean is the accuracy, and whose spread over the images is that of its images.

    They are `correct`, but for sequences that share images: theirs are `image_scores`, some beyond 0..1.
    """
    found = answers(record)
    return found.image_scores if found.image_scores.size else found.right


def examples(record: Record) -> Examples | None:
    """Return the examples of a record of sequences; None where it has none."""
    is_trained = FILE in record.files or any(entry.name == PREDICTIONS for entry in record.series)
    return answers(record).examples if is_trained else None


def with_answers_in_file(record: Record, folder: Path) -> Record:
    """Write a record's answers into a file below `folder` and return the record that names it, without their series.

    A record without answers stays as it is.
    """
    if not any(entry.name == PREDICTIONS for entry in record.series):
        return record
    content = _packed(answers(record))
    name = f"{FOLDER}/{_digits(content)}.npz"
    write_whole(folder / name, content)
    packed = (PREDICTIONS, LABELS, TIMES_RIGHT, IMAGE_SCORES, *EXAMPLES)
    kept = tuple(entry for entry in record.series if entry.name not in packed)
    return replace(record, series=kept, files={**record.files, FILE: name}, folder=folder)


def copy_answers(results: Iterable[CaseResult], folder: Path) -> list[Path]:
    """Copy the answers that `results` name below `folder`, where they are not there yet; return what was written.

    Raises RecordError where they cannot be read.
    """
    records = (result.record for result in results if result.record)
    names = {record.files[FILE]: record for record in records if FILE in record.files}
    written = []
    for name, record in names.items():
        content, place = _content(record.folder / name, name), folder / name
        if not place.exists() or place.read_bytes() != content:
            write_whole(place, content)
            written.append(place)
    return written


def unnamed_answers(folder: Path, runs: Iterable[Run]) -> list[Path]:
    """Return the files of answers below `folder` that no record of `runs` names."""
    named = {result.record.files.get(FILE) for run in runs for result in run.cases if result.record}
    names = (f"{FOLDER}/{path.name}" for path in sorted((folder / FOLDER).glob("*.npz")))
    return [folder / name for name in names if PATH.fullmatch(name) and name not in named]


def _packed(found: Answers) -> bytes:
    arrays: dict[str, Any] = {"right": np.packbits(found.right, axis=1), "num_images": np.array(found.right.shape[1])}
    if found.times_right.size:
        arrays["times_right"] = found.times_right.astype(np.min_scalar_type(int(found.times_right.max())))
    if found.image_scores.size:
        arrays[IMAGE_SCORES] = found.image_scores
    if found.examples:
        arrays |= dict(
            zip(EXAMPLES, (found.examples.images, found.examples.truth, found.examples.answers), strict=True)
        )
    content = BytesIO()
    np.savez(content, **arrays)
    return content.getvalue()


def _unpacked(path: Path, content: bytes) -> Answers:
    try:
        with np.load(BytesIO(content), allow_pickle=False) as arrays:
            right = np.unpackbits(arrays["right"], axis=1, count=int(arrays["num_images"])).astype(bool)
            renamed = {TIMES_RIGHT: arrays["times_right"]} if "times_right" in arrays else {}
            return _answers(right, {**arrays, **renamed})
    except (OSError, ValueError, TypeError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise RecordError(f"{path}: holds no answers of test images ({error})") from error


def _answers(right: np.ndarray, found: Mapping[str, Any]) -> Answers:
    """Return the answers `right` with what else was `found` of them, by the names of the series."""
    none = np.empty((len(right), 0))
    return Answers(
        right=right,
        times_right=np.asarray(found.get(TIMES_RIGHT, none)).astype(np.int64),
        image_scores=np.asarray(found.get(IMAGE_SCORES, none)).astype(np.float32),
        examples=_examples(*(np.asarray(found[name]) for name in EXAMPLES)) if EXAMPLES[0] in found else None,
    )


def _examples(images: np.ndarray, truth: np.ndarray, answered: np.ndarray) -> Examples:
    return Examples(images=images.astype(np.uint8), truth=truth.astype(np.int64), answers=answered.astype(np.int64))


def _content(path: Path, name: str) -> bytes:
    """Return the content of the file of answers `path`, which a record calls `name`, as it was written."""
    match = PATH.fullmatch(name)
    if not match:
        raise RecordError(f"files.{FILE}: {name!r} is no file of answers, which are {FOLDER}/<16 hex digits>.npz")
    try:
        content = path.read_bytes()
    except OSError as error:
        do = "It lies beside the run's JSON: copy it there too, or measure again"
        raise RecordError(f"{path}: cannot be read ({error.strerror}). {do}") from error
    if _digits(content) != match[1]:
        raise RecordError(f"{path}: was cut off or altered since it was written: restore it, or measure again")
    return content


def _digits(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:16]
