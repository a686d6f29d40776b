import math

import pytest
import torch
from torch.nn import functional as F

from vitcnn.architectures.any_timm import family_of
from vitcnn.architectures.hybrid import SPEEDRUN_VIT, VIT_HYBRID
from vitcnn.architectures.layers.attention import attend
from vitcnn.architectures.vit import SWIN_TINY, VIT_MICRO, VIT_SMALL, VIT_TINY
from vitcnn.spec import InputShape


def block(dim, hidden):
    """Parameters of a block: two norms, query-key-value, projection, and the two layers of the MLP."""
    return 2 * 2 * dim + (dim * 3 * dim + 3 * dim) + (dim * dim + dim) + (dim * hidden + hidden) + (hidden * dim + dim)


def vit(*, patch_px, channels, tokens, dim, hidden, depth, num_classes, class_token):
    embedding = patch_px * patch_px * channels * dim + dim
    positions = tokens * dim + (dim if class_token else 0)
    return embedding + positions + depth * block(dim, hidden) + 2 * dim + dim * num_classes + num_classes


def built(entry, *, px, channels, num_classes=10):
    return entry.build(InputShape(px=px, channels=channels, num_classes=num_classes))


def num_parameters(model):
    return sum(parameter.numel() for parameter in model.parameters())


@pytest.mark.parametrize(
    "px, patch_px, tokens",
    [(28, 4, 7 * 7 + 1), (32, 4, 8 * 8 + 1), (224, 16, 14 * 14 + 1), (512, 16, 32 * 32 + 1)],
)
def test_parameters_of_vit_tiny_by_hand(px, patch_px, tokens):
    expected = vit(
        patch_px=patch_px, channels=3, tokens=tokens, dim=192, hidden=768, depth=12, num_classes=10, class_token=True
    )
    model = built(VIT_TINY, px=px, channels=3)
    assert num_parameters(model) == expected
    assert model.patch_embed.num_patches + 1 == tokens


def test_vit_tiny_for_cifar_has_5_36_million_parameters():
    assert num_parameters(built(VIT_TINY, px=32, channels=3)) == 5_362_762


@pytest.mark.parametrize("px, channels, patch_px", [(28, 1, 7), (32, 3, 8)])
def test_parameters_of_vit_micro_by_hand(px, channels, patch_px):
    expected = vit(
        patch_px=patch_px,
        channels=channels,
        tokens=16,
        dim=96,
        hidden=192,
        depth=2,
        num_classes=10,
        class_token=False,
    )
    assert num_parameters(built(VIT_MICRO, px=px, channels=channels)) == expected


def test_vit_micro_tells_patches_apart_from_the_first_step():
    torch.manual_seed(0)
    model = built(VIT_MICRO, px=28, channels=1)
    assert model.pos_embed.shape == (1, 16, 96)
    assert model.pos_embed.std().item() == pytest.approx(0.5, rel=0.1)


@pytest.mark.parametrize("entry", [VIT_MICRO, VIT_TINY, SPEEDRUN_VIT], ids=lambda entry: entry.name)
def test_where_a_patch_lies_matters(entry):
    torch.manual_seed(0)
    model = built(entry, px=28, channels=1).eval()
    image = torch.rand(1, 1, 28, 28)
    with torch.no_grad():
        assert not torch.allclose(model(image), model(image.flip(-1)), atol=1e-6)


@pytest.mark.parametrize("entry", [VIT_TINY, VIT_SMALL, VIT_HYBRID], ids=lambda entry: entry.name)
def test_positions_of_512_px_are_those_of_224_px_interpolated(entry):
    """The oracle is torch's own bicubic interpolation of the grid; the class token's position stays."""
    positions = {}
    for px in (224, 512):
        torch.manual_seed(0)
        positions[px] = built(entry, px=px, channels=3).pos_embed
    side = math.isqrt(positions[224].shape[1])
    grid = positions[224][:, 1:].reshape(1, side, side, -1).permute(0, 3, 1, 2)
    large = {14: 32, 7: 16}[side]
    expected = F.interpolate(grid, size=(large, large), mode="bicubic", antialias=True).permute(0, 2, 3, 1)
    torch.testing.assert_close(positions[512][:, 1:], expected.reshape(1, large * large, -1))
    torch.testing.assert_close(positions[512][:, :1], positions[224][:, :1])


@pytest.mark.parametrize("px", [224, 512])
def test_swin_keeps_its_windows_of_7_tokens(px):
    model = built(SWIN_TINY, px=px, channels=3)
    windows = {block.window_size for stage in model.layers for block in stage.blocks}
    assert windows == {(7, 7)}


@pytest.mark.parametrize("px, tokens", [(28, 6 * 6), (32, 7 * 7)])
def test_the_speed_runs_vit_has_a_position_for_each_token(px, tokens):
    model = built(SPEEDRUN_VIT, px=px, channels=3)
    assert model.position.shape == (tokens, 192)
    assert model.stem(torch.zeros(1, 3, px, px)).flatten(2).shape == (1, 192, tokens)


def test_the_speed_runs_vit_is_a_hybrid_by_the_rule_for_timm_models():
    assert family_of(built(SPEEDRUN_VIT, px=32, channels=3)) == SPEEDRUN_VIT.family == "hybrid"


def test_attention_written_out_is_torchs_own():
    queries, keys, values = torch.randn((3, 2, 4, 7, 5), generator=torch.Generator().manual_seed(0))
    expected = F.scaled_dot_product_attention(queries, keys, values)
    torch.testing.assert_close(attend(queries, keys, values), expected)
