"""`vitcnn adapt` and `vitcnn pretrain`, in this process, on few images."""

import json
import subprocess
import sys

import pytest
import torch
from peft import PeftModel
from safetensors.torch import save

from vitcnn import recipes
from vitcnn.adaptation.files import base_of, load_adapted
from vitcnn.architectures import architecture
from vitcnn.cli import main
from vitcnn.commands.adapted_words import answer
from vitcnn.spec import Data, Split
from vitcnn.tasks import Tasks
from vitcnn.training import fit

WHOLE = Tasks.data


@pytest.fixture(autouse=True)
def few_images(monkeypatch, tmp_path):
    """All tasks hold few images: of shapes and characters those of digits, whose classes are enough to try it."""

    def data(self, name, progress):
        digits = WHOLE(self, "digits", progress)
        images = [part.images[:64] for part in (digits.train, digits.test)]
        labels = [part.labels[:64] for part in (digits.train, digits.test)]
        train, test = (Split(images=i, labels=j) for i, j in zip(images, labels, strict=True))
        return Data(train=train, test=test)

    monkeypatch.setattr(Tasks, "data", data)
    monkeypatch.setenv("VITCNN_DATA", str(tmp_path / "data"))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.chdir(tmp_path)
    yield
    recipes.ask_for([])


def adapt(*options, arch="vit_micro", out="out"):
    return main(["adapt", arch, "--task", "digits", "--device", "cpu", "--out", out, *options])


def card_in(folder):
    return json.loads((folder / "card.json").read_text())


def test_the_answer_comes_first_and_the_folder_loads_with_both(capsys, tmp_path):
    assert adapt("--recipe", "transfer_lora_vit,epochs=1", "--merge", "--num-train", "32", "--seed", "3") == 0
    out = capsys.readouterr().out
    assert out.startswith("vit_micro with lora16_qv on digits, from glyphs62: ")
    assert " % of 64 test images are right (95 % interval " in out.splitlines()[0]
    card = card_in(tmp_path / "out")
    assert (card["adaptation"], card["settings"]["seed"], card["data"]["num_train_images"]) == ("lora16_qv", 3, 32)
    assert card["settings"]["recipe"]["name"] == "transfer_lora_vit,epochs=1"
    low, high = card["results"]["test_accuracy_95"]
    assert 0 <= low <= card["results"]["test_accuracy"] <= high <= 1
    names = {"README.md", "card.json", "adapter_config.json", "adapter_model.safetensors", "merged.safetensors"}
    assert {path.name for path in (tmp_path / "out").iterdir()} == names
    code = [line for line in out.splitlines() if line.startswith(("from", "base", "model"))]
    found: dict = {}
    exec("\n".join(code[:2]), found)
    images = torch.rand(2, 1, 28, 28) * 2 - 1
    ours = found["model"](images)
    exec("\n".join(code[2:]), found)
    torch.testing.assert_close(ours, found["model"].eval()(images), atol=1e-5, rtol=1e-5)
    assert str(tmp_path) not in (tmp_path / "out" / "card.json").read_text()


def test_classes_without_an_image_among_so_few_are_counted():
    results = {"test_accuracy": 0.5, "test_accuracy_95": (0.4, 0.6), "training_time_s": 1.0}
    results |= {"num_trainable": 1, "num_parameters": 2, "file_bytes": 4, "trained_bytes": 4}

    def said(num_train):
        data = {"num_test_images": 64, "num_train_images": num_train, "num_classes": 10}
        return answer({"data": data, "results": results})

    assert " on 4 images, so that 6 of 10 classes have none. " in said(4)
    assert " on 10 images. " in said(10)


@pytest.mark.parametrize("time_s, shown", [(0.0233, "23.3 ms"), (3.5, "3.50 s"), (1234.5, "1,234 s")])
def test_short_trainings_are_not_said_to_take_no_time(time_s, shown):
    results = {"test_accuracy": 0.5, "test_accuracy_95": (0.4, 0.6), "training_time_s": time_s}
    results |= {"num_trainable": 1, "num_parameters": 2, "file_bytes": 4, "trained_bytes": 4}
    data = {"num_test_images": 64, "num_train_images": 64, "num_classes": 10}
    assert f", after {shown} of training on 64 images. " in answer({"data": data, "results": results})


@pytest.mark.parametrize("trained, share", [(61_411, "100 %"), (1, "0.0016 %"), (2_800, "4.6 %")])
def test_the_share_that_trained_is_plain_to_read(trained, share):
    results = {"test_accuracy": 0.5, "test_accuracy_95": (0.4, 0.6), "training_time_s": 1.0}
    results |= {"num_trainable": trained, "num_parameters": 61_411, "file_bytes": 4, "trained_bytes": 4}
    data = {"num_test_images": 64, "num_train_images": 64, "num_classes": 10}
    assert f" of 61,411 parameters trained ({share})." in answer({"data": data, "results": results})


