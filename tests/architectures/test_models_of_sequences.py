from functools import reduce

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F

from vitcnn.architectures import architecture, architectures
from vitcnn.architectures.layers import places as places_module
from vitcnn.architectures.layers.anchors import logit_of_any
from vitcnn.architectures.layers.attention import CrossAttention, attend
from vitcnn.errors import UserError
from vitcnn.images import NO_IMAGE
from vitcnn.spec import InputShape
from vitcnn.training.objectives import PRESENCE, SUM

ENTRIES = [entry for entry in architectures().values() if entry.sizes.kind != "image"]
CORRECTED = [entry for entry in ENTRIES if not entry.name.endswith("_published")]
SETS = [entry for entry in CORRECTED if entry.any_length]
LARGEST = {"sequence of images": 90.0, "anchor and sequence of images": 1.0}
"""What a change of an answer is compared with."""


def of(entries):
    return pytest.mark.parametrize("entry", entries, ids=lambda entry: entry.name)


def built(entry, seed=0):
    torch.manual_seed(seed)
    return entry.build(entry.published.shape).eval()


def is_anchored(entry):
    return entry.sizes.kind.startswith("anchor")


def some(entry, lengths=(1, 3, 10, 7), places=10, seed=1):
    """Return sequences of images of noise, with an anchor in front where the entry takes one."""
    first = int(is_anchored(entry))
    generator = torch.Generator().manual_seed(seed)
    images = torch.rand((len(lengths), first + places, 1, 28, 28), generator=generator) * 2 - 1
    for row, length in enumerate(lengths):
        images[row, first + length :] = NO_IMAGE
    return images


@pytest.fixture(params=[True, False], ids=["images", "all_places"])
def way(request, monkeypatch):
    """Work on the images alone, as on a CPU, or on all places, as elsewhere."""
    monkeypatch.setattr(places_module, "skips_empty_places", lambda _: request.param)


def answers(entry, sequences, seed=0):
    with torch.no_grad():
        return built(entry, seed)(sequences)[:, 0] / LARGEST[entry.sizes.kind]


def assert_same(one, other):
    torch.testing.assert_close(one, other, rtol=0, atol=1e-5)


@pytest.mark.parametrize(
    "name, parameters",
    [
        ("sum_transformer_published", 735_117),
        ("sum_fc_published", 306_061),
        ("anchor_transformer_published", 208_141),
        ("anchor_fc_published", 322_445),
        ("sum_transformer", 735_117),
        ("anchor_transformer", 208_141),
    ],
)
def test_parameters_are_the_studys(name, parameters):
    assert sum(parameter.numel() for parameter in built(architecture(name)).parameters()) == parameters


def test_the_patch_level_vits_have_as_many_parameters_as_the_transformers():
    for task in ("sum", "anchor"):
        one, other = (architecture(f"{task}_{name}").published.parameters for name in ("patch_vit", "transformer"))
        assert one == pytest.approx(other, rel=0.003)


def torchs_encoder(images, encoder):
    """Study E's encoder, written with torch's functions: (images, 1, 28, 28) -> (images, 128)."""
    convolutions = [layer for layer in encoder if isinstance(layer, nn.Conv2d)]
    assert [tuple(layer.weight.shape) for layer in convolutions] == [(6, 1, 5, 5), (16, 6, 5, 5)]
    first, second = convolutions
    maps = F.max_pool2d(F.relu(F.conv2d(images, first.weight, first.bias)), 2)
    maps = F.relu(F.conv2d(maps, second.weight, second.bias))
    return F.linear(maps.flatten(1), encoder[-1].weight, encoder[-1].bias)


def test_the_published_sum_transformer_is_torchs_own_layer_on_grey_padding():
    entry = architecture("sum_transformer_published")
    model, sequences = built(entry), some(entry)
    layer = nn.TransformerEncoderLayer(128, 4, 2048, dropout=0.0, batch_first=True).eval()
    pairs = {
        "self_attn.in_proj_": model.layer.attention.qkv,
        "self_attn.out_proj.": model.layer.attention.proj,
        "linear1.": model.layer.mlp[0],
        "linear2.": model.layer.mlp[2],
        "norm1.": model.layer.norm_attention,
        "norm2.": model.layer.norm_mlp,
    }
    layer.load_state_dict({f"{n}{k}": v for n, module in pairs.items() for k, v in module.state_dict().items()})
    with torch.no_grad():
        grey = torch.where(sequences == NO_IMAGE, 0.0, sequences)
        tokens = layer(torchs_encoder(grey.flatten(0, 1), model.encoder).view(4, 10, 128))
        expected = (model.head(tokens.mean(dim=1)) + 0.5) * 90
        torch.testing.assert_close(model(sequences), expected, rtol=0, atol=1e-4)


