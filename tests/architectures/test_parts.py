import pytest
import torch
from torch import nn

from vitcnn.architectures import architecture, architectures
from vitcnn.architectures.parts import PARTS, parameters_by_part
from vitcnn.spec import InputShape

COLOUR = InputShape(px=32, channels=3, num_classes=10)
DIGITS = InputShape(px=28, channels=1, num_classes=10)
OF_VITS = {"patch_embedding", "position", "token", "qkv", "projection", "mlp", "norms", "head"}
OF_CNNS = {"stem", "stages", "norms", "head"}


def parts_of(name, shape=COLOUR):
    with torch.device("meta"):
        model = architecture(name).build(shape)
    return parameters_by_part(model), sum(parameter.numel() for parameter in model.parameters())


@pytest.mark.parametrize("entry", architectures().values(), ids=lambda entry: entry.name)
def test_every_parameter_of_the_catalogue_is_in_one_part_and_none_in_other(entry):
    parts, num_parameters = parts_of(entry.name, COLOUR if entry.sizes.kind == "image" else entry.published.shape)
    assert sum(parts.values()) == num_parameters
    assert list(parts) == [part for part in PARTS if part in parts]
    allowed = {"cnn": OF_CNNS, "vit": OF_VITS, "hybrid": OF_CNNS | OF_VITS}[entry.family]
    assert set(parts) <= allowed
    assert {"head"} < set(parts)


def test_parts_of_study_cs_vit_tiny_by_hand():
    """12 blocks of dimension 192, 8 x 8 patches of 4 px; every matrix has a bias, 25 norms a scale and a shift."""
    parts, _ = parts_of("vit_tiny")
    assert parts == {
        "patch_embedding": 4 * 4 * 3 * 192 + 192,
        "position": (8 * 8 + 1) * 192,
        "token": 192,
        "qkv": 12 * (192 * 3 * 192 + 3 * 192),
        "projection": 12 * (192 * 192 + 192),
        "mlp": 12 * (2 * 192 * 768 + 768 + 192),
        "norms": 25 * 2 * 192,
        "head": 192 * 10 + 10,
    }


def test_parts_of_study_cs_resnet18_by_hand():
    """The head is 512 x 10 + 10 = 5,130; the norms scale and shift each convolution's channels."""
    parts, _ = parts_of("resnet18")
    channels = 64 + 4 * 64 + 5 * 128 + 5 * 256 + 5 * 512  # from the second stage on one convolution is a shortcut
    first, *others = (
        9 * (4 * 64 * 64),
        *(
            9 * (before * after + 3 * after * after) + before * after
            for before, after in ((64, 128), (128, 256), (256, 512))
        ),
    )
    assert parts == {"stem": 9 * 3 * 64, "stages": first + sum(others), "norms": 2 * channels, "head": 5_130}


def test_parts_of_lenet_by_hand():
    assert parts_of("lenet", DIGITS)[0] == {"stem": 156, "stages": 2_416 + 48_120 + 10_164, "head": 850}


def test_parts_of_vit_micro_by_hand():
    """Two blocks of dimension 96 and MLPs of 192, 16 patches of 7 px, no class token."""
    assert parts_of("vit_micro", DIGITS)[0] == {
        "patch_embedding": 49 * 96 + 96,
        "position": 16 * 96,
        "qkv": 2 * (96 * 288 + 288),
        "projection": 2 * (96 * 96 + 96),
        "mlp": 2 * (2 * 96 * 192 + 192 + 96),
        "norms": 5 * 2 * 96,
        "head": 970,
    }


def test_a_hybrid_has_parts_of_both():
    parts, _ = parts_of("vit_hybrid")
    assert set(parts) == OF_VITS | OF_CNNS
    assert parts["stem"] == 7 * 7 * 3 * 64
    assert parts["patch_embedding"] == 2048 * 384 + 384


@pytest.mark.parametrize(
    "name",
    ["timm/mobilenetv3_small_100", "timm/vgg11", "timm/deit_tiny_distilled_patch16_224", "timm/beit_base_patch16_224"],
)
def test_other_timm_models_have_their_parts_too(name):
    parts, num_parameters = parts_of(name)
    assert sum(parts.values()) == num_parameters
    assert "other" not in parts


def test_what_no_rule_knows_is_other_and_a_shared_parameter_counts_once():
    class Odd(nn.Module):
        def __init__(self):
            super().__init__()
            self.temperature = nn.Parameter(torch.ones(5))
            self.first, self.second = nn.Conv2d(1, 2, 3, bias=False), nn.Linear(4, 4, bias=False)
            self.again = self.second
            self.last = nn.Linear(4, 3, bias=False)

    assert parameters_by_part(Odd()) == {"stem": 18, "stages": 16, "head": 12, "other": 5}
