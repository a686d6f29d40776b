"""A case whose recipe begins from the hub's weights, trained from a cache made by hand."""

from dataclasses import replace

import pytest
import timm
import torch
from hub_builders import put_into_cache
from safetensors.torch import save

from vitcnn import AccuracyCase
from vitcnn.bench import Bench, seed_rounds
from vitcnn.bench.obstacles import obstacle
from vitcnn.errors import MissingData
from vitcnn.questions import prepared as prepare
from vitcnn.recipes import recipe, recipes
from vitcnn.spec import Data, Split
from vitcnn.tasks import Tasks

NAME = "test_resnet.r160_in1k"
CASE = AccuracyCase(architecture=f"timm/{NAME}", task="digits", recipe="tuned", num_seeds=2)
NOT_HERE = f"weights of timm/{NAME} are not here: run `vitcnn fetch --weights timm/{NAME}` where there is a network"


@pytest.fixture(autouse=True)
def cache(monkeypatch, tmp_path):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    tuned = replace(recipe("digits_cnn"), name="tuned", epochs=1, batch=8, weights="hub")
    monkeypatch.setitem(recipes(), "tuned", tuned)
    return tmp_path


@pytest.fixture
def bench(cpu, tmp_path, monkeypatch):
    tasks = Tasks(tmp_path)
    digits = tasks.data("digits", lambda *_told: None)
    few = (Split(images=part.images[:16], labels=part.labels[:16]) for part in (digits.train, digits.test))
    train, test = few
    monkeypatch.setattr(tasks, "data", lambda _name, _progress: Data(train=train, test=test))
    return Bench(device=cpu, tasks=tasks, progress=lambda *_told: None)


def test_training_begins_from_the_hubs_weights_with_a_head_of_each_seeds_own(cache, bench, monkeypatch):
    models, built = [], seed_rounds.new_model
    monkeypatch.setattr(seed_rounds, "new_model", lambda setup, seed: models.append(built(setup, seed)) or models[-1])
    state = timm.create_model(NAME).state_dict()
    path = put_into_cache(cache, NAME, save(state))
    assert obstacle(CASE, bench.device, bench.tasks) == ""
    subject = prepare(CASE, bench)
    heads = []
    for _seed in range(2):
        subject.before_round()
        weights = {name.removeprefix("1."): tensor for name, tensor in models[-1].state_dict().items()}
        heads.append(weights["fc.weight"])
        kept = {name for name, tensor in weights.items() if torch.equal(tensor, state[name])}
        assert state.keys() - kept == {"fc.weight", "fc.bias", "conv1.0.weight"}
        grey = state["conv1.0.weight"].sum(dim=1, keepdim=True)
        torch.testing.assert_close(weights["conv1.0.weight"], grey)
        subject.run()
        subject.after_round()
    assert not torch.equal(*heads)
    said = {key: subject.settings[key] for key in ("weights", "hub", "weights_sha256")}
    assert said == {"weights": "hub", "hub": f"timm/{NAME}", "weights_sha256": path.resolve().name}
    assert subject.outcome().accuracies.shape == (2, 1)


def test_weights_that_are_not_here_are_told_before_and_while_measuring(bench):
    assert obstacle(CASE, bench.device, bench.tasks) == NOT_HERE
    with pytest.raises(MissingData) as caught:
        prepare(CASE, bench)
    assert str(caught.value) == NOT_HERE


def test_a_case_from_random_weights_needs_none(bench):
    assert obstacle(replace(CASE, recipe="digits_cnn"), bench.device, bench.tasks) == ""
