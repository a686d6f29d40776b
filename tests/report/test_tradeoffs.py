from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from record_builders import accuracy, latency, memory, run_of, tiled, training
from report_builders import tradeoffs

from vitcnn.record import CaseResult
from vitcnn.report.tradeoffs import pairs

SIZES = (memory("resnet18", parameters=11_000_000), memory("vit_tiny", parameters=5_000_000))


def line(*records):
    [text] = tradeoffs(run_of(*SIZES, *records))
    return text


@pytest.mark.parametrize(
    "ours_s, theirs_s, words",
    [
        (0.030, 0.010, "3.0x slower"),
        (0.010, 0.025, "2.5x faster"),
        (0.010, 0.010, "as fast"),
        (0.0101, 0.010, "as fast"),
        (0.015, 0.010, "1.5x slower"),
    ],
)
def test_ratio_of_times(ours_s, theirs_s, words):
    text = line(latency("vit_tiny", ours_s), latency("resnet18", theirs_s))
    assert text == f"vit_tiny against resnet18: answers 1 image at 28 px {words}."


@pytest.mark.parametrize(
    "settings, words",
    [
        ({"adaptation": "full", "merged": False}, ""),
        ({"adaptation": "lora16_qv", "merged": False}, " (lora16_qv)"),
        ({"adaptation": "lora16_qv", "merged": True}, " (lora16_qv, merged)"),
    ],
)
def test_what_is_adapted_is_told(settings, words):
    ours, theirs = latency("vit_tiny", 0.02), latency("resnet18", 0.01)
    adapted = [replace(record, settings={**record.settings, **settings}) for record in (ours, theirs)]
    assert line(*adapted) == f"vit_tiny against resnet18: answers 1 image at 28 px{words} 2.0x slower."


def test_ratio_is_that_of_the_medians():
    text = line(latency("vit_tiny", 0.02, 0.02, 9.0), latency("resnet18", 0.01, 0.01, 0.000001))
    assert "2.0x slower" in text


@given(st.floats(0.5, 2.0))
def test_nothing_is_ever_one_time_slower_or_faster(ratio):
    assert "1.0x" not in line(latency("vit_tiny", 0.01 * ratio), latency("resnet18", 0.01))


def test_every_time_has_its_words():
    text = line(
        *(latency(name, 0.01, batch=16, px=224) for name in ("vit_tiny", "resnet18")),
        *(tiled(name, 2.0) for name in ("vit_tiny", "resnet18")),
        *(training(name, 0.1) for name in ("vit_tiny", "resnet18")),
        *(accuracy(name, right=[[1, 0] * 20] * 2) for name in ("vit_tiny", "resnet18")),
    )
    assert text == (
        "vit_tiny against resnet18: accuracy on digits: no difference seen; trains as fast; "
        "takes a training step of 16 images at 28 px as fast; answers 16 images at 224 px as fast; "
        "reads a 3840x2160 frame as fast."
    )


def test_a_handful_of_test_images_tells_nothing():
    text = line(*(accuracy(name, right=[[share] * 29]) for name, share in (("vit_tiny", 1), ("resnet18", 0))))
    assert "accuracy on digits: too few test images (29) to tell" in text
    assert "points" not in text


def test_a_clear_difference_in_accuracy_is_in_points_with_its_interval():
    ours, theirs = [[1] * 190 + [0] * 10] * 3, [[1] * 140 + [0] * 60] * 3
    text = line(accuracy("vit_tiny", right=ours), accuracy("resnet18", right=theirs))
    assert "accuracy on digits: 25.0 points higher [" in text
    back = line(accuracy("vit_tiny", right=theirs), accuracy("resnet18", right=ours))
    assert "accuracy on digits: 25.0 points lower [" in back
    for words in (text, back):
        low, high = (float(value) for value in words.partition("[")[2].partition("]")[0].split(", "))
        assert 15 < low < 25 < high < 35


def test_a_difference_within_the_noise_is_not_seen():
    ours, theirs = [[1] * 97 + [0] * 3], [[0] * 2 + [1] * 96 + [0] * 2]
    text = line(accuracy("vit_tiny", right=ours), accuracy("resnet18", right=theirs))
    assert "accuracy on digits: no difference seen" in text


