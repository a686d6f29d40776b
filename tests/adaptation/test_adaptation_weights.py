"""Hub weights as timm itself loads them from the same cache, made by the test; nothing is downloaded."""

import dataclasses

import pytest
import timm
import torch
from hub_builders import put_into_cache
from safetensors.torch import save

from vitcnn.adaptation.weights import Weighted, at_random, from_file, from_hub
from vitcnn.architectures import architecture, architectures
from vitcnn.errors import MissingData, UnsupportedResolution, UserError
from vitcnn.images import Rescale
from vitcnn.inference import resized
from vitcnn.spec import InputShape

VIT, RESNET = architectures()["vit_tiny"], architectures()["resnet18"]
HEADS = {"vit_tiny": "head.", "resnet18": "fc."}
PHOTOS = InputShape(px=224, channels=3, num_classes=10)


@pytest.fixture(scope="module")
def published():
    """The weights of models of 1,000 classes that were never trained, by name."""
    torch.manual_seed(7)
    return {entry.name: timm.create_model(entry.hub).state_dict() for entry in (VIT, RESNET)}


@pytest.fixture(autouse=True)
def cache(monkeypatch, tmp_path):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    return tmp_path


@pytest.fixture
def filled(cache, published):
    return {entry.name: put_into_cache(cache, entry.hub, save(published[entry.name])) for entry in (VIT, RESNET)}


def built(entry, shape, *, seed=0):
    torch.manual_seed(seed)
    return resized(from_hub(entry, shape.px).architecture, shape).eval()


def tensors(model):
    """Return the weights and buffers by timm's names, whatever stands in front of the model."""
    last = list(model.children())[-1] if isinstance(model, torch.nn.Sequential) else model
    return last.state_dict()


@pytest.mark.parametrize("entry", [VIT, RESNET], ids=lambda entry: entry.name)
def test_every_layer_but_the_head_holds_the_hubs_weights(filled, published, entry):
    loaded = tensors(built(entry, PHOTOS))
    assert loaded.keys() == published[entry.name].keys()
    differing = {name for name, tensor in loaded.items() if not torch.equal(tensor, published[entry.name][name])}
    assert differing == {f"{HEADS[entry.name]}weight", f"{HEADS[entry.name]}bias"}


def test_the_head_depends_on_the_seed_and_nothing_else_does(filled):
    one, again, other = (tensors(built(RESNET, PHOTOS, seed=seed)) for seed in (0, 0, 1))
    assert all(torch.equal(one[name], again[name]) for name in one)
    assert {name for name in one if not torch.equal(one[name], other[name])} == {"fc.weight", "fc.bias"}


@pytest.mark.parametrize("entry", [VIT, RESNET], ids=lambda entry: entry.name)
@pytest.mark.parametrize("channels", [1, 3])
def test_the_model_is_the_one_that_timm_loads_from_the_same_cache(filled, entry, channels):
    torch.manual_seed(0)
    theirs = timm.create_model(entry.hub, pretrained=True, num_classes=10, in_chans=channels).eval()
    model = built(entry, dataclasses.replace(PHOTOS, channels=channels))
    loaded = tensors(model)
    assert all(torch.equal(tensor, loaded[name]) for name, tensor in theirs.state_dict().items())
    if channels == 1:
        return
    shown = torch.rand(2, 3, 224, 224)  # as timm's transforms show them: 0..1, then normalised by the weights' own
    config = theirs.pretrained_cfg
    mean, std = (torch.tensor(config[key])[:, None, None] for key in ("mean", "std"))
    with torch.no_grad():
        torch.testing.assert_close(model(shown * 2 - 1), theirs((shown - mean) / std), atol=1e-4, rtol=1e-4)


def test_filters_for_one_channel_are_the_sums_over_colours(filled, published):
    loaded = tensors(built(RESNET, dataclasses.replace(PHOTOS, channels=1)))
    torch.testing.assert_close(loaded["conv1.weight"], published["resnet18"]["conv1.weight"].sum(dim=1, keepdim=True))


