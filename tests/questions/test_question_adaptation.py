"""Adapting a pretrained model from start to end, on digits, from weights that are made here in a second."""

from dataclasses import replace

import pytest
import torch
from safetensors.torch import load_file

from vitcnn import AdaptationCase
from vitcnn.architectures import architecture
from vitcnn.bench import Bench, pretraining, seed_rounds
from vitcnn.bench.seeds import new_model
from vitcnn.bench.setup import setup_of
from vitcnn.bench.weights import made_here
from vitcnn.errors import UserError
from vitcnn.measuring.alone import measured
from vitcnn.questions import prepared
from vitcnn.recipes import recipe, recipes
from vitcnn.recipes.parts import Mix
from vitcnn.record.digits import in_few_digits
from vitcnn.tasks import Tasks

FROM_DIGITS = "transfer_head_cnn,weights=digits"
CASE = AdaptationCase(architecture="lenet", task="digits", recipe=FROM_DIGITS, adaptation="head", num_seeds=2)


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    """A data root that keeps the weights that are made for this module's tests."""
    return tmp_path_factory.mktemp("root")


@pytest.fixture(scope="module")
def bench(cpu, root):
    return Bench(device=cpu, tasks=Tasks(root), progress=lambda *_told: None)


@pytest.fixture(scope="module")
def record(bench):
    """The record of CASE, measured once."""
    return measured(CASE, bench)


@pytest.mark.parametrize(
    "changes, case_id",
    [
        ({"adaptation": "full"}, "adaptation/lenet/digits/R/s2/fp32/eager"),
        ({}, "adaptation/lenet/digits/R/s2/head/fp32/eager"),
        ({"num_seeds": 3, "num_train": 100}, "adaptation/lenet/digits/R/head/n100/fp32/eager"),
        ({"adaptation": "lora4_conv_alpha4"}, "adaptation/lenet/digits/R/s2/lora4_conv_alpha4/fp32/eager"),
    ],
)
def test_the_id_names_the_adaptation_but_where_all_trains(changes, case_id):
    assert str(replace(CASE, recipe="R", **changes)) == case_id


@pytest.mark.parametrize(
    "changes, said",
    [
        ({"adaptation": "lora"}, "adaptation: 'lora' cannot be used. Allowed: full, head, head_viewsK"),
        (
            {"adaptation": "lora16_qv_alpha32"},
            "cannot be used. Allowed: lora16_qv. Write lora16_qv: each adaptation has one name.",
        ),
        ({"num_train": 0}, "num_train: 0 cannot be used"),
    ],
)
def test_what_a_case_cannot_be_is_one_error(changes, said):
    with pytest.raises(UserError) as caught:
        replace(CASE, **changes)
    assert said in str(caught.value)


def test_a_head_alone_learns_digits_on_features_of_digits_and_less_on_random_ones(bench, root, record):
    transferred = record
    at_random = measured(replace(CASE, recipe="transfer_head_cnn,weights=random"), bench)
    assert min(transferred.samples("test_accuracy")) > max(at_random.samples("test_accuracy")) + 0.05
    assert transferred.settings["num_trainable"] == 84 * 10 + 10
    assert transferred.settings["adaptation"] == "head"
    assert at_random.settings["weights"] == "random"
    assert len(list((root / "weights").glob("*.safetensors"))) == 1
    assert transferred.settings["weights"] == "digits"
    assert transferred.settings["weights_made_as"]
    assert 0.5 < transferred.settings["pretraining"]["test_accuracy"] < 1
    assert str(root) not in transferred.to_json(), "where weights lie is of no meaning to others"


def test_the_learning_curve_and_the_times_are_of_each_epoch(record):
    [curve] = [series.values for series in record.series if series.name == "test_accuracy"]
    assert [len(seed) for seed in curve] == [20, 20]
    [times] = [series.values for series in record.series if series.name == "training_time_s"]
    assert all(list(seed) == sorted(seed) for seed in times)
    assert [seed[-1] for seed in curve] == pytest.approx(list(record.samples("test_accuracy")), rel=1e-6)
    assert in_few_digits(record) == record