def torchs_attention(ours):
    """Return torch's attention with the weights of ours."""
    theirs = nn.MultiheadAttention(128, 4, batch_first=True, add_zero_attn=ours.has_way_out)
    state = {
        "in_proj_weight": torch.cat((ours.q.weight, ours.kv.weight)),
        "in_proj_bias": torch.cat((ours.q.bias, ours.kv.bias)),
        "out_proj.weight": ours.proj.weight,
        "out_proj.bias": ours.proj.bias,
    }
    theirs.load_state_dict(state)
    return theirs


@pytest.mark.parametrize("name, masked", [("anchor_transformer_published", False), ("anchor_transformer", True)])
def test_attention_of_the_anchor_is_torchs_own(name, masked):
    entry = architecture(name)
    model, sequences = built(entry), some(entry)
    with torch.no_grad():
        grey = torch.where(sequences == NO_IMAGE, 0.0, sequences)
        tokens = torchs_encoder(grey.flatten(0, 1), model.encoder).view(4, 11, 128)
        padding = sequences[:, 1:, 0, 0, 0] == NO_IMAGE if masked else None
        found, _ = torchs_attention(model.matching.attention)(
            tokens[:, :1], tokens[:, 1:], tokens[:, 1:], key_padding_mask=padding
        )
        torch.testing.assert_close(model(sequences), model.head(found[:, 0]), rtol=0, atol=1e-5)


@of([entry for entry in ENTRIES if entry.name.endswith("fc_published")])
def test_the_published_fully_connected_model_has_all_vectors_side_by_side(entry):
    model, sequences = built(entry), some(entry)
    with torch.no_grad():
        grey = torch.where(sequences == NO_IMAGE, 0.0, sequences)
        answer = model.head(torchs_encoder(grey.flatten(0, 1), model.encoder).view(4, -1))
        expected = answer if is_anchored(entry) else (answer + 0.5) * 90
        torch.testing.assert_close(model(sequences), expected, rtol=0, atol=1e-4)


@pytest.mark.usefixtures("way")
@of(SETS)
def test_the_order_of_the_images_does_not_matter(entry):
    sequences, first = some(entry), int(is_anchored(entry))
    shuffled = sequences.clone()
    for row, length in enumerate((1, 3, 10, 7)):
        shuffled[row, first : first + length] = sequences[row, first : first + length].flip(0)
    assert_same(answers(entry, shuffled), answers(entry, sequences))


@pytest.mark.usefixtures("way")
@of(SETS)
def test_more_empty_places_do_not_matter(entry):
    sequences = some(entry)
    longer = F.pad(sequences, (0, 0, 0, 0, 0, 0, 0, 10), value=NO_IMAGE)
    assert_same(answers(entry, longer), answers(entry, sequences))


@pytest.mark.usefixtures("way")
@of([entry for entry in ENTRIES if entry.name.endswith("r_published")])
def test_the_answer_of_the_published_transformer_depends_on_its_padding(entry):
    sequences = some(entry)
    longer = F.pad(sequences, (0, 0, 0, 0, 0, 0, 0, 10), value=NO_IMAGE)
    assert (answers(entry, longer) - answers(entry, sequences)).abs().max() > 1e-4


@of(ENTRIES)
def test_working_on_the_images_alone_changes_no_number(entry, monkeypatch):
    sequences = some(entry)
    found = answers(entry, sequences)
    monkeypatch.setattr(places_module, "skips_empty_places", lambda _: False)
    assert_same(answers(entry, sequences), found)


