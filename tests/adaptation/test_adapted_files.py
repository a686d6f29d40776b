"""What an adaptation trained, to disk and back: by ours, and by plain peft onto timm's model."""

import json
import pickle
from dataclasses import replace

import peft
import pytest
import timm
import torch
from peft import PeftModel
from safetensors.torch import load_file, save_file
from torch import nn

from vitcnn.adaptation.adapt import adapted
from vitcnn.adaptation.files import CARD, base_of, load_adapted, write_adapted
from vitcnn.adaptation.lora import merge
from vitcnn.adaptation.parts import classifier
from vitcnn.adaptation.weights import from_file, save
from vitcnn.adaptation.weights_file import WeightsFile
from vitcnn.adaptations import adaptation
from vitcnn.architectures import architecture
from vitcnn.errors import MissingData, UserError
from vitcnn.images import core_of
from vitcnn.inference import resized
from vitcnn.spec import InputShape

SHAPE = InputShape(px=28, channels=1, num_classes=10)
EXACT = {"atol": 1e-5, "rtol": 1e-5}


@pytest.fixture
def images():
    return torch.rand(3, 1, 28, 28, generator=torch.Generator().manual_seed(1)) * 2 - 1


@pytest.fixture
def made(tmp_path):
    """A function that adapts an architecture, trains it by nothing but chance, and writes it: (model, folder, file)."""

    def make(name, how, *, model_px=28, hub_file=False, merged_on=None):
        torch.manual_seed(3)
        entry = replace(architecture(name), takes=None, resolutions={28: model_px})
        file = tmp_path / "base.safetensors"
        base = entry.builder(replace(SHAPE, px=model_px, num_classes=62))
        if hub_file:
            save_file(base.state_dict(), file)
        else:
            save(base, file)
        found = from_file(entry, file, SHAPE)
        model = adapted(resized(found.architecture, SHAPE), adaptation(how)).eval()
        with torch.no_grad():
            for parameter in model.parameters():
                if parameter.requires_grad:
                    parameter.add_(torch.randn_like(parameter), alpha=0.02)
        card = {
            "architecture": name,
            "adaptation": how,
            "images": {"px": 28, "channels": 1, "model_px": model_px},
            "data": {"num_classes": 10},
            "weights": {"name": "glyphs62", "file": file.name, "sha256": WeightsFile.read("", file).sha256},
        }
        write_adapted(tmp_path / "out", model, adaptation(how), card, merged_on=merged_on)
        return model, tmp_path / "out", file

    return make


def answers(model, images):
    with torch.no_grad():
        return model.eval()(images)


CASES = [
    *[("vit_micro", how) for how in ("full", "head", "lora4_qv", "lora4_qkv", "lora2_linear", "lora3_qv_alpha5")],
    *[("lenet", how) for how in ("full", "head", "lora2_conv")],
    ("timm/test_resnet", "lora4_conv"),
    ("timm/test_efficientnet", "lora16_conv"),  # some of its layers are narrower
]


@pytest.mark.parametrize("name, how", CASES)
def test_ours_loads_what_was_written(made, images, name, how):
    model, folder, file = made(name, how)
    again = load_adapted(folder, weights=file)
    torch.testing.assert_close(answers(again, images), answers(model, images), **EXACT)
    assert not any(parameter.requires_grad for parameter in again.parameters())


@pytest.mark.parametrize("name, how", [case for case in CASES if "lora" in case[1]])
def test_plain_peft_loads_it_onto_the_base(made, images, name, how):
    model, folder, file = made(name, how)
    theirs = PeftModel.from_pretrained(base_of(folder, weights=file), folder)
    torch.testing.assert_close(answers(theirs, images), answers(core_of(model), images), **EXACT)


def test_plain_peft_loads_it_onto_timms_own_model_whose_images_are_normalised_by_hand(made, images):
    name = "vit_tiny_patch16_224"
    model, folder, file = made(f"timm/{name}", "lora4_qv", model_px=32, hub_file=True)
    base = timm.create_model(name, num_classes=10, in_chans=1, img_size=32)
    state = {key: tensor for key, tensor in load_file(file).items() if not key.startswith("head.")}
    base.load_state_dict(state, strict=False)
    theirs = PeftModel.from_pretrained(base, folder)
    shown = nn.functional.interpolate(images, size=(32, 32), mode="bilinear")
    torch.testing.assert_close(answers(theirs, shown), answers(model, images), **EXACT)


def test_query_and_value_are_one_update_of_twice_the_rank_whose_key_is_zero(made):
    _, folder, _ = made("vit_micro", "lora4_qv_alpha6")
    config = json.loads((folder / "adapter_config.json").read_text())
    assert (config["r"], config["lora_alpha"], config["modules_to_save"]) == (8, 12, ["head"])
    assert peft.PeftConfig.from_pretrained(folder).peft_type == "LORA"
    tensors = load_file(folder / "adapter_model.safetensors")
    up = tensors["base_model.model.blocks.0.attn.qkv.lora_B.weight"]
    width = up.shape[0] // 3
    assert not up[width : 2 * width].any()
    assert not up[:width, 4:].any()
    assert not up[2 * width :, :4].any()
    assert up[:width, :4].all()
    assert up[2 * width :, 4:].all()


