import numpy as np
import pytest
import torch
from torch import nn

from vitcnn.training.muon import OrthogonalMomentum, iterated, iterated_on_gram, matrix_shape, orthogonal

SETTINGS = {"lr": 0.1, "momentum": 0.9, "nesterov": True, "num_steps": 5, "keep_norm": False, "weight_decay": 0.0}


def drawn(*shape, seed=0):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def weight(*shape, seed=0):
    made = nn.Parameter(drawn(*shape, seed=seed))
    made.grad = drawn(*shape, seed=seed + 100)
    return made


def stepped(weights, **changes):
    before = [each.detach().clone() for each in weights]
    OrthogonalMomentum(weights, **{**SETTINGS, **changes}).step()
    return [each.detach() - was for each, was in zip(weights, before, strict=True)]


@pytest.mark.parametrize("rows, columns", [(8, 30), (30, 8), (12, 12)])
def test_singular_values_come_near_one_and_singular_vectors_stay(rows, columns):
    """The oracle is NumPy's SVD; the polynomial leaves values of 0.7 to 1.2 (Jordan et al.)."""
    matrix = drawn(1, rows, columns)
    result = orthogonal(matrix, 5)[0].double().numpy()
    left, values, right = np.linalg.svd(matrix[0].double().numpy(), full_matrices=False)
    in_their_bases = left.T @ result @ right.T
    kept = np.diag(in_their_bases)
    assert kept.min() > 0.65
    assert kept.max() < 1.25
    np.testing.assert_allclose(in_their_bases - np.diag(kept), 0, atol=1e-4)
    assert values.max() / values.min() > 1.5, "else there was nothing to do"


def test_size_of_the_gradient_does_not_matter():
    matrix = drawn(1, 6, 9)
    torch.testing.assert_close(orthogonal(1e-3 * matrix, 3), orthogonal(matrix, 3))


def test_nothing_to_orthogonalise_is_no_step():
    assert torch.equal(orthogonal(torch.zeros(2, 3, 4), 5), torch.zeros(2, 3, 4))


@pytest.mark.parametrize("nesterov", [True, False])
@pytest.mark.parametrize("rows, columns", [(8, 30), (30, 8)])
def test_steps_are_those_of_torchs_muon(rows, columns, nesterov):
    """Over four steps with weight decay; torch iterates in bf16, so that its steps are right to a few percent."""
    ours, theirs = nn.Parameter(drawn(rows, columns)), nn.Parameter(drawn(rows, columns))
    settings = {"lr": 0.1, "momentum": 0.9, "nesterov": nesterov, "weight_decay": 0.2}
    optimizers = [
        OrthogonalMomentum([ours], **settings, num_steps=5, keep_norm=False),
        torch.optim.Muon([theirs], **settings, ns_steps=5),
    ]
    for seed in range(4):
        for parameter, optimizer in zip((ours, theirs), optimizers, strict=True):
            parameter.grad = drawn(rows, columns, seed=10 + seed)
            optimizer.step()
    moved = (theirs - drawn(rows, columns)).norm()
    assert (ours - theirs).norm() < 0.02 * moved


def test_a_filter_bank_steps_as_the_matrix_of_its_filters():
    bank = weight(6, 4, 3, 3)
    matrix = nn.Parameter(bank.detach().flatten(1).clone())
    matrix.grad = bank.grad.flatten(1)
    (of_bank,), (of_matrix,) = stepped([bank]), stepped([matrix])
    torch.testing.assert_close(of_bank.flatten(1), of_matrix)


def test_a_filter_bank_in_channels_last_steps_alike():
    plain, last = weight(6, 4, 3, 3), weight(6, 4, 3, 3)
    last.data = last.data.to(memory_format=torch.channels_last)
    last.grad = last.grad.to(memory_format=torch.channels_last)
    torch.testing.assert_close(stepped([plain])[0], stepped([last])[0])
    assert last.is_contiguous(memory_format=torch.channels_last)


def test_weights_of_one_shape_step_together_as_each_alone():
    shapes = [(6, 8), (4, 6), (6, 8), (6, 2, 2, 2)]
    together = stepped([weight(*shape, seed=seed) for seed, shape in enumerate(shapes)])
    alone = [stepped([weight(*shape, seed=seed)])[0] for seed, shape in enumerate(shapes)]
    assert len({matrix_shape(weight(*shape)) for shape in shapes}) == 2
    for one, other in zip(together, alone, strict=True):
        torch.testing.assert_close(one, other)


def test_kept_norm_is_the_root_of_the_outputs_before_the_step():
    bank = weight(9, 4, 3, 3)
    expected = bank.detach() / bank.detach().norm() * 3
    OrthogonalMomentum([bank], **{**SETTINGS, "keep_norm": True, "lr": 0.0}).step()
    torch.testing.assert_close(bank.detach(), expected)


def test_kept_norm_leaves_the_step_unscaled():
    tall = weight(40, 10)
    kept = tall.detach() / tall.detach().norm() * 40**0.5
    OrthogonalMomentum([tall], **{**SETTINGS, "keep_norm": True}).step()
    (scaled,) = stepped([weight(40, 10)])
    torch.testing.assert_close(tall.detach() - kept, scaled / 2)  # sqrt(40 / 10) = 2


def test_a_weight_without_gradient_stays():
    left_out, stepping = nn.Parameter(drawn(3, 4)), weight(3, 4)
    changes = stepped([left_out, stepping])
    assert [change.any().item() for change in changes] == [False, True]


@pytest.mark.parametrize("rows, columns", [(16, 64), (32, 512), (128, 2048)])
def test_steps_on_the_gram_matrix_are_those_on_the_matrix(rows, columns):
    generator = torch.Generator().manual_seed(0)
    matrices = torch.randn((3, rows, columns), generator=generator)
    matrices[1] = matrices[1, :, :1] @ matrices[1, :1] + 1e-3 * matrices[1]  # one large value, all others small
    wide = matrices / matrices.norm(dim=(1, 2), keepdim=True)
    exact = iterated(wide.double(), 5)
    assert (iterated_on_gram(wide, 5).double() - exact).norm() < 1e-3 * exact.norm()
    assert torch.equal(orthogonal(matrices, 5), iterated_on_gram(wide.clone(), 5))