@of(CORRECTED)
def test_a_cpu_encodes_images_alone_and_other_devices_all_places(entry, monkeypatch):
    counts = []
    model, sequences = built(entry), some(entry)
    first = next(layer for layer in model.modules() if isinstance(layer, nn.Conv2d))
    first.register_forward_pre_hook(lambda _module, inputs: counts.append(len(inputs[0])))
    with torch.no_grad():
        model(sequences)
        monkeypatch.setattr(places_module, "skips_empty_places", lambda _: False)
        model(sequences)
    anchors = 4 if is_anchored(entry) else 0
    assert counts == [1 + 3 + 10 + 7 + anchors, 40 + anchors]


@of([entry for entry in CORRECTED if not entry.any_length])
def test_fully_connected_models_see_zeros_at_empty_places(entry):
    model, sequences = built(entry), some(entry)
    with torch.no_grad():
        vectors = torchs_encoder(sequences.flatten(0, 1), model.encoder).view(*sequences.shape[:2], 128)
        vectors[sequences[:, :, 0, 0, 0] == NO_IMAGE] = 0.0
        answer = model.head(vectors.flatten(1))
        torch.testing.assert_close(model(sequences), answer if is_anchored(entry) else (answer + 0.5) * 90)


@pytest.mark.parametrize(
    "name", ["sum_transformer", "sum_transformer_pooled", "sum_attention", "sum_vit", "sum_patch_vit"]
)
def test_two_equal_images_are_not_seven_where_images_are_summed(name):
    entry = architecture(name)
    found = answers(entry, equal_images(2, 7))
    assert (found[0] - found[1]).abs() > 1e-3


def test_two_equal_images_are_seven_to_the_masked_mean():
    found = answers(architecture("sum_transformer_mean"), equal_images(2, 7))
    assert_same(found[0], found[1])


def equal_images(*counts):
    """Return sequences that repeat one image, each as often as `counts` says."""
    sequences = torch.rand((1, 28, 28), generator=torch.Generator().manual_seed(2)).repeat(len(counts), 10, 1, 1, 1)
    for row, count in enumerate(counts):
        sequences[row, count:] = NO_IMAGE
    return sequences


@pytest.mark.parametrize("name, tells", [("anchor_transformer_masked", False), ("anchor_transformer", True)])
def test_of_one_image_attention_can_say_nothing_about_the_anchor_without_a_way_out(name, tells):
    entry = architecture(name)
    sequences = some(entry, lengths=(1, 1))
    sequences[1, 1:] = sequences[0, 1:]
    found = answers(entry, sequences)
    assert ((found[0] - found[1]).abs() > 1e-5) == tells


def test_the_sum_of_numbers_is_that_of_the_nearest_digits_when_asked():
    entry = architecture("sum_of_numbers")
    model, sequences = built(entry), some(entry)
    with torch.no_grad():
        model.head[-1].weight.mul_(20)  # so that the images' digits differ, and some lie beyond 0 and 9
        for row, length in enumerate((1, 3, 10, 7)):
            vectors = torchs_encoder(sequences[row, :length], model.encoder).double().relu()
            digits = ((model.head.double()[1:](vectors) + 0.5) * 9)[:, 0].tolist()
            model.head.float()
            asked = sequences[row : row + 1]
            assert model.train()(asked).item() == pytest.approx(sum(digits), rel=1e-4, abs=1e-4)
            assert model.eval()(asked).item() == sum(min(9, max(0, round(digit))) for digit in digits)
    assert min(digits) < 0 or max(digits) > 9


def test_the_sum_of_digits_trains_on_the_probability_of_each_sum_and_answers_with_the_likeliest_digits():
    """The oracle is NumPy's convolution of the probabilities of the digits."""
    entry = architecture("sum_of_digits")
    model, sequences = built(entry), some(entry)
    with torch.no_grad():
        for row, length in enumerate((1, 3, 10, 7)):
            shares = model.head(torchs_encoder(sequences[row, :length], model.encoder)).double().softmax(dim=1).numpy()
            expected = reduce(np.convolve, shares)
            asked = sequences[row : row + 1]
            found = model.train()(asked)[0].double().exp().numpy()
            assert found.shape == (91,)
            np.testing.assert_allclose(found[: len(expected)], expected, rtol=1e-4, atol=1e-9)
            assert found[len(expected) :].max(initial=0) < 1e-9
            assert model.eval()(asked).item() == shares.argmax(axis=1).sum()


