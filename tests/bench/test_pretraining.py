"""Weights that are made here, on few images: what makes their identity, when they are made again, who may read them."""

from dataclasses import replace

import pytest
import torch
from safetensors.torch import load_file

from vitcnn.architectures import architecture
from vitcnn.bench import Bench
from vitcnn.bench import pretraining as ours
from vitcnn.bench.weights import at_px, weighted
from vitcnn.errors import UserError
from vitcnn.imported_code import code_sha256
from vitcnn.recipes import recipe
from vitcnn.spec import Data, InputShape, Split
from vitcnn.tasks import Tasks

LENET, VIT = architecture("lenet"), architecture("vit_micro")


@pytest.fixture
def bench(cpu, tmp_path, monkeypatch):
    """A bench whose tasks all have the first digits, in their own shape and classes."""
    tasks = Tasks(tmp_path)
    digits = tasks.data("digits", lambda *_told: None)

    def few(name, _progress):
        channels, px = tasks.task(name).shape.channels, tasks.task(name).shape.px
        parts = (digits.train, digits.test)
        images = (part.images[:96, :, :px, :px].repeat(channels, axis=1) for part in parts)
        splits = [Split(images=i, labels=part.labels[:96]) for i, part in zip(images, parts, strict=True)]
        return Data(train=splits[0], test=splits[1])

    monkeypatch.setattr(tasks, "data", few)
    return Bench(device=cpu, tasks=tasks, progress=lambda *_told: None)


@pytest.fixture
def trained(monkeypatch):
    """How often something was trained."""
    calls, fit = [], ours.fit
    monkeypatch.setattr(ours, "fit", lambda *args, **settings: calls.append(1) or fit(*args, **settings))
    return calls


def made(bench, entry=LENET, task="glyphs62", **changes):
    by = replace(ours.default_recipe(entry, bench.tasks.task(task)), **changes)
    return ours.pretrained(entry, bench.tasks.task(task), bench, by)


def test_weights_are_made_once_and_say_what_they_reached(bench, trained):
    first, again = made(bench), made(bench)
    assert (len(trained), again.path, again.card) == (1, first.path, first.card)
    assert first.path.parent == bench.tasks.data_root / "weights"
    assert first.path.name == f"lenet-glyphs62-{first.made_as[:12]}.safetensors"
    assert 0 <= first.accuracy <= 1
    assert first.training_time_s > 0
    assert [path.name for path in first.path.parent.iterdir()] == [first.path.name], "one file holds all"


@pytest.mark.parametrize("changed", [{"epochs": 2}, {"label_smoothing": 0.1}])
def test_another_recipe_makes_other_weights_and_its_name_does_not(bench, trained, changed):
    first = made(bench)
    assert made(bench, name="called otherwise", source="elsewhere").path == first.path
    assert made(bench, **changed).path != first.path
    assert len(trained) == 2


def test_other_code_makes_other_weights_that_mean_the_same(bench, tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "own_net.py").write_text("from own_part import SCALE")
    own, identities, meanings = replace(LENET, file=str(tmp_path / "own_net.py")), set(), []
    for scale in (1, 2):
        (tmp_path / "own_part.py").write_text(f"SCALE = {scale}")
        code_sha256.cache_clear()
        found = made(bench, own)
        identities.add(found.made_as)
        meanings.append(found.made_by)
    assert len(identities) == 2
    assert meanings[0] == meanings[1]


@pytest.mark.parametrize("changes", ["the first weights", "a layer without weights", "what trains"])
def test_what_a_users_model_reads_besides_its_code_makes_other_weights_too(bench, tmp_path, changes):
    """A number in a file decides how first weights are scaled, how much is dropped, or whether a filter trains."""
    config = tmp_path / "config.txt"

    def build(shape):
        number = float(config.read_text())
        model = LENET.builder(shape)
        if changes == "the first weights":
            with torch.no_grad():
                next(model.parameters()).mul_(number)
            return model
        if changes == "what trains":
            next(model.parameters()).requires_grad_(number > 0.3)
            return model
        return torch.nn.Sequential(torch.nn.Dropout(number), model)

    code, task = tmp_path / "net.py", bench.tasks.task("glyphs62")
    code.touch()
    own = replace(LENET, file=str(code), builder=build)
    identities = []
    for text in ("0.5", "0.5", "0.1"):
        config.write_text(text)
        identities.append(ours.plan(own, task, bench).made_as)
    assert identities[0] == identities[1] != identities[2]