def test_its_accuracy_is_the_loaded_models(tmp_path):
    assert adapt("--method", "head", "--recipe", "transfer_head_vit,epochs=2") == 0
    test = Tasks(tmp_path / "data").data("digits", lambda *_told: None).test
    logits = load_adapted(tmp_path / "out", data_root=tmp_path / "data")(torch.from_numpy(test.images) / 127.5 - 1)
    right = (logits.argmax(dim=1) == torch.from_numpy(test.labels)).double().mean().item()
    assert card_in(tmp_path / "out")["results"]["test_accuracy"] == right


@pytest.mark.parametrize(
    "arch, method, recipe, adaptation",
    [
        ("lenet", "lora", "transfer_lora_cnn", "lora16_conv"),
        ("lenet", "full", "transfer_full_cnn", "full"),
        ("vit_micro", "head_views2", "transfer_head_vit", "head_views2"),
    ],
)
def test_each_method_has_its_recipe(arch, method, recipe, adaptation, tmp_path):
    assert adapt("--method", method, "--num-train", "16", "--recipe", f"{recipe},epochs=1", arch=arch) == 0
    card = card_in(tmp_path / "out")
    assert (card["adaptation"], card["weights"]["name"]) == (adaptation, "glyphs62")


def test_a_throw_away_training_pays_what_first_calls_cost(monkeypatch):
    numbers = []

    def noted(module, images, **settings):
        numbers.append((len(images), settings["recipe"].epochs))
        return fit(module, images, **settings)

    monkeypatch.setattr("vitcnn.bench.seeds.fit", noted)
    assert adapt("--method", "full", "--weights", "random", "--recipe", "epochs=2,batch=16", arch="lenet") == 0
    assert numbers == [(32, 1), (64, 2)]


def test_changes_alone_are_of_the_recipe_that_fits(capsys, tmp_path):
    assert adapt("--method", "full", "--weights", "random", "--recipe", "epochs=1,batch=32", arch="lenet") == 0
    recipe = card_in(tmp_path / "out")["settings"]["recipe"]
    assert recipe["name"] == "transfer_full_cnn,batch=32,epochs=1,weights=random"
    assert (recipe["epochs"], recipe["batch"]) == (1, 32)
    assert pretrain("--recipe", "epochs=2") == 0
    assert pretrain("--recipe", "glyphs_cnn,epochs=2") == 0
    made, same = capsys.readouterr().out.split("Weights of lenet on glyphs62 ")[1:]
    assert (made.partition(";")[0], same.partition(";")[0]) == ("are made", "were here already")


def test_a_users_file_is_named_and_its_folder_is_not(capsys, tmp_path):
    shape = Tasks(tmp_path).task("digits").shape
    (tmp_path / "mine.safetensors").write_bytes(save(architecture("lenet").build(shape).state_dict()))
    assert adapt("--method", "lora2_conv", "--weights", f"file:{tmp_path}/mine.safetensors", arch="lenet") == 0
    card = (tmp_path / "out" / "card.json").read_text()
    assert str(tmp_path) not in card
    assert json.loads(card)["weights"]["name"] == "file:mine.safetensors"
    assert json.loads(card)["settings"]["recipe"]["weights"] == "file:mine.safetensors"
    assert 'load_adapted("out", weights="PATH/mine.safetensors")' in capsys.readouterr().out
    base = base_of(tmp_path / "out", weights=tmp_path / "mine.safetensors")
    PeftModel.from_pretrained(base, tmp_path / "out")


def test_all_of_a_model_may_train_from_random_weights(tmp_path):
    assert adapt("--method", "full", "--weights", "random", "--recipe", "transfer_full_cnn,epochs=1", arch="lenet") == 0
    assert card_in(tmp_path / "out")["weights"] == {"name": "random", "file": "", "sha256": ""}
    load_adapted(tmp_path / "out")


