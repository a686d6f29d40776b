"""A ViT and a CNN that somebody really pretrained, from the folder that $VITCNN_TEST_WEIGHTS names.

`tools/pretrained_weights.py DIR` makes the two files.
"""

import os
from dataclasses import replace
from pathlib import Path

import pytest
import timm
import torch
from safetensors.torch import load_file

from vitcnn.adaptation.weights import from_file
from vitcnn.architectures import architecture
from vitcnn.bench.weights import at_px
from vitcnn.errors import UserError
from vitcnn.images import Rescale
from vitcnn.inference import resized
from vitcnn.recipes import recipe
from vitcnn.tasks import tasks

FOLDER = os.environ.get("VITCNN_TEST_WEIGHTS", "")
WHY = "VITCNN_TEST_WEIGHTS names no folder of pretrained weights: make one with tools/pretrained_weights.py"
pytestmark = pytest.mark.skipif(not FOLDER, reason=WHY)

VIT, CNN = "vit_small_patch14_dinov2", "tf_efficientnet_lite0"
DIGITS = tasks()["digits"]


def file_of(name):
    return Path(FOLDER) / f"{name}.safetensors"


def at_112_px(name):
    return at_px(architecture(f"timm/{name}"), recipe("transfer_head_cnn,model_px=112"), DIGITS)


def fitted(name, task=DIGITS):
    """Return the model with the file's weights for a task's images, and its tensors by timm's names."""
    found = from_file(at_112_px(name), file_of(name), task.shape)
    model = resized(found.architecture, task.shape).eval()
    inner = model
    while isinstance(inner, torch.nn.Sequential) and len(inner) == 2:
        inner = inner[1]
    return model, inner.state_dict()


def test_the_vits_layers_are_the_files_its_positions_interpolated_and_its_colours_added_up():
    model, loaded = fitted(VIT)
    file = load_file(file_of(VIT))
    assert loaded.keys() - file.keys() == {"head.weight", "head.bias"}
    differing = {name for name, tensor in file.items() if not torch.equal(loaded[name], tensor.float())}
    assert differing == {"pos_embed", "patch_embed.proj.weight"}
    positions = timm.layers.resample_abs_pos_embed(file["pos_embed"].float(), (8, 8))
    torch.testing.assert_close(loaded["pos_embed"], positions, atol=1e-3, rtol=1e-3)
    grey = file["patch_embed.proj.weight"].float().sum(dim=1, keepdim=True)
    torch.testing.assert_close(loaded["patch_embed.proj.weight"], grey, atol=1e-4, rtol=1e-3)  # timm rounds to fp16
    assert sum(isinstance(module, Rescale) for module in model.modules()) == 1, "it knows images less ImageNet's mean"
    with torch.no_grad():
        assert model(torch.zeros(2, 1, 28, 28)).shape == (2, 10)


def test_the_cnns_layers_are_the_files_and_its_head_is_not():
    model, loaded = fitted(CNN)
    file = load_file(file_of(CNN))
    assert loaded.keys() == file.keys()
    differing = {name for name, tensor in file.items() if not torch.equal(loaded[name], tensor)}
    assert differing == {"conv_stem.weight", "classifier.weight", "classifier.bias"}
    torch.testing.assert_close(loaded["conv_stem.weight"], file["conv_stem.weight"].sum(dim=1, keepdim=True))
    assert not any(isinstance(module, Rescale) for module in model.modules()), "it knows images of -1..1"


def test_of_images_with_colours_the_first_layer_is_the_files():
    shape = replace(DIGITS.shape, channels=3)
    _, loaded = fitted(CNN, replace(DIGITS, shape=shape))
    assert torch.equal(loaded["conv_stem.weight"], load_file(file_of(CNN))["conv_stem.weight"])


@pytest.mark.parametrize("name, other, lacks", [(VIT, CNN, "blocks.0.attn"), (CNN, VIT, "blocks.0.0.bn1")])
def test_the_file_of_the_other_is_refused_and_says_which_keys_differ(name, other, lacks):
    with pytest.raises(UserError, match=rf"weights of timm/{name} for 1 x 112 px \(it lacks .*{lacks}.* also holds"):
        from_file(at_112_px(name), file_of(other), DIGITS.shape)
