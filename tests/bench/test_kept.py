"""What a model learnt must be in its state_dict."""

import pytest
import torch
from torch import nn

import vitcnn
from vitcnn import AccuracyCase
from vitcnn.bench.kept import SAME, require_kept
from vitcnn.errors import CaseError

IMAGES = torch.linspace(0, 1, 12).reshape(3, 4)
OWN = """
import torch
from torch import nn


class Kept(nn.Module):
    persistent = True

    def __init__(self, px, num_classes):
        super().__init__()
        self.register_buffer("mean", torch.zeros(1, 1, px, px), persistent=self.persistent)
        self.head = nn.Linear(px * px, num_classes)

    def forward(self, images):
        if self.training:
            self.mean = self.mean.lerp(images.detach().mean(0, keepdim=True), 0.5)
        return self.head((images - self.mean).flatten(1) * 10)


class Lost(Kept):
    persistent = False
"""


def test_a_case_fails_where_what_was_learnt_is_not_in_the_checkpoint(tmp_path):
    (tmp_path / "mine.py").write_text(OWN)
    case = AccuracyCase(architecture=f"{tmp_path}/mine.py:Kept", task="digits", recipe="digits_cnn", num_seeds=1)
    assert vitcnn.measure(case, device="cpu", data_root=tmp_path).samples("test_accuracy")[0] > 0.5
    lost = AccuracyCase(architecture=f"{tmp_path}/mine.py:Lost", task="digits", recipe="digits_cnn", num_seeds=1)
    with pytest.raises(CaseError, match=r"mine:Lost: saved after training and loaded again it answers otherwise, by"):
        vitcnn.measure(lost, device="cpu", data_root=tmp_path)


class Shifted(nn.Linear):
    """Adds what is in no state_dict."""

    def __init__(self, by=0.0):
        super().__init__(4, 2)
        self.by = by

    def forward(self, images):
        return super().forward(images) + self.by


def compared(trained, new):
    require_kept("mine:Net", trained, new, lambda model: model(IMAGES))


@pytest.mark.parametrize("scale", [1.0, 50.0])
def test_answers_may_differ_by_a_share_of_the_largest(scale):
    """The weights give `scale` at most; or less than 1, where a share of 1 counts."""
    trained = Shifted()
    with torch.no_grad():
        trained.weight.zero_()
        trained.bias.fill_(scale)
    for by, is_lost in ((0.9 * SAME * scale, False), (1.1 * SAME * scale, True)):
        if is_lost:
            with pytest.raises(CaseError, match="parameters and persistent buffers is lost where the model is saved"):
                compared(trained, Shifted(by))
        else:
            compared(trained, Shifted(by))


def test_answers_that_are_no_numbers_are_no_equal_ones():
    with pytest.raises(CaseError, match="answers otherwise"):
        compared(Shifted(), Shifted(float("nan")))


def test_weights_that_do_not_load_are_said():
    with pytest.raises(CaseError, match=r"Net: its state_dict after training does not load into a new model: size"):
        compared(nn.Linear(4, 3), nn.Linear(4, 2))


def test_what_is_drawn_when_the_model_is_asked_is_drawn_alike_and_gives_nothing_away():
    class Drawing(nn.Linear):
        def forward(self, images):
            return super().forward(images) + torch.rand(())

    models = Drawing(4, 2), Drawing(4, 2)
    torch.manual_seed(7)
    expected = torch.rand(())
    torch.manual_seed(7)
    compared(*models)
    assert torch.rand(()) == expected
