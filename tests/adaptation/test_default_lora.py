"""What LoRA adapts where nobody says more."""

import pytest
import torch
from torch import nn

from vitcnn.adaptation.lora import default_lora
from vitcnn.architectures import architecture
from vitcnn.errors import UserError
from vitcnn.spec import InputShape


@pytest.mark.parametrize(
    "name, px, expected",
    [
        ("vit_micro", 28, "lora16_qv"),
        ("vit_base", 224, "lora16_qv"),
        ("swin_tiny", 224, "lora16_qv"),
        ("resnet18", 224, "lora16_conv"),
        ("lenet", 28, "lora16_conv"),  # of its first layer, which has 6 filters, rank 6
    ],
)
def test_query_and_value_where_there_is_attention_else_convolutions_at_a_rank_that_fits(name, px, expected):
    with torch.device("meta"):
        model = architecture(name).build(InputShape(px=px, channels=1, num_classes=10))
    assert str(default_lora(model)) == expected


def test_a_model_without_a_layer_for_it_is_refused():
    with pytest.raises(UserError, match="This model has no layer of conv: choose other targets"):
        default_lora(nn.Sequential(nn.Flatten(), nn.Linear(4, 2)))
