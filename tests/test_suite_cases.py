"""The benchmarks' CASES against the catalogue."""

import re
from collections import Counter
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from vitcnn import AccuracyCase, TiledCase
from vitcnn.architectures import architecture, architectures, architectures_for
from vitcnn.inference import TileGrid
from vitcnn.input_sizes import OF_SEQUENCES, Takes
from vitcnn.questions import questions
from vitcnn.recipes import recipe
from vitcnn.spec import TrainedCase
from vitcnn.suite import cases_in, of_preset
from vitcnn.tasks import tasks

FOLDER = Path(__file__).parents[1] / "benchmarks"
ADAPTED = r"(/head|/head_views\d+|/lora\d+_[a-z]+)?"
ID = {
    "accuracy": r"[a-z0-9_]+/[a-z0-9_]+",
    "data_efficiency": r"[a-z0-9_]+/[a-z0-9_]+/n\d+",
    "adaptation": rf"[a-z0-9_]+/[a-z0-9_]+(,weights=[a-z0-9]+)?{ADAPTED}(/n\d+)?",
    "robustness": r"[a-z0-9_]+/[a-z0-9_]+",
    "sequences": r"[a-z0-9_]+/[a-z0-9_]+",
    "defects": r"[a-z0-9_]+/[a-z0-9_]+/n\d+/o\d+/f\d+",
    "sequence_latency": r"\d+/b\d+/(anchor\+)?n\d+",
    "training": rf"\d+/b\d+{ADAPTED}",
    "latency": rf"\d+/b\d+{ADAPTED}(/merged)?",
    "memory": rf"\d+/b\d+/(inference|training){ADAPTED}",
    "tiled": r"\d+x\d+/t\d+/o\d+/b\d+(/dense|/stream)?",
    "full_frame": r"\d+x\d+(/s\d+)?",
}


EVERY = cases_in(FOLDER)


def test_every_question_is_asked():
    assert {entry.question for entry in EVERY} == set(ID)
    assert {type(entry) for entry in EVERY} == {question.case for question in questions().values()}


def test_ids_are_unique_over_all_files():
    assert [name for name, count in Counter(map(str, EVERY)).items() if count > 1] == []


NOT_IN_SMOKE = {"defects"}
"""Whose training takes a minute a case, on tiles that are made first."""


@pytest.mark.parametrize("question", sorted(ID.keys() - NOT_IN_SMOKE))
def test_every_question_has_smoke_cases(question):
    assert any(entry.preset == "smoke" for entry in EVERY if entry.question == question)


def test_standard_holds_every_architecture_at_every_input_resolution():
    standard = of_preset(EVERY, "standard")
    seen = {(entry.architecture, entry.input_px) for entry in standard if entry.question in ("latency", "tiled")}
    assert seen == {(name, px) for name in architectures_for(28) for px in (28, 32, 224, 512)}


def test_what_takes_sequences_gets_no_case_on_single_images(monkeypatch):
    takes = Takes(at_least_px=28, kind="sequence of images")
    monkeypatch.setitem(architectures(), "of_clips", replace(architecture("lenet"), name="of_clips", takes=takes))
    assert {str(case) for case in cases_in(FOLDER)} == {str(case) for case in EVERY}


def test_full_holds_every_task():
    assert {entry.task for entry in EVERY if isinstance(entry, TrainedCase)} == set(tasks())


def test_full_holds_every_architecture_of_sequences_on_every_source_of_digits():
    asked = {(entry.architecture, entry.task.rpartition("_")[2]) for entry in EVERY if entry.question == "sequences"}
    names = [*architectures_for(28, OF_SEQUENCES[0]), *architectures_for(28, OF_SEQUENCES[1])]
    assert asked == {(name, source) for name in names for source in ("digits", "glyphs", "mnist")}


def test_ids_have_the_documented_form():
    forms = {name: rf"{name}/[a-z0-9_]+/{axes}/(fp32|bf16)/(eager|compiled)" for name, axes in ID.items()}
    assert [str(entry) for entry in EVERY if not re.fullmatch(forms[entry.question], str(entry))] == []


def test_what_cases_name_exists_and_fits():
    trained = [entry for entry in EVERY if isinstance(entry, TrainedCase)]
    assert [str(entry) for entry in trained if recipe(entry.recipe).name != entry.recipe] == []
    px = {str(entry): tasks()[entry.task].shape.px for entry in trained}
    places = ((entry, px.get(str(entry), entry.input_px)) for entry in EVERY)
    kinds = {str(entry): tasks()[entry.task].kind for entry in trained}
    wrong = [
        str(entry)
        for entry, px in places
        if not architecture(entry.architecture).accepts(px, kinds.get(str(entry), entry.kinds[0]))
    ]
    assert wrong == []
    assert min(entry.num_seeds for entry in trained) >= 2, "one seed shows no spread"


def test_few_images_have_an_accuracy_case_on_all_of_them_to_stand_beside():
    few = [asdict(entry) for entry in EVERY if entry.question == "data_efficiency"]
    whole = [AccuracyCase(**{key: value for key, value in one.items() if key != "num_train"}) for one in few]
    assert [str(case) for case in whole if case not in EVERY] == []


def test_full_asks_for_every_size_of_study_d_on_each_task():
    sizes = {}
    for entry in EVERY:
        if entry.question == "data_efficiency" and entry.preset == "full":
            sizes.setdefault((entry.task, entry.architecture), []).append(entry.num_train)
    tasks, names = ("mnist", "cifar10", "glyphs", "shapes"), ("lenet", "vit_micro", "resnet18", "vit_tiny")
    assert sizes == {(task, name): [100, 500, 1_000, 4_000] for task in tasks for name in names}


def test_tiled_cases_cut_a_4k_frame_into_45_tiles_and_1080p_and_8k():
    frames = {(e.width, e.height, e.tile_px, e.overlap) for e in EVERY if isinstance(e, TiledCase)}
    counts = {
        (width, height, len(TileGrid(width=width, height=height, tile_px=tile_px, overlap=overlap).corners))
        for width, height, tile_px, overlap in frames
    }
    assert counts == {(3840, 2160, 5 * 9), (1920, 1080, 3 * 5), (7680, 4320, 10 * 17)}


def test_smoke_compares_a_vit_and_a_cnn_in_every_question():
    families = {}
    for entry in EVERY:
        if entry.preset == "smoke":
            families.setdefault(entry.question, set()).add(architecture(entry.architecture).family)
    assert set(families) == set(ID) - NOT_IN_SMOKE
    of_sequences = {"sequences", "sequence_latency"}
    assert all(families.pop(question) == {"hybrid", "cnn"} for question in of_sequences), "attention, or none"
    assert families.pop("full_frame") == {"cnn"}, "a ViT takes no frame whole"
    assert all(found >= {"vit", "cnn"} for found in families.values())
