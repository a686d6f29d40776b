from copy import deepcopy

import pytest
import torch
from thin_models import thin_convnext, thin_lite, thin_resnet18, thin_resnet50
from torch import nn

from vitcnn.architectures import architecture
from vitcnn.device import peak_bytes
from vitcnn.errors import UserError
from vitcnn.images import Resize, normalize
from vitcnn.inference import TileGrid
from vitcnn.inference.full_frame import FullFrame
from vitcnn.spec import InputShape

MIB = 2**20


def frame_of(height, width, channels=3):
    torch.manual_seed(height)
    return torch.randint(256, (channels, height, width), dtype=torch.uint8)


def ready(model):
    """Return the model in eval mode, its norms with statistics that are not those of a new one."""
    torch.manual_seed(1)
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.running_mean.normal_()
            module.running_var.uniform_(0.5, 2)
            nn.init.uniform_(module.weight, 0.5, 1)
    return model.eval().requires_grad_(False)


def lenet():
    return architecture("lenet").build(InputShape(px=28, channels=3, num_classes=10))


RESNET, LITE, CONVNEXT, LENET = (ready(make()) for make in (thin_resnet18, thin_lite, thin_convnext, lenet))
NETWORKS = {
    "resnet18": (RESNET, 620),
    "efficientnet lite": (LITE, 1000),
    "convnext": (CONVNEXT, 620),
    "lenet": (LENET, 40),
}


def close(answer, expected):
    torch.testing.assert_close(answer, expected, atol=1e-4 * float(expected.abs().max()), rtol=0)


def features_of(model, frame):
    images = normalize(frame[None])
    return (model.forward_features(images) if hasattr(model, "forward_features") else model[:6](images))[0]


def for_frame(model, frame, **settings):
    channels, height, width = frame.shape
    return FullFrame(model, channels=channels, height=height, width=width, **settings)


@pytest.mark.parametrize("height, width", [(1184, 48), (1195, 71)])
@pytest.mark.parametrize("name", NETWORKS)
def test_a_frame_in_strips_has_the_features_of_the_frame(name, height, width):
    model, strip_px = NETWORKS[name]
    frame = frame_of(height, width)
    taken = FullFrame(model, height=height, width=width, strip_px=strip_px)
    assert len(taken.plan.strips) > 2 or name in ("efficientnet lite", "convnext")
    assert len(taken.plan.strips) >= 2
    assert all(strip.bottom - strip.top <= strip_px for strip in taken.plan.strips)
    close(taken.features(frame), features_of(model, frame))


@pytest.mark.parametrize("size", [(1, 1), (31, 200)])
def test_frames_smaller_than_what_a_feature_sees_are_whole(size):
    frame = frame_of(*size)
    close(for_frame(RESNET, frame).features(frame), features_of(RESNET, frame))
    close(for_frame(LITE, frame, strip_px=2000).features(frame), features_of(LITE, frame))


@pytest.mark.parametrize("model", [RESNET, LITE, CONVNEXT], ids=["resnet18", "efficientnet lite", "convnext"])
def test_a_frame_is_classified_as_the_model_does_it(model):
    frame = frame_of(1210, 64)
    with torch.inference_mode():
        expected = model(normalize(frame[None]))[0]
    logits = for_frame(model, frame, strip_px=1000).frame(frame)
    assert (logits.shape, logits.dtype) == ((3,), torch.float32)
    close(logits, expected)


def test_the_dense_answer_is_the_classifier_as_a_convolution():
    frame = frame_of(700, 130)
    head = nn.Conv2d(8, 3, 1)
    head.weight.data, head.bias.data = RESNET.fc.weight[:, :, None, None], RESNET.fc.bias
    dense = for_frame(RESNET, frame, strip_px=620).dense(frame)
    assert dense.shape == (3, 22, 5)
    close(dense, head(features_of(RESNET, frame)[None])[0].detach())


def test_the_result_goes_to_a_file_and_memory_does_not_grow_with_the_strips(tmp_path, cpu):
    def peak_of(height):
        taken = FullFrame(RESNET, height=height, width=48, strip_px=480)
        frame, rows = frame_of(height, 48), taken.plan.num_rows
        out = torch.from_file(str(tmp_path / f"{height}.bin"), shared=True, size=8 * rows * 2).view(8, rows, 2)
        num_bytes = peak_bytes(cpu, lambda: taken.features(frame, out))
        close(out, features_of(RESNET, frame))
        return num_bytes

    assert peak_of(1024) == peak_of(2048)