def test_recipes_may_differ_between_the_families():
    text = line(
        accuracy("vit_tiny", right=[[1]], recipe="digits_vit", seconds=8.0),
        accuracy("resnet18", right=[[1]], recipe="digits_cnn", seconds=4.0),
    )
    assert "trains 2.0x slower" in text


def test_cases_that_differ_in_more_than_the_architecture_are_not_compared():
    records = (latency("vit_tiny", 0.01, batch=1), latency("resnet18", 0.01, batch=16))
    assert tradeoffs(run_of(*SIZES, *records)) == []


def test_each_vit_or_hybrid_stands_beside_the_cnn_nearest_in_parameters_by_ratio():
    sizes = {"lenet": 1_000_000, "resnet18": 10_000_000, "vit_micro": 3_000_000, "vit_tiny": 4_000_000, "coatnet": 1}
    records = [memory(name, parameters=count) for name, count in sizes.items()]
    # 3 M is nearer to 1 M by difference and by ratio, 4 M nearer to 1 M by difference and to 10 M by ratio
    assert pairs(records) == [("vit_micro", "lenet"), ("vit_tiny", "resnet18"), ("coatnet", "lenet")]


def test_a_cnn_that_was_measured_alike_more_often_comes_before_one_nearer_in_size():
    sizes = {"lenet": 4_000_000, "resnet18": 10_000_000, "vit_tiny": 4_000_000}
    records = [memory(name, parameters=count) for name, count in sizes.items()]
    alike = [latency("vit_tiny", 0.1), latency("resnet18", 0.1)]
    assert pairs(records) == [("vit_tiny", "lenet")]
    assert pairs([*records, *alike]) == [("vit_tiny", "resnet18")]


def test_without_a_cnn_or_without_its_size_there_is_no_pair():
    assert pairs([memory("vit_tiny", parameters=5)]) == []
    assert tradeoffs(run_of(latency("vit_tiny", 0.1), latency("resnet18", 0.1))) == []


def test_cases_that_failed_are_not_compared():
    failed = CaseResult(id="x", outcome="leaked", reason="why", record=latency("resnet18", 0.01))
    assert tradeoffs(run_of(*SIZES, latency("vit_tiny", 0.01), failed)) == []


@pytest.mark.parametrize("shares", [(0.9, 0.2), (0.9, 0.9)])
def test_a_difference_of_one_seed_says_that_it_is_over_the_images_alone(shares):
    rows = [[int(index < share * 40) for index in range(40)] for share in shares]
    one = line(*(accuracy(name, right=[row]) for name, row in zip(("vit_tiny", "resnet18"), rows, strict=True)))
    two = line(*(accuracy(name, right=[row] * 2) for name, row in zip(("vit_tiny", "resnet18"), rows, strict=True)))
    assert " (one seed: over the images alone); trains" in one
    assert "one seed" not in two


def recipe(name, *, epochs=12, batch=64, optimizer="adamw", **others):
    return {"name": name, "epochs": epochs, "batch": batch, "optimizer": {"kind": optimizer}, **others}


@pytest.mark.parametrize(
    "ours, words",
    [
        (
            recipe("digits_vit", epochs=24, batch=32, optimizer="muon"),
            " (24 epochs of batch 32 by Muon against 12 of 64 by AdamW)",
        ),
        (recipe("digits_vit", epochs=24, batch=32), " (24 epochs of batch 32 against 12 of 64)"),
        (recipe("digits_vit", epochs=24, optimizer="sgd"), " (24 epochs by SGD against 12 by AdamW)"),
        (recipe("digits_vit", batch=32), " (batch 32 against 64)"),
        (recipe("digits_vit", optimizer="muon"), " (by Muon against AdamW)"),
        (recipe("digits_vit", label_smoothing=0.1), " (by digits_vit against digits_cnn)"),
        (recipe("digits_vit"), ""),
    ],
)
def test_a_time_of_training_says_in_what_the_recipes_differ(ours, words):
    one, other = (
        replace(found, settings={**found.settings, "training": how})
        for found, how in (
            (accuracy("vit_tiny", right=[[1]], recipe="digits_vit", seconds=8.0), ours),
            (accuracy("resnet18", right=[[1]], recipe="digits_cnn", seconds=4.0), recipe("digits_cnn")),
        )
    )
    assert f"; trains 2.0x slower{words}." in line(one, other)