def test_a_users_model_that_works_at_another_size_is_asked_at_that_size(bench, tmp_path):
    code = tmp_path / "net.py"
    code.touch()
    own = replace(LENET, file=str(code), takes=None, resolutions={28: 32})
    assert ours.plan(own, bench.tasks.task("glyphs62"), bench).how["model_px"] == 32


def test_who_works_at_another_resolution_has_weights_of_its_own(bench):
    task = bench.tasks.task("glyphs62")
    small = at_px(LENET, replace(recipe("digits_cnn"), model_px=32), task)
    assert ours.plan(small, task, bench).path != ours.plan(LENET, task, bench).path


@pytest.mark.parametrize("spoil", [lambda data: data[:-4], lambda data: data[:-1] + b"?", lambda _data: b""])
def test_what_is_cut_off_or_damaged_is_made_again(bench, trained, spoil):
    first = made(bench)
    whole = first.path.read_bytes()
    first.path.write_bytes(spoil(whole))
    again = made(bench)
    assert len(trained) == 2
    assert again.path == first.path
    assert load_file(again.path).keys() == LENET.build(bench.tasks.task("glyphs62").shape).state_dict().keys()


def test_another_process_that_was_faster_keeps_what_it_made(bench, monkeypatch):
    """Both train; the second finds the first's weights whole and leaves them: whoever reads them is not disturbed."""
    first = made(bench)
    told = first.path.stat().st_ino
    found, kept = iter([None]), ours.kept
    monkeypatch.setattr(ours, "kept", lambda planned: next(found, kept(planned)))
    assert made(bench).card == first.card
    assert first.path.stat().st_ino == told


def test_training_that_is_interrupted_leaves_nothing(bench, monkeypatch):
    def interrupted(*_args, **_settings):
        raise KeyboardInterrupt

    monkeypatch.setattr("vitcnn.folders.os.fsync", interrupted)
    with pytest.raises(KeyboardInterrupt):
        made(bench)
    assert list((bench.tasks.data_root / "weights").iterdir()) == []


def test_a_task_starts_from_what_was_trained_on_another_at_its_own_resolution(bench):
    digits = replace(bench.tasks.task("digits"), shape=InputShape(px=20, channels=1, num_classes=10))
    entry = at_px(VIT, replace(recipe("digits_vit"), model_px=20), digits)
    found = weighted(entry, "glyphs62", digits, bench)
    torch.manual_seed(0)
    state = found.architecture.build(digits.shape).state_dict()
    kept = load_file(next((bench.tasks.data_root / "weights").iterdir()))
    differing = {name for name, tensor in state.items() if not torch.equal(tensor, kept[name])}
    assert differing == {"head.weight", "head.bias"}
    assert found.settings["weights"] == "glyphs62"
    assert len(found.settings["weights_made_as"]) == 64
    assert found.settings["pretraining"].keys() == {"test_accuracy", "training_time_s"}
    meaning = found.settings["weights_made_by"]
    assert (meaning["task"], meaning["model_px"], meaning["recipe"]["epochs"]) == ("glyphs62", 20, 1)
    assert meaning.keys() == {"task", "data_sha256", "recipe", "model_px", "seed"}, "no code, no versions, no device"


def test_colours_cannot_start_from_grey_and_nothing_is_trained_to_find_out(bench, trained):
    with pytest.raises(UserError, match="tasks whose images have 3 channels, as those of shapes do") as caught:
        weighted(LENET, "glyphs62", bench.tasks.task("shapes"), bench)
    assert "weights: 'glyphs62'" in str(caught.value)
    assert trained == []


def test_a_task_of_sequences_makes_no_weights(bench):
    task = bench.tasks.task("digit_sum_digits")
    with pytest.raises(UserError, match="tasks of one image as input, and classes"):
        ours.pretrained(LENET, task, bench, recipe("digits_cnn"))
