from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from vitcnn.errors import Diverged
from vitcnn.recipes.parts import AdamW, Affine, Muon, Recipe
from vitcnn.spec import Split
from vitcnn.training import Resident, fit, predict

RECIPE = Recipe(
    name="toy",
    epochs=4,
    batch=16,
    optimizer=AdamW(peak_learning_rate=0.02, weight_decay=0.05, betas=(0.9, 0.99)),
    warmup_share=0.2,
    augmentation=(Affine(translate_px=1),),
    source="here",
)


def at_rate(rate, **changes):
    return replace(RECIPE, optimizer=replace(RECIPE.optimizer, peak_learning_rate=rate), **changes)


SETTINGS = {"layout": torch.contiguous_format, "mode": "eager"}


def bars(count, seed):
    """Return noisy images of a bright bar, which lies at the left, in the middle or at the right: three classes."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 3, count)
    images = rng.integers(0, 100, (count, 1, 9, 9), dtype=np.uint8)
    for image, label in zip(images, labels, strict=True):
        image[0, :, 3 * label : 3 * label + 3] += 120
    return Split(images=images, labels=labels)


@pytest.fixture(scope="module")
def train(cpu):
    return Resident.of(bars(240, seed=0), cpu, num_classes=3)


@pytest.fixture(scope="module")
def held_out(cpu):
    return Resident.of(bars(120, seed=1), cpu, num_classes=3)


def new_model(*, batch_norm=False):
    torch.manual_seed(0)
    norm = [nn.BatchNorm2d(4)] if batch_norm else []
    return nn.Sequential(nn.Conv2d(1, 4, 3), *norm, nn.ReLU(), nn.Flatten(), nn.Linear(196, 3))


def trained(train, cpu, *, recipe=RECIPE, seed=0, precision="fp32", model=None, **more):
    model = model or new_model()
    return model, fit(model, train, recipe=recipe, device=cpu, precision=precision, seed=seed, **SETTINGS, **more)


def probabilities(model, split, precision="fp32"):
    return predict(model, split, precision=precision, layout=torch.contiguous_format)


def same_weights(one, other):
    pairs = zip(one.state_dict().values(), other.state_dict().values(), strict=True)
    return all(torch.equal(ours, theirs) for ours, theirs in pairs)


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_training_learns(train, held_out, cpu, precision):
    model, history = trained(train, cpu, precision=precision)
    share = (probabilities(model, held_out, precision).argmax(dim=1) == held_out.labels).double().mean()
    assert share > 0.9, "chance is a third"
    assert history.losses[-1] < history.losses[0] / 2
    assert next(model.parameters()).dtype == torch.float32


def test_the_same_seed_gives_the_same_weights_and_losses(train, cpu):
    (one, history), (other, again) = trained(train, cpu), trained(train, cpu)
    assert same_weights(one, other)
    assert replace(history, epoch_ends_s=()) == replace(again, epoch_ends_s=())


def test_another_seed_gives_other_weights(train, cpu):
    (one, history), (other, others) = trained(train, cpu, seed=0), trained(train, cpu, seed=1)
    assert not same_weights(one, other)
    assert history.losses != others.losses


def test_the_global_random_state_plays_no_part(train, cpu):
    one, _ = trained(train, cpu)
    model = new_model()
    torch.manual_seed(99)
    other, _ = trained(train, cpu, model=model)
    assert same_weights(one, other)


def test_history_has_an_entry_for_each_epoch_and_the_rate_it_ended_with(train, cpu):
    told = []
    _, history = trained(train, cpu, after_epoch=lambda epoch, loss: told.append((epoch, loss)))
    assert told == list(enumerate(history.losses, start=1))
    # 15 steps an epoch, 60 in all, 12 of which warm up: the cosine is at 2/48, 17/48, 32/48 and 47/48 of its way
    ways = np.array([2, 17, 32, 47]) / 48
    np.testing.assert_allclose(history.learning_rates, 0.02 * 0.5 * (1 + np.cos(np.pi * ways)), rtol=1e-9)


def test_loss_of_the_first_epoch_is_the_mean_of_its_steps(train, cpu):
    slow = at_rate(1e-12, epochs=1, augmentation=(), batch=240)
    model = new_model()
    with torch.no_grad():
        expected = nn.functional.cross_entropy(model(next(train.in_order(240))), train.labels)
    _, history = trained(train, cpu, recipe=slow, model=model)
    assert history.losses == pytest.approx((expected.item(),), rel=1e-5)


def test_frozen_parameters_stay_as_they_were_and_the_others_train(train, cpu):
    model = new_model()
    model[0].requires_grad_(False)
    before = {name: parameter.detach().clone() for name, parameter in model.named_parameters()}
    trained(train, cpu, model=model)
    changed = {name for name, parameter in model.named_parameters() if not torch.equal(parameter, before[name])}
    assert changed == {"3.weight", "3.bias"}


@pytest.mark.parametrize("seed", [0, 5])
def test_an_absurd_learning_rate_diverges_and_says_where(train, cpu, seed):
    with pytest.raises(Diverged) as caught:
        trained(train, cpu, recipe=at_rate(1e30), seed=seed)
    message = str(caught.value)
    assert message.startswith("the mean loss of epoch 1 of 4 was ")
    assert f"(seed {seed}, recipe toy)" in message
    assert "lower its peak_learning_rate (1e+30)" in message


def test_epochs_end_one_after_the_other(train, cpu):
    _, history = trained(train, cpu)
    assert len(history.epoch_ends_s) == RECIPE.epochs
    assert history.epoch_ends_s[0] > 0
    assert list(history.epoch_ends_s) == sorted(set(history.epoch_ends_s))


def test_kept_weights_are_those_of_their_epoch(train, cpu):
    model, history = trained(train, cpu, keep=(2, 4))
    assert list(history.snapshots) == [2, 4]
    last = new_model()
    last.load_state_dict(history.snapshots[4])
    assert same_weights(last, model)
    second = new_model()
    second.load_state_dict(history.snapshots[2])
    assert not same_weights(second, model)


def test_keeping_weights_changes_nothing(train, cpu):
    (one, _), (other, _) = trained(train, cpu), trained(train, cpu, keep=(1, 2, 3))
    assert same_weights(one, other)


class Brightness(nn.Linear):
    """A layer that learns the mean of the images before training."""

    def initialize_from(self, images):
        self.seen = images
        with torch.no_grad():
            self.bias.fill_(images.mean())


def test_layers_initialised_from_images_see_the_first_ones_normalised_before_training(train, cpu):
    brightness = Brightness(3, 3).requires_grad_(False)
    model = nn.Sequential(new_model(), brightness)
    trained(train, cpu, model=model)
    expected = train.images.double() / 127.5 - 1
    torch.testing.assert_close(brightness.seen.double(), expected, atol=1e-6, rtol=0)
    assert brightness.bias[0].item() == pytest.approx(expected.mean().item(), abs=1e-6)


def test_muon_trains(train, held_out, cpu):
    rest = AdamW(peak_learning_rate=0.01, weight_decay=0.0)
    recipe = replace(RECIPE, optimizer=Muon(peak_learning_rate=0.05, momentum=0.9, rest=rest))
    model = nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU(), nn.Conv2d(4, 4, 3), nn.Flatten(), nn.Linear(100, 3))
    before = model[2].weight.detach().clone()
    trained(train, cpu, recipe=recipe, model=model)
    share = (probabilities(model, held_out).argmax(dim=1) == held_out.labels).double().mean()
    assert share > 0.9, "chance is a third"
    assert not torch.equal(model[2].weight, before)
