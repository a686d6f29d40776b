"""What cases of one cell share: everything but the architecture, and what of the recipe is made for its family."""

from dataclasses import replace

import pytest

from vitcnn import AccuracyCase, DataEfficiencyCase, LatencyCase, MemoryCase, TiledCase

LATENCY = LatencyCase(architecture="lenet", px=28, batch=1)
ACCURACY = AccuracyCase(architecture="lenet", task="digits", recipe="digits_cnn")


@pytest.mark.parametrize(
    "case, expected",
    [
        (LATENCY, "latency/*/28/b1/fp32/eager"),
        (MemoryCase(architecture="x", px=28, batch=16, phase="training"), "memory/*/28/b16/training/fp32/eager"),
        (TiledCase(architecture="resnet18", batch=5), "tiled/*/3840x2160/t512/o10/b5/fp32/eager"),
        (ACCURACY, "accuracy/*/digits/digits_*/fp32/eager"),
        (replace(ACCURACY, architecture="digits", num_seeds=5), "accuracy/*/digits/digits_*/s5/fp32/eager"),
        (replace(ACCURACY, recipe="digits_cnn,epochs=3"), "accuracy/*/digits/digits_*,epochs=3/fp32/eager"),
        (
            DataEfficiencyCase(architecture="a", task="b", recipe="c", num_train=100),
            "data_efficiency/*/b/*/n100/fp32/eager",
        ),
    ],
    ids=str,
)
def test_cell_is_the_id_without_architecture_and_family(case, expected):
    assert case.cell() == expected


@pytest.mark.parametrize("ours, theirs", [("digits_vit", "digits_cnn"), ("a_deep_vit", "a_cnn"), ("mine", "other")])
def test_cases_that_differ_in_architecture_and_recipe_share_a_cell(ours, theirs):
    assert replace(ACCURACY, architecture="vit_micro", recipe=ours).cell() == replace(ACCURACY, recipe=theirs).cell()


def test_recipes_of_two_sets_are_not_compared():
    names = ("photos_cnn", "study_c_cnn", "cifar_speedrun_cnn", "mine")
    assert len({replace(ACCURACY, recipe=name).cell() for name in names}) == 4


def test_cases_that_differ_in_anything_else_do_not_share_one():
    cases = [LATENCY, replace(LATENCY, px=32), replace(LATENCY, batch=16), replace(LATENCY, mode="compiled")]
    assert len({case.cell() for case in cases}) == 4