@pytest.mark.parametrize(
    "name, how", [("vit_micro", "lora4_qv"), ("timm/test_resnet", "lora4_conv"), ("lenet", "head")]
)
def test_merged_weights_are_a_plain_models(made, images, name, how):
    model, folder, _ = made(name, how)
    expected = answers(model, images)
    plain = architecture(name).builder(SHAPE)
    write_adapted(folder.with_name("merged"), model, adaptation(how), {}, merged_on=images)
    plain.load_state_dict(load_file(folder.with_name("merged") / "merged.safetensors"))
    torch.testing.assert_close(answers(plain, images), expected, **EXACT)
    assert {path.name for path in folder.with_name("merged").iterdir()} > {"card.json", "merged.safetensors"}


def test_a_merge_that_changes_the_answers_leaves_nothing(made, images, monkeypatch):
    model, folder, _ = made("vit_micro", "lora4_qv")

    def wrong(model):
        torch.nn.init.zeros_(classifier(model)[1].bias)
        return merge(model)

    monkeypatch.setattr("vitcnn.adaptation.files.merge", wrong)
    with pytest.raises(RuntimeError, match="the merged model's logits differ by"):
        write_adapted(folder.with_name("merged"), model, adaptation("lora4_qv"), {}, merged_on=images)
    assert sorted(path.name for path in folder.parent.iterdir()) == ["base.safetensors", "out"]


def test_a_model_that_knows_other_images_is_rescaled_again(made, images):
    """A file in timm's layout does not say by what its images are normalised: timm's own settings do."""
    for how in ("head", "full"):
        model, folder, file = made("timm/test_vit", how, model_px=160, hub_file=True)
        again = load_adapted(folder, weights=file)
        torch.testing.assert_close(answers(again, images), answers(model, images), **EXACT)
        for path in (*folder.iterdir(), folder):
            path.unlink() if path.is_file() else path.rmdir()


def edit(folder, change):
    card = json.loads((folder / CARD).read_text())
    change(card)
    (folder / CARD).write_text(json.dumps(card))


def cut(path):
    path.write_bytes(path.read_bytes()[:-8])


def drop(path, key):
    tensors = load_file(path)
    del tensors[key]
    save_file(tensors, path)


def with_key(path):
    tensors = load_file(path)
    tensors["base_model.model.blocks.1.attn.qkv.lora_B.weight"].add_(1)
    save_file(tensors, path)


ADAPTER, CONFIG = "adapter_model.safetensors", "adapter_config.json"
LAST = "base_model.model.blocks.1.attn.qkv.lora_B.weight"


@pytest.mark.parametrize(
    "spoil, said",
    [
        (lambda folder: (folder / CARD).unlink(), "a folder that vitcnn adapt wrote, with a whole card.json (there is"),
        (lambda folder: (folder / CARD).write_text("{"), "a folder that vitcnn adapt wrote, with a whole card.json (J"),
        (lambda folder: edit(folder, lambda card: card.pop("weights")), "with a whole card.json (KeyError: 'weights')"),
        (lambda folder: edit(folder, lambda card: card.update(architecture="lenett")), "Did you mean lenet"),
        (lambda folder: edit(folder, lambda card: card.update(architecture="lenet")), "weights of lenet for 1 x 28 px"),
        (lambda folder: edit(folder, lambda card: card.update(adaptation="lora0")), "adaptation in the card: 'lora0'"),
        (lambda folder: edit(folder, lambda card: card.update(adaptation="lora8_qv")), "what the card says ("),
        (
            lambda folder: edit(folder, lambda card: card["data"].update(num_classes=7)),
            "base_model.model.head.bias is (10,), not (7,)",
        ),
        (lambda folder: edit(folder, lambda card: card.update(adaptation="lora4_qv_alpha9")), "the card's lora_alpha"),
        (
            lambda folder: edit(folder, lambda card: card["weights"].update(sha256="0")),
            "the file that training started",
        ),
        (lambda folder: (folder / ADAPTER).unlink(), "a safetensors file that is there"),
        (lambda folder: cut(folder / ADAPTER), "a whole safetensors file"),
        (lambda folder: (folder / ADAPTER).write_bytes(pickle.dumps({})), "safetensors alone, since a pickle can run"),
        (lambda folder: drop(folder / ADAPTER, LAST), f"it lacks {LAST}"),
        (lambda folder: with_key(folder / ADAPTER), "updates of query and value of blocks.1.attn.qkv, and none of the"),
        (lambda folder: (folder / CONFIG).unlink(), "peft's JSON ("),
    ],
)
def test_a_folder_that_cannot_be_loaded_is_one_clear_error(made, spoil, said):
    _, folder, file = made("vit_micro", "lora4_qv")
    spoil(folder)
    with pytest.raises(UserError) as caught:
        load_adapted(folder, weights=file)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_weights_that_are_not_here_are_missing_and_found_below_the_data_root(made, images, tmp_path):
    model, folder, file = made("vit_micro", "lora4_qv")
    with pytest.raises(MissingData, match=r"weights glyphs62 are not under .*: name the file, as in load_adapted"):
        load_adapted(folder, data_root=tmp_path / "data")
    (tmp_path / "data" / "weights").mkdir(parents=True)
    file.rename(tmp_path / "data" / "weights" / file.name)
    again = load_adapted(folder, data_root=tmp_path / "data")
    torch.testing.assert_close(answers(again, images), answers(model, images), **EXACT)


def test_a_folder_that_holds_something_is_not_written_over(made, tmp_path):
    _, folder, _ = made("lenet", "head")
    with pytest.raises(OSError, match="not empty"):
        write_adapted(folder, architecture("lenet").build(SHAPE), adaptation("head"), {})
    assert json.loads((folder / CARD).read_text())["architecture"] == "lenet"
