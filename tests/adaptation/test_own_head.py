"""Weights with the head they were trained with, against what timm and torch load from the same files."""

import os
from dataclasses import replace
from pathlib import Path

import pytest
import timm
import torch
from hub_builders import put_into_cache
from safetensors.torch import load_file, save, save_file

from vitcnn.adaptation.own_head import file_with_head, hub_with_head
from vitcnn.architectures import architecture, architectures
from vitcnn.errors import MissingData, UserError
from vitcnn.inference import resized
from vitcnn.spec import InputShape

VIT, RESNET = architectures()["vit_tiny"], architectures()["resnet18"]
LENET = architectures()["lenet"]


def answers(found, images):
    model = resized(found.architecture, found.shape).eval()
    with torch.no_grad():
        return model(images)


@pytest.fixture
def cache(monkeypatch, tmp_path):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    return tmp_path


def test_the_hubs_model_answers_as_timms_own(cache):
    torch.manual_seed(7)
    put_into_cache(cache, RESNET.hub, save(timm.create_model(RESNET.hub).state_dict()))
    theirs = timm.create_model(RESNET.hub, pretrained=True).eval()
    found = hub_with_head(RESNET, 224)
    assert found.shape == InputShape(px=224, channels=3, num_classes=1000)
    assert found.settings["weights"] == "hub"
    shown = torch.rand(2, 3, 224, 224)
    mean, std = (torch.tensor(theirs.pretrained_cfg[key])[:, None, None] for key in ("mean", "std"))
    with torch.no_grad():
        expected = theirs((shown - mean) / std)
    torch.testing.assert_close(answers(found, shown * 2 - 1), expected, atol=1e-4, rtol=1e-4)


def test_weights_that_are_not_in_the_cache_are_missing(cache):
    with pytest.raises(MissingData, match="vitcnn fetch --weights resnet18"):
        hub_with_head(RESNET, 224)


def test_a_damaged_file_of_the_hub_is_refused(cache):
    content = save(timm.create_model(RESNET.hub).state_dict())
    put_into_cache(cache, RESNET.hub, content[:-8] + b"12345678", blob="0" * 64)
    with pytest.raises(UserError, match="SHA-256"):
        hub_with_head(RESNET, 224)


def test_a_files_head_is_kept_and_timm_fits_the_positions(tmp_path):
    torch.manual_seed(7)
    published = timm.create_model(VIT.hub, num_classes=5)
    save_file(published.state_dict(), tmp_path / "vit.safetensors")
    found = file_with_head(VIT, tmp_path / "vit.safetensors", 256)
    assert found.shape == InputShape(px=256, channels=3, num_classes=5)
    published.set_input_size(img_size=(256, 256))
    images = torch.rand(2, 3, 256, 256) * 2 - 1
    with torch.no_grad():
        expected = published.eval()(images)
    torch.testing.assert_close(answers(found, images), expected, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("channels", [1, 3])
def test_a_file_says_which_images_it_knows_and_how_many_classes(channels, tmp_path):
    torch.manual_seed(7)
    shape = InputShape(px=28, channels=channels, num_classes=4)
    model = LENET.build(shape).eval()
    save_file(model.state_dict(), tmp_path / "mine.safetensors")
    found = file_with_head(LENET, tmp_path / "mine.safetensors", 28)
    assert found.shape == shape
    images = torch.rand(2, channels, 28, 28) * 2 - 1
    with torch.no_grad():
        expected = model(images)
    torch.testing.assert_close(answers(found, images), expected)


@pytest.mark.parametrize("is_ours", [True, False])
def test_images_are_rescaled_unless_the_file_says_that_it_knows_them(is_ours, tmp_path):
    torch.manual_seed(7)
    model = RESNET.build(InputShape(px=64, channels=3, num_classes=4)).eval()
    save_file(model.state_dict(), tmp_path / "a.safetensors", {"images": "-1..1"} if is_ours else {"format": "pt"})
    images = torch.rand(2, 3, 64, 64)
    mean, std = (torch.tensor(values)[:, None, None] for values in ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)))
    with torch.no_grad():
        expected = model(images * 2 - 1 if is_ours else (images - mean) / std)
    found = file_with_head(RESNET, tmp_path / "a.safetensors", 64)
    torch.testing.assert_close(answers(found, images * 2 - 1), expected, atol=1e-4, rtol=1e-4)


def test_a_file_that_changes_before_it_is_loaded_is_refused(tmp_path):
    shape = InputShape(px=28, channels=3, num_classes=4)
    path = tmp_path / "mine.safetensors"
    save_file(LENET.build(shape).state_dict(), path)
    found = file_with_head(LENET, path, 28)
    save_file(LENET.build(shape).state_dict(), path)
    with pytest.raises(UserError, match="stays as it is"):
        resized(found.architecture, found.shape)


def test_weights_of_another_architecture_or_without_a_head_are_refused(tmp_path):
    path = tmp_path / "mine.safetensors"
    state = LENET.build(InputShape(px=28, channels=3, num_classes=4)).state_dict()
    save_file(state, path)
    with pytest.raises(UserError, match=r"with their head \(fc.weight is not in it\)"):
        file_with_head(RESNET, path, 28)
    save_file({**state, "more": torch.zeros(1)}, path)
    with pytest.raises(UserError, match="it also holds more"):
        file_with_head(LENET, path, 28)
    with pytest.raises(UserError, match="is there"):
        file_with_head(LENET, tmp_path / "nowhere", 28)


FOLDER = os.environ.get("VITCNN_TEST_WEIGHTS", "")
WHY = "VITCNN_TEST_WEIGHTS names no folder of pretrained weights: make one with tools/pretrained_weights.py"


@pytest.mark.skipif(not FOLDER, reason=WHY)
def test_of_really_pretrained_weights_all_are_the_files():
    path = Path(FOLDER) / "tf_efficientnet_lite0.safetensors"
    found = file_with_head(architecture("timm/tf_efficientnet_lite0"), path, 512)
    assert found.shape == replace(found.shape, num_classes=1000, channels=3, px=512)
    loaded, file = resized(found.architecture, found.shape).state_dict(), load_file(path)
    assert loaded.keys() == file.keys()
    assert all(torch.equal(loaded[name], tensor) for name, tensor in file.items())