@pytest.mark.parametrize(
    "options, status, said",
    [
        (["--out", "full_folder"], 2, "--out: 'full_folder' cannot be used. Allowed: a folder that is absent or empty"),
        (["--out", "a_file"], 2, "--out: 'a_file' cannot be used. Allowed: a folder that is absent or empty"),
        (["--out", "a_file/below"], 2, "--out: "),
        (["--task", "digit"], 2, "--task: 'digit' cannot be used"),
        (["--method", "lora16"], 2, "--method: 'lora16' cannot be used"),
        (["--method", "lora97_qv"], 2, "rank of LoRA: 97 cannot be used. Allowed: 1 to 96"),
        (["--recipe", "transfer"], 2, "--recipe: 'transfer' cannot be used"),
        (["--recipe", "epoch=3"], 2, "--recipe: 'epoch' cannot be used"),
        (["--weights", "glyph62"], 2, "Did you mean glyphs62"),
        (["--weights", "random"], 2, "--weights: 'random' cannot be used. Allowed: pretrained weights for lora"),
        (["--weights", "file:nowhere"], 2, "a safetensors file that is there"),
        (["--weights", "file:a_file"], 2, "a whole safetensors file"),
        (["--weights", "file:other.safetensors"], 2, "it lacks blocks.0"),
        (["--weights", "hub"], 2, "architectures with weights on the hub"),
        (["--seed", "-1"], 2, "--seed: -1 cannot be used"),
        (["--num-train", "0"], 2, "--num-train: 0 cannot be used"),
        (["--num-train", "1000"], 1, "digits has 64 training images, the case is on 1,000 of them"),
        (["--task", "digit_sum_digits"], 2, "task of adaptation: 'digit_sum_digits' cannot be used"),
        (["--device", "tpu"], 2, "'tpu' cannot be used"),
    ],
)
def test_what_cannot_be_used_is_refused_before_anything_trains(options, status, said, capsys, monkeypatch, tmp_path):
    def never(*_args, **_settings):
        raise AssertionError("it trained")

    monkeypatch.setattr("vitcnn.bench.seeds.fit", never)
    monkeypatch.setattr("vitcnn.bench.pretraining.fit", never)
    (tmp_path / "full_folder").mkdir()
    (tmp_path / "full_folder" / "kept").touch()
    (tmp_path / "a_file").touch()
    shape = Tasks(tmp_path).task("digits").shape
    (tmp_path / "other.safetensors").write_bytes(save(architecture("lenet").build(shape).state_dict()))
    before = sorted(path.name for path in tmp_path.iterdir())
    assert adapt(*options) == status
    error = capsys.readouterr().err
    assert said in error
    assert error.count("\n") == 1
    assert sorted(path.name for path in tmp_path.iterdir() if path.name != "data") == before


def test_targets_that_a_model_has_not_are_refused(capsys):
    assert adapt("--method", "lora2_qv", arch="lenet") == 2
    assert "This model has no layer of qv: choose other targets." in capsys.readouterr().err


def test_hub_weights_that_are_not_here_say_how_to_fetch_them(capsys):
    assert adapt("--weights", "hub", arch="resnet50") == 1
    assert "weights of resnet50 are not here: run `vitcnn fetch --weights resnet50`" in capsys.readouterr().err


def pretrain(*options):
    return main(["pretrain", "lenet", "--task", "glyphs62", "--device", "cpu", *options])


def test_pretraining_says_what_the_weights_reach_and_how_to_start_from_them(capsys, tmp_path):
    assert pretrain() == 0
    first = capsys.readouterr().out
    (path,) = (tmp_path / "data" / "weights").iterdir()
    assert first.startswith("Weights of lenet on glyphs62 are made; they answer ")
    assert f"They lie in data/weights/{path.name}; their identity is {path.stem.rpartition('-')[2]}" in first
    assert "  pytest benchmarks -k adaptation --arch lenet --weights glyphs62\n" in first
    assert f"--weights file:data/weights/{path.name}\n" in first
    assert pretrain() == 0
    assert capsys.readouterr().out == first.replace("are made; they", "were here already; they")
    assert adapt("--weights", f"file:data/weights/{path.name}", "--method", "head", arch="lenet") == 0


def test_pretraining_by_another_recipe_is_another_start_and_may_lie_elsewhere(capsys, tmp_path):
    assert pretrain("--recipe", "digits_cnn,epochs=2", "--out", "kept/mine.safetensors") == 0
    out = capsys.readouterr().out
    assert "--weights glyphs62" not in out
    assert "--weights file:kept/mine.safetensors" in out
    assert (tmp_path / "kept" / "mine.safetensors").is_file()
    assert pretrain("--out", "kept/mine.safetensors") == 2
    assert "Allowed: a file that is not there yet" in capsys.readouterr().err


@pytest.mark.parametrize(
    "options, said",
    [
        (["--task", "digit_sum_digits"], "tasks of one image as input, and classes"),
        (["--task", "glyphs6"], "Did you mean glyphs62"),
        (["--recipe", "digit_cnn"], "Did you mean digits_cnn"),
        (["--recipe", "epochs=2", "--task", "digit_sum_digits"], "tasks of one image as input, and classes"),
    ],
)
def test_what_cannot_be_pretrained_on_is_one_error(options, said, capsys):
    assert pretrain(*options) == 2
    assert said in capsys.readouterr().err


def test_the_command_is_there_as_a_program(tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "vitcnn", "adapt", "--help"], capture_output=True, text=True, check=True
    )
    assert "lora16_qv" in done.stdout
