"""What trains by each adaptation, and what does not."""

import pytest
import torch
from torch import nn

from vitcnn.adaptation.adapt import adapted, num_trainable
from vitcnn.adaptations import Full, Head, Lora
from vitcnn.architectures import architectures
from vitcnn.recipes.parts import AdamW
from vitcnn.spec import InputShape
from vitcnn.training import TrainingStep, optimizers

SMALL = InputShape(px=28, channels=1, num_classes=10)
LORA = Lora(rank=4, targets="qv", alpha=8)


def model(name="vit_micro"):
    torch.manual_seed(0)
    return architectures()[name].build(SMALL)


@pytest.mark.parametrize(
    "how, by_hand",
    [
        (Full(), 157_066 - 0),
        (Head(), 96 * 10 + 10),
        (LORA, 2 * 2 * (4 * 96 + 96 * 4) + 970),  # two blocks, q and v, A and B
        (Lora(rank=4, targets="qkv", alpha=8), 2 * (4 * 96 + 288 * 4) + 970),
        (Lora(rank=4, targets="linear", alpha=8), 2 * 4 * ((96 + 288) + (96 + 96) + 2 * (96 + 192)) + 970),
    ],
    ids=str,
)
def test_what_trains_by_hand(how, by_hand):
    assert num_trainable(adapted(model(), how)) == by_hand


def stepped(how, name="vit_micro"):
    """Return the tensors of a model before and after two training steps."""
    from vitcnn.device import resolve

    one = adapted(model(name), how)
    before = {key: tensor.clone() for key, tensor in one.state_dict().items()}
    optimizer = optimizers(one, AdamW(peak_learning_rate=0.01, weight_decay=0.1))
    step = TrainingStep(
        one, optimizer, device=resolve("cpu"), layout=torch.contiguous_format, precision="fp32", mode="eager"
    )
    for _ in range(2):
        step(torch.randn(8, 1, 28, 28), torch.arange(8))
    return before, one.state_dict()


@pytest.mark.parametrize("how, moving", [(Head(), ("head.",)), (LORA, ("head.", "qkv.down", "qkv.up"))], ids=str)
def test_only_what_is_named_moves_not_even_by_decay(how, moving):
    before, after = stepped(how)
    moved = {name for name in before if not torch.equal(before[name], after[name])}
    assert moved == {name for name in before if any(part in name for part in moving)}


def test_statistics_of_frozen_norms_stay():
    before, after = stepped(Head(), "resnet18")
    moved = {name for name in before if not torch.equal(before[name], after[name])}
    assert moved == {"fc.weight", "fc.bias"}


def test_lora_draws_by_torchs_seed():
    def drawn(seed):
        plain = model()
        torch.manual_seed(seed)
        return adapted(plain, LORA).blocks[0].attn.qkv.down

    assert torch.equal(drawn(1), drawn(1))
    assert not torch.equal(drawn(1), drawn(2))


def test_an_adapted_model_starts_as_it_was():
    images, plain = torch.randn(2, 1, 28, 28), model().eval()
    before = plain(images)
    assert torch.equal(adapted(plain, LORA)(images), before)


def test_a_full_adaptation_is_the_model_itself():
    plain = nn.Conv2d(1, 10, 28)  # not even a linear head is needed
    assert adapted(plain, Full()) is plain
    assert num_trainable(plain) == sum(p.numel() for p in plain.parameters())