def test_weights_made_for_images_of_minus_one_to_one_are_not_rescaled(filled):
    assert not any(isinstance(module, Rescale) for module in built(VIT, PHOTOS).modules())
    assert any(isinstance(module, Rescale) for module in built(RESNET, PHOTOS).modules())


def test_rescaling_has_no_parameters_and_leaves_no_trace_in_the_weights():
    rescale = Rescale((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
    assert not list(rescale.parameters())
    assert not rescale.state_dict()
    black_to_white = torch.tensor([-1.0, 1.0]).expand(3, 1, 2)
    by_hand = torch.tensor([[-2.1179, 2.2489], [-2.0357, 2.4286], [-1.8044, 2.6400]])[:, None]
    torch.testing.assert_close(rescale(black_to_white), by_hand, atol=1e-4, rtol=0)


def test_greyscale_is_rescaled_by_the_mean_over_the_colours(filled):
    model = built(RESNET, dataclasses.replace(PHOTOS, channels=1))
    (rescale,) = (module for module in model.modules() if isinstance(module, Rescale))
    assert rescale(torch.zeros(1, 1, 1, 1)).item() == pytest.approx((0.5 - 0.449) / 0.226, abs=1e-5)


def test_small_images_are_enlarged_in_front(cache, published):
    entry = architecture("timm/resnet18.a1_in1k")
    put_into_cache(cache, entry.hub, save(published["resnet18"]))
    model = built(entry, InputShape(px=28, channels=1, num_classes=10))
    with torch.no_grad():
        assert model(torch.rand(2, 1, 28, 28)).shape == (2, 10)


def test_positions_are_interpolated_where_the_model_works_at_another_resolution(filled, published):
    model = built(VIT, dataclasses.replace(PHOTOS, px=512))
    expected = timm.layers.resample_abs_pos_embed(published["vit_tiny"]["pos_embed"], (32, 32))
    torch.testing.assert_close(tensors(model)["pos_embed"], expected)


@pytest.mark.parametrize("entry", [VIT, RESNET], ids=lambda entry: entry.name)
@pytest.mark.parametrize("px", [28, 32])
def test_a_model_with_other_layers_for_small_images_cannot_take_them(filled, entry, px):
    said = f"{entry.name} works at {px} px on images of {px} px, with a stem or patches that its ImageNet weights"
    with pytest.raises(UnsupportedResolution, match=said):
        from_hub(entry, px)


def test_random_weights_change_nothing():
    assert at_random(VIT) == Weighted(architecture=VIT, settings={"weights": "random"})


def test_the_record_names_the_weights_and_their_sum(filled):
    said = from_hub(RESNET, 224).settings
    sha256 = filled["resnet18"].resolve().name
    assert said == {"weights": "hub", "hub": "timm/resnet18.a1_in1k", "weights_sha256": sha256}


def test_weights_that_are_not_here_are_missing():
    with pytest.raises(MissingData, match="weights of resnet18 are not here"):
        from_hub(RESNET, 224)


def cut_off(state):
    return save(state)[:-4096]


def without_a_layer(state):
    return save({name: tensor for name, tensor in state.items() if name != "layer4.1.bn2.weight"})


def of_another_model(state):
    return save({**state, "layer4.1.bn2.weight": torch.zeros(7)})


@pytest.mark.parametrize("spoil", [cut_off, without_a_layer, of_another_model, lambda _state: b""])
def test_a_file_that_does_not_hold_the_weights_is_one_clear_error(cache, published, spoil):
    path = put_into_cache(cache, RESNET.hub, spoil(published["resnet18"]))
    with pytest.raises(UserError) as caught:
        from_hub(RESNET, 224)
    message = str(caught.value)
    assert message.startswith(f"weights of resnet18: '{path}' cannot be used")
    assert "Delete it, and run `vitcnn fetch --weights resnet18`" in message
    assert "\n" not in message


def test_a_file_that_changes_after_its_sum_was_taken_is_refused(filled, published):
    with_weights = from_hub(RESNET, 224).architecture
    other = {name: tensor + 1 for name, tensor in published["resnet18"].items()}
    filled["resnet18"].resolve().write_bytes(save(other))
    with pytest.raises(UserError, match="it changed while it was read"):
        with_weights.build(PHOTOS)


GREY = InputShape(px=224, channels=1, num_classes=10)


def of_file(tmp_path, entry, state, shape=PHOTOS):
    path = tmp_path / "mine.safetensors"
    path.write_bytes(save(state))
    return from_file(entry, path, shape)


@pytest.mark.parametrize("entry", [VIT, RESNET], ids=lambda entry: entry.name)
@pytest.mark.parametrize("classes", [1000, 10, 7, 0])
def test_a_users_file_may_have_a_head_of_any_number_of_classes_or_none(tmp_path, published, entry, classes):
    head = HEADS[entry.name]
    state = {
        name: tensor[:classes] if name.startswith(head) else tensor
        for name, tensor in published[entry.name].items()
        if classes or not name.startswith(head)
    }
    found = of_file(tmp_path, entry, {name: tensor.contiguous() for name, tensor in state.items()})
    assert found.settings["weights"] == "file:mine.safetensors"
    one, other = (tensors(resized_with(found, seed)) for seed in (0, 1))
    assert {name for name in one if not torch.equal(one[name], other[name])} >= {f"{head}weight"}
    assert {name for name in one if not torch.equal(one[name], published[entry.name][name])} == {
        f"{head}weight",
        f"{head}bias",
    }


def resized_with(found, seed):
    torch.manual_seed(seed)
    return resized(found.architecture, PHOTOS)


def test_a_users_file_is_fitted_to_grey_images_and_other_sizes_as_the_hubs_is(tmp_path, published):
    shape = InputShape(px=512, channels=1, num_classes=10)
    torch.manual_seed(0)
    loaded = tensors(resized(of_file(tmp_path, VIT, published["vit_tiny"], shape).architecture, shape))
    expected = timm.layers.resample_abs_pos_embed(published["vit_tiny"]["pos_embed"], (32, 32))
    torch.testing.assert_close(loaded["pos_embed"], expected)
    colours = published["vit_tiny"]["patch_embed.proj.weight"]
    torch.testing.assert_close(loaded["patch_embed.proj.weight"], colours.sum(dim=1, keepdim=True))


def test_a_users_file_of_grey_images_serves_grey_images(tmp_path):
    state = RESNET.build(GREY).state_dict()
    loaded = tensors(resized(of_file(tmp_path, RESNET, state, GREY).architecture, GREY))
    assert torch.equal(loaded["conv1.weight"], state["conv1.weight"])
    with pytest.raises(UserError, match=r"conv1\.weight is \(64, 1, 7, 7\), not \(64, 3, 7, 7\)"):
        of_file(tmp_path, RESNET, state, PHOTOS)


def test_a_users_file_of_another_architecture_says_which_keys_differ(tmp_path, published):
    with pytest.raises(UserError, match=r"it lacks blocks\.0\.attn\.proj\.bias, .* more; it also holds bn1\.bias, "):
        of_file(tmp_path, VIT, published["resnet18"])
    lacking = {name: tensor for name, tensor in published["resnet18"].items() if name != "layer4.1.bn2.weight"}
    with pytest.raises(UserError, match=r"for 3 x 224 px \(it lacks layer4\.1\.bn2\.weight\)"):
        of_file(tmp_path, RESNET, lacking)


def test_a_users_file_of_another_width_says_so(tmp_path, published):
    small = timm.create_model("vit_small_patch16_224").state_dict()
    with pytest.raises(UserError, match=r"is \(384,\), not \(192,\)"):
        of_file(tmp_path, VIT, small)


def test_a_users_file_that_changes_after_it_was_looked_at_is_refused(tmp_path, published):
    found = of_file(tmp_path, RESNET, published["resnet18"])
    found.path.write_bytes(save({name: tensor + 1 for name, tensor in published["resnet18"].items()}))
    with pytest.raises(UserError, match="a file that stays as it is while it is read"):
        found.architecture.build(PHOTOS)
