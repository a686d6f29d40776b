"""Predicted peaks: of a small model by hand, of the catalogue's beside what torch's profiler sees on a CPU."""

from dataclasses import replace

import pytest
import torch
from torch import nn
from torch._subclasses.fake_tensor import FakeTensorMode

from vitcnn import MemoryCase
from vitcnn.architectures import architecture
from vitcnn.bench.as_on_cuda import AsOnCuda
from vitcnn.bench.models import forward_subject, step_subject
from vitcnn.bench.predicted_memory import Asked, predicted_peak
from vitcnn.bench.rounds import ONCE
from vitcnn.device.memory import peak_bytes
from vitcnn.errors import NotPredictable
from vitcnn.input_sizes import Takes
from vitcnn.recipes.parts import STEP_OPTIMIZER, Sgd
from vitcnn.spec import Architecture, InputShape
from vitcnn.tasks import real_images

FLOAT_BYTES, BLOCK = 4, 512
BATCH, HIDDEN = 512, 1024


def two_layers(shape):
    pixels = shape.channels * shape.px**2
    return nn.Sequential(nn.Flatten(), nn.Linear(pixels, HIDDEN), nn.ReLU(), nn.Linear(HIDDEN, shape.num_classes))


def needing_numbers(shape):
    class Undecided(nn.Module):
        def __init__(self):
            super().__init__()
            self.layer = nn.Linear(16, 10)

        def forward(self, images):
            values = self.layer(images.flatten(1))
            return values if values.sum() > 0 else -values

    return Undecided()


def asked(builder=two_layers, **options):
    entry = Architecture(name="small", family="other", takes=Takes(step_px=4, at_least_px=4), builder=builder)
    shape = InputShape(px=4, channels=1, num_classes=10)
    return Asked(**{"architecture": entry, "shape": shape, "batch": BATCH, "optimizer": STEP_OPTIMIZER, **options})


def of_catalogue(name, **options):
    settings = {"batch": 16, "optimizer": STEP_OPTIMIZER, **options}
    return predicted_peak(Asked(architecture=architecture(name), shape=real_images.input_shape(28), **settings))


WEIGHTS = (16 * HIDDEN + HIDDEN + HIDDEN * 10) * FLOAT_BYTES + BLOCK
"""The last layer's ten biases take one block."""

ACTIVATION = BATCH * HIDDEN * FLOAT_BYTES


def test_a_step_of_two_layers_by_hand():
    found = predicted_peak(asked())
    assert found.weights == WEIGHTS
    assert found.optimizer == 2 * WEIGHTS + 4 * BLOCK, "two moments, and a count of steps for each of four tensors"
    assert found.inputs == BATCH * (16 * FLOAT_BYTES + 8)
    # the peak is where the backward of ReLU has just made its result
    assert found.gradients == HIDDEN * 10 * FLOAT_BYTES + BLOCK, "those of the last layer"
    assert found.activations == ACTIVATION + 2 * BLOCK, "what ReLU returned, the loss and its gradient"
    assert found.temporary == 2 * ACTIVATION, "the gradients of what ReLU returned and was given"


@pytest.mark.parametrize("momentum, states", [(0.0, 0), (0.9, WEIGHTS)])
def test_sgd_keeps_a_momentum_or_nothing(momentum, states):
    sgd = Sgd(peak_learning_rate=0.1, momentum=momentum, nesterov=False, weight_decay=0.0)
    found = predicted_peak(asked(optimizer=sgd))
    assert (found.weights, found.optimizer) == (WEIGHTS, states)


def test_a_forward_in_inference_has_neither_gradients_nor_activations():
    found = predicted_peak(asked(optimizer=None))
    assert (found.weights, found.gradients, found.optimizer, found.activations) == (WEIGHTS, 0, 0, 0)
    assert found.temporary == 2 * ACTIVATION, "ReLU's input and output"


def test_weights_and_images_of_bf16_inference_are_half_as_large():
    full, half = (predicted_peak(asked(optimizer=None, precision=precision)) for precision in ("fp32", "bf16"))
    assert 2 * (half.weights - BLOCK) == full.weights - BLOCK
    assert (2 * half.inputs, 2 * half.temporary) == (full.inputs, full.temporary)


def test_of_a_head_alone_the_frozen_rest_keeps_nothing():
    found, whole = (of_catalogue("vit_micro", adaptation=how) for how in ("head", "full"))
    assert found.weights == whole.weights
    assert found.optimizer < 0.05 * whole.optimizer
    assert found.activations < 0.05 * whole.activations