@pytest.mark.parametrize("num_train", [None, 50])
def test_a_record_keeps_the_roc_curve_of_each_seed(bench, record, num_train):
    kept = record if num_train is None else measured(replace(CASE, num_train=num_train), bench)
    series = {series.name: series.values for series in kept.series}
    assert [len(seed) for seed in series["roc_curve"]] == [len(series["false_positive_rate"])] * 2
    assert all(list(seed) == sorted(seed) and 0 <= seed[0] < seed[-1] == 1 for seed in series["roc_curve"])


def test_weights_that_are_kept_are_not_made_again(bench, monkeypatch):
    setup_of(CASE, bench)
    monkeypatch.setattr(pretraining, "fit", None)
    setup = setup_of(replace(CASE, adaptation="lora4_conv"), bench)
    made = load_file(next((bench.tasks.data_root / "weights").glob("*.safetensors")))
    state = new_model(setup, 0).state_dict()
    for name in ("0.weight", "3.weight", "7.bias", "9.weight"):
        base = name.replace(".weight", ".base_layer.weight").replace(".bias", ".base_layer.bias")
        assert torch.equal(state[base], made[name])
    assert not torch.equal(state["11.weight"], made["11.weight"]), "the head is a seed's own"


def test_seeds_differ_in_the_head_alone_and_in_what_lora_draws(bench):
    setup = setup_of(replace(CASE, adaptation="lora4_conv"), bench)
    one, other = (new_model(setup, seed).state_dict() for seed in (0, 1))
    differing = {name for name in one if not torch.equal(one[name], other[name])}
    assert differing == {"11.weight", "11.bias", *(name for name in one if "lora_A" in name)}


def test_few_images_are_each_seeds_own(bench, monkeypatch):
    seen, train_seed = {}, seed_rounds.train_seed

    def look(setup, model, train, seed, **settings):
        seen[seed, len(train)] = train.labels.tolist()
        return train_seed(setup, model, train, seed, **settings)

    monkeypatch.setattr(seed_rounds, "train_seed", look)
    record = measured(replace(CASE, num_train=50), bench)
    assert seen[0, 50] != seen[1, 50]
    assert record.settings["num_train_images"] == 50


def test_targets_that_a_model_does_not_have_are_refused_before_weights_are_made(bench, monkeypatch):
    monkeypatch.setattr(pretraining, "fit", None)
    case = replace(CASE, adaptation="lora4_qv", recipe="transfer_lora_cnn,weights=glyphs62")
    with pytest.raises(UserError, match="targets of LoRA: 'qv' cannot be used"):
        prepared(case, bench)


def test_a_rank_above_all_layers_is_refused_with_the_widest_ones_name(bench):
    said = r"rank of LoRA: 200 cannot be used. Allowed: 1 to 120. An update of its widest layer, 7, has a rank of 120"
    with pytest.raises(UserError, match=said):
        prepared(replace(CASE, adaptation="lora200_conv"), bench)


@pytest.mark.parametrize("changes", [{"augmentation": (Mix(),)}, {"test_time": "flip"}])
def test_a_head_cannot_train_on_mixed_or_mirrored_features(bench, monkeypatch, changes):
    monkeypatch.setitem(recipes(), "mixed", replace(recipe("transfer_head_cnn"), name="mixed", **changes))
    with pytest.raises(UserError, match="recipe: 'mixed' cannot be used"):
        prepared(replace(CASE, recipe="mixed"), bench)


def test_weights_made_for_other_images_are_refused(bench):
    with pytest.raises(UserError, match="weights: 'digits' cannot be used"):
        made_here(architecture("lenet"), "digits", bench.tasks.task("shapes"), bench)


def test_a_size_that_a_model_does_not_work_at_is_refused(bench):
    case = replace(CASE, architecture="vit_tiny", recipe="transfer_full_vit,model_px=3", adaptation="full")
    with pytest.raises(UserError, match="model_px of transfer_full_vit,model_px=3: 3 cannot be used"):
        prepared(case, bench)
