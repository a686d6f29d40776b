import pytest
from record_builders import accuracy, latency, memory, tiled

from vitcnn import AccuracyCase
from vitcnn.errors import Diverged
from vitcnn.measuring.runner import failed_record
from vitcnn.report.cells import cell


@pytest.mark.parametrize(
    "record, expected",
    [
        (latency("lenet", 0.1), "latency/*/28/b1/fp32/eager"),
        (memory("vit_tiny", parameters=1), "memory/*/28/b16/training/fp32/eager"),
        (tiled("resnet18", 1.0), "tiled/*/3840x2160/t512/o10/b5/fp32/eager"),
        (accuracy("lenet", right=[[1]]), "accuracy/*/digits/digits_*/fp32/eager"),
    ],
)
def test_cell_is_the_case_without_architecture_and_family(record, expected):
    assert cell(record) == expected


@pytest.mark.parametrize("ours, theirs", [("digits_vit", "digits_cnn"), ("a_deep_vit", "a_cnn"), ("mine", "other")])
def test_records_that_differ_in_architecture_and_recipe_share_a_cell(ours, theirs):
    assert cell(accuracy("vit_micro", right=[[1]], recipe=ours)) == cell(accuracy("lenet", right=[[1]], recipe=theirs))


def test_recipes_of_two_sets_are_not_compared():
    names = ("photos_cnn", "study_c_cnn", "cifar_speedrun_cnn", "mine")
    assert len({cell(accuracy("lenet", right=[[1]], recipe=name)) for name in names}) == 4


def test_records_that_differ_in_anything_else_do_not():
    records = [latency("lenet", 0.1), latency("lenet", 0.1, px=32), latency("lenet", 0.1, batch=16)]
    assert len({cell(record) for record in records}) == 3


def test_a_case_that_failed_has_a_cell_too():
    case = AccuracyCase(architecture="lenet", task="digits", recipe="digits_cnn")
    assert cell(failed_record(case, Diverged("why"))) == "accuracy/*/digits/digits_*/fp32/eager"
