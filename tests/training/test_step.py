import pytest
import torch
from torch import nn

from vitcnn.bench.obstacles import compiler
from vitcnn.training import TrainingStep

SETTINGS = {"layout": torch.contiguous_format, "precision": "fp32", "mode": "eager"}


@pytest.fixture
def model():
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(1, 3, 3), nn.BatchNorm2d(3), nn.Flatten(), nn.Linear(12, 5))


@pytest.fixture
def images():
    return torch.rand(6, 1, 4, 4, generator=torch.Generator().manual_seed(1))


LABELS = torch.tensor([0, 1, 2, 3, 4, 0])


@pytest.mark.parametrize("smoothing", [0.0, 0.2])
def test_loss_is_the_smoothed_cross_entropy_by_hand(cpu, model, images, smoothing):
    logits = model(images).detach()
    step = TrainingStep(
        model, [torch.optim.SGD(model.parameters(), lr=0.1)], device=cpu, label_smoothing=smoothing, **SETTINGS
    )
    log_p = logits.log_softmax(dim=1)
    of_labels = -log_p[range(6), LABELS].mean()
    expected = (1 - smoothing) * of_labels + smoothing * -log_p.mean()
    loss = step(images, LABELS)
    torch.testing.assert_close(loss, expected)
    assert not loss.requires_grad


def test_a_step_is_one_of_the_optimizer_and_leaves_no_gradients(cpu, images):
    model = nn.Sequential(nn.Flatten(), nn.Linear(16, 5))
    before, bias = model[1].weight.detach().clone(), model[1].bias.detach().clone()
    step = TrainingStep(model, [torch.optim.SGD(model.parameters(), lr=0.5)], device=cpu, **SETTINGS)
    flat = images.flatten(1)
    error = (flat @ before.T + bias).softmax(dim=1) - torch.eye(5)[LABELS]
    step(images, LABELS)
    torch.testing.assert_close(model[1].weight.detach(), before - 0.5 * error.T @ flat / 6)
    assert all(parameter.grad is None for parameter in model.parameters())


def test_the_model_trains_in_training_mode(cpu, model, images):
    model.eval()
    before = model[1].running_mean.clone()
    TrainingStep(model, [torch.optim.SGD(model.parameters(), lr=0.1)], device=cpu, **SETTINGS)(images, LABELS)
    assert model.training
    assert not torch.equal(model[1].running_mean, before)


def test_bf16_is_autocast_and_the_weights_stay_fp32(cpu, images):
    model = nn.Sequential(nn.Flatten(), nn.Linear(16, 5))
    seen = []
    model[1].register_forward_hook(lambda _module, _inputs, output: seen.append(output.dtype))
    settings = {**SETTINGS, "precision": "bf16"}
    TrainingStep(model, [torch.optim.SGD(model.parameters(), lr=0.1)], device=cpu, **settings)(images, LABELS)
    assert seen == [torch.bfloat16]
    assert model[1].weight.dtype == torch.float32


def test_shares_of_classes_are_targets_too(cpu, model, images):
    shares = torch.rand(6, 5, generator=torch.Generator().manual_seed(2)).softmax(dim=1)
    logits = model(images).detach()
    expected = -(shares * logits.log_softmax(dim=1)).sum(dim=1).mean()
    step = TrainingStep(model, [torch.optim.SGD(model.parameters(), lr=0.1)], device=cpu, **SETTINGS)
    torch.testing.assert_close(step(images, shares), expected)


@pytest.mark.skipif(not compiler(), reason="torch.compile needs a C++ compiler")
def test_a_compiled_step_is_the_eager_one(cpu, images):
    def losses(mode):
        torch.manual_seed(0)
        model = nn.Sequential(nn.Conv2d(1, 3, 3), nn.Flatten(), nn.Linear(12, 5))
        settings = {**SETTINGS, "mode": mode}
        step = TrainingStep(model, [torch.optim.SGD(model.parameters(), lr=0.1)], device=cpu, **settings)
        return torch.stack([step(images, LABELS) for _ in range(3)])

    torch.testing.assert_close(losses("compiled"), losses("eager"))
    torch.compiler.reset()


def test_what_does_not_train_stays_in_eval_mode_and_its_statistics_stay(cpu, images):
    frozen = nn.Sequential(nn.Conv2d(1, 3, 3), nn.BatchNorm2d(3), nn.Dropout(0.9)).requires_grad_(False)
    model = nn.Sequential(frozen, nn.Sequential(nn.BatchNorm2d(3), nn.Flatten(), nn.Dropout(0.5), nn.Linear(12, 5)))
    step = TrainingStep(model, [torch.optim.SGD(model[1].parameters(), lr=0.1)], device=cpu, **SETTINGS)
    before = {name: tensor.clone() for name, tensor in frozen.state_dict().items()}
    step(images, LABELS)
    assert not any(module.training for module in frozen.modules())
    assert all(module.training for module in model[1].modules())
    assert all(torch.equal(before[name], tensor) for name, tensor in frozen.state_dict().items())
    assert model[1][0].num_batches_tracked == 1