def test_strips_fit_the_budget(cpu):
    frame = frame_of(1600, 160)
    whole, part = (FullFrame(RESNET, height=1600, width=160, budget_bytes=size * MIB) for size in (100, 20))
    assert (len(whole.plan.strips), len(part.plan.strips)) == (1, 3)
    assert (
        15 * MIB < peak_bytes(cpu, lambda: part.frame(frame)) <= 20 * MIB < peak_bytes(cpu, lambda: whole.frame(frame))
    )
    plenty = FullFrame(RESNET, height=1600, width=160, budget_bytes=8 * 2**30)
    assert len(plenty.plan.strips) == 1, "more than a billion bytes are no typing error"
    with pytest.raises(UserError, match="more memory"):
        FullFrame(RESNET, height=1600, width=160, budget_bytes=MIB)


def test_a_4k_frame_of_resnet50_has_1_4_times_fewer_pixels_than_its_tiles():
    tiles = len(TileGrid(width=3840, height=2160, tile_px=512, overlap=0.1).corners) * 512**2
    model = ready(thin_resnet50())
    whole, strips = (FullFrame(model, height=2160, width=3840, strip_px=px) for px in (None, 1300))
    assert tiles / whole.num_pixels == pytest.approx(1.42, abs=0.01)
    assert tiles / strips.num_pixels == pytest.approx(tiles / (2 * 1296 * 3840)) == pytest.approx(1.19, abs=0.01)


def test_any_precision_layout_and_frame_in_memory():
    model = deepcopy(RESNET).to(torch.bfloat16, memory_format=torch.channels_last)
    frame = frame_of(500, 64).permute(1, 2, 0).contiguous().permute(2, 0, 1)
    features = for_frame(model, frame, layout=torch.channels_last).features(frame)
    assert features.dtype == torch.bfloat16
    expected = features_of(RESNET, frame)
    assert (features.float() - expected).abs().max() < 0.05 * expected.abs().max()


def test_what_stands_in_front_of_a_model_belongs_to_it():
    scale = nn.Conv2d(3, 3, 1)
    frame = frame_of(300, 64)
    with torch.inference_mode():
        expected = RESNET(scale(normalize(frame[None])))[0]
    close(for_frame(nn.Sequential(scale, RESNET).eval(), frame).frame(frame), expected)
    with pytest.raises(UserError, match="grow with the frame"):
        for_frame(nn.Sequential(Resize(64), RESNET).eval(), frame)


def test_a_sequence_of_layers_is_cut_where_its_head_begins():
    model = nn.Sequential(nn.Conv2d(3, 4, 3, 2), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 2))
    frame = frame_of(90, 50)
    close(for_frame(model.eval(), frame, strip_px=32).frame(frame), model(normalize(frame[None]))[0].detach())


def test_heads_that_need_more_than_a_mean_are_refused():
    for head in ([nn.Flatten(), nn.Linear(400, 10)], [nn.AdaptiveMaxPool2d(1), nn.Flatten(), nn.Linear(4, 2)]):
        model = nn.Sequential(nn.Conv2d(3, 4, 3), *head).eval()
        frame = frame_of(60, 60)
        taken = for_frame(model, frame)
        for ask in (taken.frame, taken.dense):
            with pytest.raises(UserError, match="mean of the last feature map"):
                ask(frame)


class TooLarge(nn.Flatten):
    """Asks for more memory than there is."""

    def forward(self, _features):
        return torch.empty(1 << 50, dtype=torch.uint8)


def test_memory_that_runs_out_is_not_taken_for_a_head_that_cannot_be_used():
    frame = frame_of(60, 60)
    model = nn.Sequential(nn.Conv2d(3, 4, 3), TooLarge(), nn.Linear(4, 2)).eval()
    with pytest.raises(RuntimeError, match="can't allocate memory"):
        for_frame(model, frame).frame(frame)


def test_what_cannot_be_used_is_refused():
    frame = frame_of(64, 64)
    taken = FullFrame(RESNET, height=64, width=64)
    with pytest.raises(UserError, match="frames of this size"):
        taken.features(frame_of(64, 32))
    with pytest.raises(UserError, match="uint8"):
        taken.features(frame.float())
    with pytest.raises(UserError, match="out"):
        taken.features(frame, torch.empty(8, 3, 2))
    with pytest.raises(UserError, match="forward_features"):
        for_frame(nn.Conv2d(3, 4, 3), frame)
    with pytest.raises(UserError, match="budget_bytes"):
        for_frame(RESNET, frame, budget_bytes=0)
