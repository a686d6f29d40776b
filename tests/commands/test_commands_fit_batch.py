"""`vitcnn fit-batch` on a small model: what it prints, and what it refuses."""

import re

import pytest
import torch

from vitcnn.architectures import architecture
from vitcnn.bench.lifetimes import Peak
from vitcnn.bench.predicted_memory import Asked
from vitcnn.cli import main, parser
from vitcnn.commands import fit_batch
from vitcnn.commands.fit_batch_words import Found, answer, parts
from vitcnn.tasks import real_images

LENET = ("lenet", "--px", "28", "--device", "cpu")
REFUSED = [
    (("lenet", "--memory", "16XB"), "--memory: '16XB' cannot be used. Allowed: a number of bytes above 0, or one with"),
    (("lenet", "--memory", "lots"), "Write 16GiB, 800MB or 16e9."),
    (("lenet", "--memory", "0GB"), "--memory: '0GB' cannot be used."),
    (("lenet", "--memory", "1e30GiB"), "--memory: '1e30GiB' cannot be used. Allowed: at most 1,000 TB."),
    (("lenett", "--memory", "1GB"), "ARCH: 'lenett' cannot be used"),
    (("lenett", "--memory", "1GB"), "Did you mean lenet or"),
    (("vit_tiny", "--memory", "1GB", "--px", "-1"), "--px: -1 cannot be used."),
    (("sum_fc", "--memory", "1GB"), "ARCH: 'sum_fc' cannot be used. Allowed: an architecture of single images"),
    (
        ("lenet", "--memory", "1GB", "--px", "28", "--classes", "1"),
        "--classes: 1 cannot be used. Allowed: a number from",
    ),
    (("lenet", "--memory", "1GB", "--adaptation", "loro"), "--adaptation: 'loro' cannot be used."),
    (
        ("lenet", "--memory", "1GB", "--inference", "--checkpointing"),
        "--checkpointing: True cannot be",
    ),
    (
        ("lenet", "--memory", "1GB", "--inference", "--optimizer", "sgd"),
        "--optimizer: 'sgd' cannot be used",
    ),
]


def number(text, pattern):
    return int(re.search(pattern, text)[1].replace(",", ""))


@pytest.mark.parametrize("arguments, message", REFUSED, ids=lambda value: str(value)[:40])
def test_what_cannot_be_used_is_one_clear_error(capsys, arguments, message):
    assert main(["fit-batch", *arguments]) == 2
    out, error = capsys.readouterr()
    assert out == ""
    assert message in error
    assert len(error.splitlines()) == 1


def test_a_budget_below_the_weights_says_what_is_needed(capsys):
    assert main(["fit-batch", *LENET, "--memory", "100kB"]) == 2
    error = capsys.readouterr().err
    assert "--memory: '100kB' cannot be used. Allowed: at least" in error
    assert "Its weights alone take 249 kB." in error, "61,706 numbers, in blocks of 512 bytes"


def test_it_says_the_batch_the_parts_and_what_makes_room(capsys):
    assert main(["fit-batch", *LENET, "--memory", "20MB"]) == 0
    out = capsys.readouterr().out
    batch = number(
        out, r"lenet trains on ([0-9,]+) images of 28 px at once within 20MB \(fp32, full, adamw, 10 classes\)"
    )
    lines = [line.split() for line in out.splitlines()]
    assert ["weights", "249", "kB", "1", "%"] in lines
    assert ["all", "20.0", "MB", "100", "%"] in lines
    assert "No GPU was asked: this is predicted alone." in out
    assert number(out, r"--adaptation head +about ([0-9,]+) images") > batch
    assert "--checkpointing" not in out, "lenet has no blocks"


def test_what_is_left_of_the_budget_and_what_one_image_more_takes(capsys):
    asked = Asked(architecture=architecture("lenet"), shape=real_images.input_shape(28), batch=7, optimizer=None)
    peak = Peak(weights=1000, gradients=0, optimizer=0, activations=0, inputs=0, temporary=15_000_000_000)
    memory = {"budget": "15.05GB", "memory_bytes": 15_050_000_000}
    text = answer(Found(asked=asked, **memory, peak=peak, next_bytes=15_069_001_000, room={}, confirmed=None))
    assert "50.0 MB of the budget is left; one image more would take 69.0 MB." in text


def test_inference_has_room_for_more_images_and_less_to_save(capsys):
    batches = []
    for more in ([], ["--inference"]):
        assert main(["fit-batch", *LENET, "--memory", "20MB", *more]) == 0
        batches.append(number(capsys.readouterr().out, r"lenet (?:trains on|answers) ([0-9,]+) images"))
    assert batches[1] > batches[0]


@pytest.mark.parametrize("more", [[], ["--inference"]])
def test_a_head_of_more_classes_takes_more(capsys, more):
    """By hand: the head's 84 x 1,000 weights and 1,000 biases are 657 and 8 blocks of 512 bytes, all others are 479."""
    assert main(["fit-batch", *LENET, "--memory", "20MB", "--classes", "1000", *more]) == 0
    out = capsys.readouterr().out
    assert ", 1,000 classes)." in out
    assert ["weights", "586", "kB"] in [line.split()[:3] for line in out.splitlines()]


@pytest.mark.parametrize("more", [[], ["--inference"]])
def test_what_runs_on_a_gpu_has_as_many_classes(monkeypatch, cpu, more):
    def outputs_of(_device, subject_of, _memory_bytes):
        return lambda batch: outputs.append(subject_of(batch).model(torch.zeros(2, 1, 28, 28)).shape) or batch < 2

    outputs = []
    monkeypatch.setattr("vitcnn.bench.fit_batch.fits_on", outputs_of)
    options = parser().parse_args(["fit-batch", *LENET, "--memory", "1GB", "--classes", "17", *more])
    assert fit_batch.confirmed(fit_batch.asked_by(options), 0, cpu, 1) == 1
    assert set(outputs) == {(2, 17)}


@pytest.mark.parametrize("real, words", [(0, "not even one image fits"), (3, "3 images run within the budget, ")])
def test_what_ran_on_a_gpu_is_said(capsys, monkeypatch, cpu, real, words):
    monkeypatch.setattr("vitcnn.device.resolve", lambda _name: type(cpu)(name="cuda:0", key="nvidia-none"))
    monkeypatch.setattr(fit_batch, "confirmed", lambda *_: real)
    assert main(["fit-batch", *LENET, "--memory", "20MB"]) == 0
    assert words in capsys.readouterr().out


def test_parts_that_take_nothing_have_no_row():
    peak = Peak(weights=1000, gradients=0, optimizer=0, activations=0, inputs=0, temporary=3000)
    assert [line.split() for line in parts(peak).splitlines()] == [
        ["weights", "1.00", "kB", "25", "%"],
        ["temporary", "3.00", "kB", "75", "%"],
        ["all", "4.00", "kB", "100", "%"],
    ]
