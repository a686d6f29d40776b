"""What a user's model is before training: the same each time that it is built, or its seeds are not independent."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

import vitcnn
from vitcnn import AccuracyCase
from vitcnn.architectures import architecture
from vitcnn.bench.untrained import untrained_sha256
from vitcnn.errors import CaseError
from vitcnn.spec import Data, InputShape, Split
from vitcnn.tasks import tasks
from vitcnn.tasks.digits import load_digits

SHAPE = InputShape(px=28, channels=1, num_classes=10)
LENET = architecture("lenet")
OWN = """
from torch import nn


class Apart(nn.Module):
    def __init__(self, px, num_classes):
        super().__init__()
        self.layers = nn.Sequential(nn.Flatten(), nn.Linear(px * px, num_classes))

    def forward(self, images):
        return self.layers(images)


class Layer(Apart):
    def __init__(self, px, num_classes, layers=nn.Sequential(nn.Flatten(), nn.Linear(28 * 28, 10))):
        nn.Module.__init__(self)
        self.layers = layers


class Number(Apart):
    scale = 1.0

    def forward(self, images):
        if self.training:
            Number.scale *= 0.9
        return super().forward(images * Number.scale)
"""


@pytest.fixture
def few_digits(monkeypatch):
    def few(*_unused):
        digits = load_digits()
        parts = (digits.train, digits.test)
        train, test = (Split(images=part.images[:64], labels=part.labels[:64]) for part in parts)
        return Data(train=train, test=test)

    monkeypatch.setitem(tasks(), "few_digits", replace(tasks()["digits"], name="few_digits", loader=few))


@pytest.mark.parametrize("shared", ["Layer", "Number"])
def test_models_that_share_what_training_changes_are_no_independent_seeds(few_digits, tmp_path, shared):
    (tmp_path / "mine.py").write_text(OWN)
    case = AccuracyCase(architecture="lenet", task="few_digits", recipe="digits_cnn", num_seeds=2)
    own = f"{tmp_path}/mine.py"
    record = vitcnn.measure(replace(case, architecture=f"{own}:Apart"), device="cpu", data_root=tmp_path)
    assert len(record.settings["untrained_sha256"]) == 64
    with pytest.raises(CaseError, match=rf"mine:{shared}: training it changed what a new one is before training"):
        vitcnn.measure(replace(case, architecture=f"{own}:{shared}"), device="cpu", data_root=tmp_path)


def drawn_by_numpy(shape):
    model = LENET.builder(shape)
    with torch.no_grad():
        next(model.parameters()).copy_(torch.from_numpy(np.random.random((6, 1, 5, 5))))
    return model


class Noting(nn.Sequential):
    """Keeps something in its state that is no tensor."""

    def get_extra_state(self):
        return {"made by": "hand"}


@pytest.mark.parametrize(
    "builder",
    [LENET.builder, drawn_by_numpy, lambda shape: Noting(LENET.builder(shape))],
    ids=["plain", "numpy", "state"],
)
def test_a_users_model_is_the_same_each_time_it_is_built(builder):
    own = replace(LENET, file="mine.py", builder=builder)
    assert untrained_sha256(own, SHAPE) == untrained_sha256(own, SHAPE) != ""


class OnCuda(nn.Module):
    def forward(self, _images):
        raise RuntimeError("Expected all tensors to be on cuda")


@pytest.mark.parametrize(
    "entry", [LENET, replace(LENET, file="mine.py", builder=lambda _shape: OnCuda())], ids=["of vitcnn", "on cuda"]
)
def test_of_other_models_nothing_is_known(entry):
    assert untrained_sha256(entry, SHAPE) == ""