def test_the_matching_of_the_anchor_by_hand():
    entry = architecture("anchor_matching")
    model, sequences = built(entry), some(entry)
    with torch.no_grad():
        for row, length in enumerate((1, 3, 10, 7)):
            logits = model.head(torchs_encoder(sequences[row, : 1 + length], model.encoder)).double()
            anchor, *others = logits.softmax(dim=1).tolist()
            none = 1.0
            for other in others:
                none *= 1 - sum(one * two for one, two in zip(anchor, other, strict=True))
            expected = torch.tensor((1 - none) / none, dtype=torch.float64).log().item()
            assert model(sequences[row : row + 1]).item() == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize("probability", [0.0, 1e-12, 1e-6, 0.1, 0.5, 1 - 1e-6, 1.0])
@pytest.mark.parametrize("counting", [0, 1, 20])
def test_the_logit_of_any_and_its_gradient_are_finite_and_right(probability, counting):
    probabilities = torch.full((1, 20), probability, requires_grad=True)
    logit = logit_of_any(probabilities, torch.arange(20)[None] < counting)
    logit.backward()
    assert torch.isfinite(logit).all()
    assert torch.isfinite(probabilities.grad).all()
    if counting and 1e-6 <= probability <= 0.5:
        none = (1 - torch.tensor(probability, dtype=torch.float64)) ** counting
        assert logit.item() == pytest.approx(((1 - none) / none).log().item(), rel=1e-3, abs=1e-4)


@of(ENTRIES)
@pytest.mark.parametrize("scale", [1.0, 1e4], ids=["as_built", "sure"])
@pytest.mark.usefixtures("way")
def test_gradients_are_finite_also_where_a_sequence_is_empty_and_a_model_sure(entry, scale):
    model = built(entry).train()
    with torch.no_grad():
        list(model.get_classifier().parameters())[-2].mul_(scale)
    sequences = some(entry, lengths=(0, 1, 10))
    objective, targets = (PRESENCE, [0, 1, 0]) if is_anchored(entry) else (SUM, [0, 5, 90])
    objective.loss(model(sequences), torch.tensor(targets), 0.0).backward()
    missing = [name for name, parameter in model.named_parameters() if parameter.grad is None]
    assert missing == []
    assert all(torch.isfinite(parameter.grad).all() for parameter in model.parameters())


@of([entry for entry in ENTRIES if entry.any_length])
def test_longer_sequences_are_answered(entry):
    found = answers(entry, some(entry, lengths=(20, 11), places=20))
    assert found.shape == (2,)
    assert torch.isfinite(found).all()


@of([entry for entry in ENTRIES if not entry.any_length])
def test_fully_connected_models_refuse_longer_sequences(entry):
    with pytest.raises(RuntimeError, match="shapes"):
        answers(entry, some(entry, lengths=(20, 11), places=20))


@pytest.mark.parametrize("shape", [InputShape(px=28, channels=1, num_classes=10, length=10), "no length"], ids=str)
def test_what_is_no_sequence_or_no_number_is_refused(shape):
    shape = InputShape(px=28, channels=1, num_classes=1) if isinstance(shape, str) else shape
    with pytest.raises(UserError, match="one output"):
        architecture("sum_transformer").build(shape)


def test_a_way_out_is_a_key_and_a_value_of_zeros():
    torch.manual_seed(0)
    attention = CrossAttention(8, 2, has_way_out=True)
    nn.init.constant_(attention.q.bias, 3.0)
    nn.init.constant_(attention.kv.bias, -30.0)  # all scores far below 0
    with torch.no_grad():
        found = attention(torch.randn(1, 1, 8), torch.randn(1, 5, 8), torch.zeros(1, 1, 1, 5))
    torch.testing.assert_close(found[0, 0], attention.proj.bias.detach(), atol=1e-5, rtol=0)


def test_attention_with_a_bias_written_out_is_torchs_own():
    generator = torch.Generator().manual_seed(0)
    queries, keys, values = torch.randn((3, 2, 4, 7, 5), generator=generator)
    bias = torch.randn((2, 4, 7, 7), generator=generator)
    expected = F.scaled_dot_product_attention(queries, keys, values, bias)
    torch.testing.assert_close(attend(queries, keys, values, bias), expected)
