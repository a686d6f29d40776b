import pytest
import torch
from thin_models import thin_convnext, thin_lite, thin_resnet18, thin_resnet50
from timm.layers import Conv2dSame
from timm.models.senet import SEModule
from timm.models.vision_transformer import VisionTransformer
from torch import nn
from torch.nn import functional as F

from vitcnn.errors import UserError
from vitcnn.inference.receptive_field import ReceptiveField, receptive_field


def field_of(model, height=224, features=None):
    like = torch.empty(1, 3, 1, 1)
    return receptive_field(
        features or getattr(model, "forward_features", model), model.eval(), like=like, height=height
    )


@pytest.mark.parametrize(
    "model, px, half",
    [(thin_resnet18(), 435, 217), (thin_resnet50(), 427, 213)],
    ids=["resnet18", "resnet50"],
)
def test_resnets_see_what_is_published_of_them(model, px, half):
    field = field_of(model)
    assert field == ReceptiveField(stride=32, first=-half, last=half, rows_less=0)
    assert (field.px, field.halo_above_px) == (px, 224)


def test_what_efficientnet_lite_sees_is_what_its_kernels_and_strides_add_up_to():
    kernels = [(3, 2), (3, 1), (3, 2), (3, 1), (5, 2), (5, 1), (3, 2), (3, 1), (3, 1), (5, 1), (5, 1), (5, 1)]
    kernels += [(5, 2), (5, 1), (5, 1), (5, 1), (3, 1)]
    px, step = 1, 1
    for kernel, stride in kernels:
        px, step = px + (kernel - 1) * step, step * stride
    field = field_of(thin_lite())
    assert (field.px, field.stride) == (px, step)
    assert (field.px, field.stride) == (851, 32)


def with_a_long_branch():
    class Branches(nn.Module):
        def __init__(self):
            super().__init__()
            self.short = nn.Conv2d(3, 4, 1, stride=4)
            self.long = nn.Sequential(
                nn.Conv2d(3, 4, 5, stride=2, padding=2),
                nn.BatchNorm2d(4),
                nn.ReLU(),
                nn.Conv2d(4, 4, 3, 2, 2, dilation=2),
            )

        def forward(self, images):
            return self.short(images) + self.long(images)

    return Branches()


def pooled_in_the_middle(pool):
    return nn.Sequential(nn.Conv2d(3, 4, (7, 3), padding=(3, 1)), pool, nn.ReLU(), Conv2dSame(4, 4, 3, stride=2))


@pytest.mark.parametrize(
    "model, same_for_gradients",
    [
        (with_a_long_branch(), None),
        (pooled_in_the_middle(nn.MaxPool2d(3, 3)), pooled_in_the_middle(nn.AvgPool2d(3, 3))),
        (nn.Sequential(nn.Conv2d(3, 4, 4, 4), nn.Conv2d(4, 4, 7, padding=3)), None),
        (nn.Sequential(nn.Upsample(scale_factor=2), nn.Conv2d(3, 4, 5, stride=8)), None),
    ],
    ids=["branches", "pool", "patches", "upsampled"],
)
@pytest.mark.parametrize("height", [240, 241, 243])
def test_it_is_the_support_of_the_gradient_where_all_weights_are_positive(model, same_for_gradients, height):
    field = field_of(model, height)
    positive = (same_for_gradients or model).eval()
    with torch.no_grad():
        for parameter in positive.parameters():
            parameter.abs_().add_(0.1)
    images = torch.rand(1, 3, height, 64, requires_grad=True)
    features = positive(images)
    row = features.shape[2] // 2
    features[0, :, row].sum().backward()
    seen = images.grad.ne(0).any(dim=3).any(dim=1)[0].nonzero().flatten()
    start = field.stride * row
    assert (int(seen[0]), int(seen[-1])) == (start + field.first, start + field.last)
    assert field.num_rows(height) == features.shape[2]


class Mean(nn.Module):
    def forward(self, images):
        return images - images.mean(dim=(2, 3), keepdim=True)


@pytest.mark.parametrize(
    "model, named",
    [
        (nn.Sequential(nn.Conv2d(3, 8, 3), SEModule(8, 2), nn.Conv2d(8, 8, 3)), "1 (SEModule)"),
        (nn.Sequential(nn.Conv2d(3, 8, 3), nn.Sequential(nn.ReLU(), nn.GroupNorm(2, 8))), "1.1 (GroupNorm)"),
        (nn.Sequential(Mean(), nn.Conv2d(3, 8, 3, stride=4)), "0 (Mean)"),
        (VisionTransformer(embed_dim=8, depth=1, num_heads=1, dynamic_img_size=True), "blocks.0.attn (Attention)"),
        (thin_convnext(use_grn=True), "stages.0.blocks.0.mlp.grn (GlobalResponseNorm)"),
    ],
    ids=["squeeze and excitation", "norm over space", "mean", "attention", "response norm"],
)
def test_a_part_that_sees_the_whole_frame_is_named(model, named):
    with pytest.raises(UserError, match="bounded part of the frame") as error:
        field_of(model)
    assert f"{named} is global" in str(error.value)


def test_a_norm_over_channels_and_a_far_sighted_convolution_are_not_global():
    patches, blocks, between = 4, 6 * (4 + 8 + 16 + 32), 4 + 8 + 16
    assert field_of(thin_convnext()).px == patches + blocks + between
    dilated = nn.Sequential(*(nn.Conv2d(3, 3, 3, dilation=200, padding=200) for _ in range(3)))
    assert field_of(dilated).px == 3 * 400 + 1


def test_models_for_one_size_and_those_in_training_are_refused():
    with pytest.raises(UserError, match=r"patch_embed \(PatchEmbed\) refuses"):
        field_of(VisionTransformer(embed_dim=8, depth=1, num_heads=1))
    like = torch.empty(1, 3, 1, 1)
    model = nn.Conv2d(3, 4, 3)
    with pytest.raises(UserError, match="eval mode"):
        receptive_field(model, model, like=like, height=64)
    with pytest.raises(UserError, match="are a map"):
        field_of(model, features=lambda images: model(images).flatten(2).transpose(1, 2))
    with pytest.raises(UserError, match="move with the frame"):
        field_of(nn.Upsample(scale_factor=4))


class Resampled(nn.Module):
    """Its upsampling moves the pixels by an amount that depends on the place."""

    def forward(self, images):
        small = F.avg_pool2d(images, 4)
        return F.interpolate(small, scale_factor=2, mode="bilinear", align_corners=True)


class Numbered(nn.Module):
    """Adds the number of the row."""

    def forward(self, images):
        return images + torch.arange(images.shape[2])[:, None]


@pytest.mark.parametrize("model", [Resampled(), Numbered()], ids=["resampled", "numbered"])
def test_features_that_do_not_move_with_the_frame_are_refused(model):
    with pytest.raises(UserError, match="features move with the frame"):
        field_of(model)


@pytest.mark.parametrize("strides", [(2, 2), (1, 1)])
def test_features_that_see_the_other_end_of_the_frame_are_refused(strides):
    layers = [nn.Conv2d(3, 3, 3, stride, padding=1, padding_mode="circular") for stride in strides]
    with pytest.raises(UserError, match="At one end of the frame they see its other end"):
        field_of(nn.Sequential(*layers))