@pytest.mark.parametrize("name", ["vit_micro", "study_e_cnn", "lenet"])
@pytest.mark.parametrize("phase", ["training", "inference"])
def test_the_prediction_for_a_cpu_is_what_the_profiler_sees(cpu, name, phase):
    subject_of, optimizer = {"training": (step_subject, STEP_OPTIMIZER), "inference": (forward_subject, None)}[phase]
    found = of_catalogue(name, batch=32, optimizer=optimizer, kind="cpu")
    subject = subject_of(MemoryCase(architecture=name, px=28, batch=32, phase=phase), cpu, ONCE)
    subject.run()
    before = found.weights + found.optimizer + found.inputs
    assert found.total == pytest.approx(before + peak_bytes(cpu, subject.run), rel=0.05)


def test_the_same_is_predicted_again_and_with_the_layout_of_the_other_family():
    first = of_catalogue("vit_micro")
    predicted_peak.cache_clear()
    assert of_catalogue("vit_micro") == first == of_catalogue("vit_micro", channels_last=False)


def test_without_fused_attention_each_block_keeps_its_matrix_of_weights():
    fused, plain = of_catalogue("vit_micro"), of_catalogue("vit_micro", fused_attention=False)
    assert plain.activations > 1.04 * fused.activations, "49 patches of 4 px"


def test_checkpointing_keeps_less():
    assert of_catalogue("vit_tiny", checkpointing=True).activations < 0.3 * of_catalogue("vit_tiny").activations


def test_a_model_without_checkpointing_says_so():
    with pytest.raises(NotPredictable, match=r"small has no activation checkpointing \(set_grad_checkpointing"):
        predicted_peak(asked(checkpointing=True))


def test_a_part_that_a_model_compiles_itself_is_predicted_as_it_is_written():
    """Compiled code asks fake tensors for the numbers that they do not have, and may crash."""

    def compiling(shape):
        layers = two_layers(shape)
        layers[1].forward = torch.compile(layers[1].forward)
        return layers

    assert predicted_peak(asked(compiling)) == predicted_peak(asked())


def test_a_model_that_needs_numbers_cannot_be_predicted():
    with pytest.raises(
        NotPredictable, match="the memory of small cannot be predicted: what it does depends on the numbers"
    ):
        predicted_peak(asked(needing_numbers))


def test_its_case_is_measured_without_the_prediction(cpu, monkeypatch):
    def refuse(_asked):
        raise NotPredictable("no numbers")

    monkeypatch.setattr("vitcnn.bench.models.predicted_peak", refuse)
    subject = step_subject(MemoryCase(architecture="lenet", px=28, batch=2, phase="training"), cpu, ONCE)
    assert subject.predicted() is None
    assert step_subject(replace(subject.case, mode="compiled"), cpu, ONCE).predicted is None


def test_autocast_leaves_layer_norm_in_fp32_as_on_cuda_and_linear_in_bf16():
    with FakeTensorMode(), AsOnCuda(), torch.autocast("cpu", torch.bfloat16):
        values = nn.Linear(8, 8)(torch.rand(2, 8))
        assert values.dtype is torch.bfloat16
        assert nn.LayerNorm(8)(values).dtype is torch.float32
        assert values.softmax(-1).dtype is torch.float32
        assert nn.functional.gelu(values).dtype is torch.bfloat16


@pytest.mark.parametrize("dtype, masked, lanes", [(torch.bfloat16, False, 50), (torch.float32, False, 64)])
def test_fused_attention_keeps_a_number_for_each_query(dtype, masked, lanes):
    """Memory-efficient attention rounds the queries up to a multiple of 32."""
    kept = []

    def pack(tensor):
        kept.append(tuple(tensor.shape))
        return tensor

    with FakeTensorMode(), AsOnCuda(), torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        query = torch.rand(2, 3, 50, 64, dtype=dtype, requires_grad=True)
        nn.functional.scaled_dot_product_attention(query, query, query)
    assert (2, 3, lanes) in kept
    assert (2, 3, 50, 50) not in kept


def test_a_mask_of_odd_rows_is_kept_with_rows_of_eight():
    with FakeTensorMode(), AsOnCuda():
        query = torch.rand(2, 3, 49, 32, requires_grad=True)
        mask = torch.rand(1, 3, 49, 49, requires_grad=True)
        result = nn.functional.scaled_dot_product_attention(query, query, query, attn_mask=mask)
        assert result.shape == (2, 3, 49, 32)
        result.sum().backward()
        assert mask.grad.shape == mask.shape


def test_dropout_keeps_a_mask_of_bytes():
    kept = []
    with FakeTensorMode(), AsOnCuda(), torch.autograd.graph.saved_tensors_hooks(kept.append, lambda _: None):
        nn.functional.dropout(torch.rand(64, requires_grad=True), 0.5)
    assert [tensor.dtype for tensor in kept] == [torch.bool]
