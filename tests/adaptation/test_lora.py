"""LoRA by hand: counts, the fused layer's key, the update as one matrix, merging, and what is refused."""

import math

import pytest
import timm
import torch
from torch import nn

from vitcnn.adaptation.adapt import adapted, num_trainable, require_used
from vitcnn.adaptation.lora import QueryValueLora, factors, is_lora, lora_layers, merge
from vitcnn.adaptation.lora import factors as factors_of
from vitcnn.adaptation.parts import classifier
from vitcnn.adaptation.size import adapter_bytes, peft_bytes
from vitcnn.adaptations import Lora, adaptation
from vitcnn.architectures import architecture
from vitcnn.errors import UserError
from vitcnn.spec import InputShape

SMALL = InputShape(px=32, channels=3, num_classes=10)
RANK = 3
FLOAT_BYTES = 4


def built(name, how, shape=SMALL, seed=0):
    """Return an architecture of the catalogue, adapted, the updates filled with numbers, and a copy without them."""
    plain, model = (seeded(name, shape, seed) for _ in range(2))
    return filled(adapted(model, adaptation(how))), plain


def seeded(name, shape, seed):
    torch.manual_seed(seed)
    entry = architecture(name)
    return entry.build(shape).eval()


def filled(model):
    """Give each B numbers: it starts at 0, and then an update would do nothing."""
    torch.manual_seed(1)
    for layer in lora_layers(model).values():
        factors = [layer.up] if isinstance(layer, QueryValueLora) else [b.weight for b in layer.lora_B.values()]
        for factor in factors:
            nn.init.normal_(factor, std=0.02)
    return model.eval()


def images(count=2, shape=SMALL):
    torch.manual_seed(2)
    return torch.randn(count, shape.channels, shape.px, shape.px)


def layer_of(width=8, groups=1, rank=RANK, alpha=6):
    torch.manual_seed(3)
    layer = QueryValueLora(nn.Linear(5, 3 * width), Lora(rank=rank, targets="qv", alpha=alpha), groups)
    nn.init.normal_(layer.up)
    return layer


def update_by_hand(layer, width, groups):
    """Return the update of the fused weights, row by row: row j of part p of head g is output (g, p, j)."""
    a_query, a_value = layer.down[: layer.rank], layer.down[layer.rank :]
    of_each_head = width // groups
    rows = []
    for group in range(groups):
        for part in range(3):
            for row in range(group * of_each_head, (group + 1) * of_each_head):
                update = {0: layer.up[0, row] @ a_query, 1: torch.zeros(5), 2: layer.up[1, row] @ a_value}[part]
                rows.append(layer.scale * update)
    return torch.stack(rows).detach()


@pytest.mark.parametrize("classes, count", [(10, 597_514), (1_000, 589_824 + 769_000)])
def test_what_trains_of_vit_base_at_rank_16(classes, count):
    """By hand: 12 blocks, of each two A of 16 x 768 and two B of 768 x 16; a head of 768 weights and a bias a class."""
    shape = InputShape(px=224, channels=3, num_classes=classes)
    with torch.device("meta"):
        model = architecture("vit_base").build(shape)
    model = adapted(model, adaptation("lora16_qv"))
    head = 768 * classes + classes
    assert num_trainable(model) == count
    assert num_trainable(model) - head == 12 * 4 * 16 * 768 == 589_824
    assert adapter_bytes(model) == FLOAT_BYTES * count
    # peft: A of 32 x 768 and B of 2304 x 32 in each block
    assert peft_bytes(model) == FLOAT_BYTES * (12 * (32 * 768 + 2304 * 32) + head)


def test_what_peft_stores_of_separate_layers_is_what_trains():
    model, _ = built("vit_tiny", "lora2_linear", InputShape(px=224, channels=3, num_classes=10))
    assert peft_bytes(model) == adapter_bytes(model)


def test_the_head_alone_has_no_file_of_peft():
    model, _ = built("vit_micro", "head")
    assert adapter_bytes(model) == FLOAT_BYTES * num_trainable(model)
    assert peft_bytes(model) is None


@pytest.mark.parametrize("groups", [1, 2])
@pytest.mark.parametrize("alpha", [3, 6])
def test_the_layer_is_the_frozen_one_and_its_update(groups, alpha):
    layer, tokens = layer_of(groups=groups, alpha=alpha), torch.randn(2, 7, 5)
    weight = layer.base.weight + update_by_hand(layer, 8, groups)
    expected = tokens.double() @ weight.double().T + layer.base.bias.double()
    torch.testing.assert_close(layer(tokens).double(), expected, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("groups", [1, 2])
def test_the_key_is_bit_for_bit_the_frozen_layers(groups):
    layer, tokens = layer_of(groups=groups), torch.randn(2, 7, 5)
    keys = [out.unflatten(-1, (groups, 3, -1))[..., 1, :] for out in (layer(tokens), layer.base(tokens))]
    assert torch.equal(*keys)


@pytest.mark.parametrize("groups", [1, 2])
@pytest.mark.parametrize("needs_input_gradient", [True, False])
def test_gradients_are_those_of_the_layer_with_one_weight(groups, needs_input_gradient):
    layer, tokens = layer_of(groups=groups).double(), torch.randn(2, 7, 5, dtype=torch.double)
    tokens.requires_grad_(needs_input_gradient)
    wanted = [layer.down, layer.up, *([tokens] if needs_input_gradient else [])]
    weights = torch.randn(2, 7, 24, dtype=torch.double)

    def by_one_weight():
        a, b = as_one(layer, 8, groups)
        return tokens @ (layer.base.weight + layer.scale * b @ a).T + layer.base.bias

    of_layer = torch.autograd.grad((layer(tokens) * weights).sum(), wanted)
    of_weight = torch.autograd.grad((by_one_weight() * weights).sum(), wanted)
    torch.testing.assert_close(of_layer, of_weight)
    assert not layer.base.weight.requires_grad


@pytest.mark.parametrize("groups", [1, 2])
def test_what_is_compiled_computes_the_same(groups):
    layer, tokens = layer_of(groups=groups), torch.randn(2, 7, 5, requires_grad=True)
    torch.compiler.reset()
    one, other = layer(tokens), torch.compile(layer, backend="aot_eager")(tokens)
    wanted = (tokens, layer.down, layer.up)
    torch.testing.assert_close(other, one)
    torch.testing.assert_close(*[torch.autograd.grad(out.square().sum(), wanted) for out in (other, one)])
    keys = [out.unflatten(-1, (groups, 3, -1))[..., 1, :] for out in (other, layer.base(tokens))]
    assert torch.equal(*keys)


def as_one(layer, width, groups):
    """Return A and B of the whole layer, B's rows put in order by indexing, gradients kept."""
    zeros = torch.zeros(width, layer.rank, dtype=layer.up.dtype)
    parts = [torch.cat([layer.up[0], zeros], 1), torch.cat([zeros, zeros], 1), torch.cat([zeros, layer.up[1]], 1)]
    size = width // groups
    rows = [parts[part][group * size : (group + 1) * size] for group in range(groups) for part in range(3)]
    return layer.down, torch.cat(rows)


@pytest.mark.parametrize("groups", [1, 2])
def test_as_one_update_it_is_the_same_and_the_keys_rows_are_zeros(groups):
    layer = layer_of(groups=groups)
    a, b = factors_of(layer)
    assert (a.shape, b.shape) == ((2 * RANK, 5), (24, 2 * RANK))
    torch.testing.assert_close(layer.scale * b @ a, update_by_hand(layer, 8, groups))
    assert not b.unflatten(0, (groups, 3, -1))[:, 1].any()
    assert (b == 0).sum() == 8 * 2 * RANK + 8 * 2 * RANK, "the key's rows, and half of the others"


def test_it_starts_as_the_frozen_layer():
    layer = QueryValueLora(nn.Linear(5, 24), Lora(rank=RANK, targets="qv", alpha=6))
    tokens = torch.randn(2, 7, 5)
    assert torch.equal(layer(tokens), layer.base(tokens))
    assert not layer.up.any()
    bound = 1 / math.sqrt(5)  # kaiming_uniform with a = sqrt(5): sqrt(6 / 6 / inputs), as torch's and peft's layers
    assert 0.8 * bound < layer.down.abs().max() <= bound


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_under_autocast_it_computes_as_its_layer_does(dtype):
    layer, tokens = layer_of(), torch.randn(2, 7, 5)
    with torch.autocast("cpu", dtype):
        out, keys = layer(tokens), layer.base(tokens)[..., 8:16]
    assert out.dtype == dtype
    assert torch.equal(out[..., 8:16], keys)
    torch.testing.assert_close(out.float(), layer(tokens), atol=0.2, rtol=0.05)
    out.sum().backward()
    assert layer.down.grad.dtype == layer.up.grad.dtype == torch.float32


PHOTO = InputShape(px=224, channels=3, num_classes=10)
MERGED = [
    ("vit_micro", "lora4_qv", SMALL),
    ("vit_micro", "lora4_qkv", SMALL),
    ("vit_micro", "lora4_linear", SMALL),
    ("lenet", "lora4_conv", SMALL),
    ("resnet18", "lora4_conv", SMALL),
    ("swin_tiny", "lora4_qv", PHOTO),
    ("convnext_tiny", "lora4_conv", PHOTO),
]


@pytest.mark.parametrize("name, how, shape", MERGED)
def test_merged_and_unmerged_logits_agree(name, how, shape):
    model, plain = built(name, how, shape)
    given = images(shape=shape)
    with torch.no_grad():
        unmerged, before = model(given), plain(given)
        merged_model = merge(model)
        merged = merged_model(given)
    assert not any(map(is_lora, merged_model.modules()))
    assert {name for name, _ in merged_model.named_modules()} == {name for name, _ in plain.named_modules()}
    torch.testing.assert_close(merged, unmerged, atol=1e-5, rtol=0)
    assert (unmerged - before).abs().max() > 1e-4, "the update does something"


def test_merging_adds_to_query_and_value_alone():
    model, plain = built("vit_micro", "lora4_qv")
    updates = {name: update_of(layer) for name, layer in lora_layers(model).items()}
    merged = merge(model)
    for name, module in plain.named_modules():
        if isinstance(module, nn.Linear | nn.Conv2d):
            change = merged.get_submodule(name).weight - module.weight
            expected = updates.get(name, torch.zeros(()))
            torch.testing.assert_close(change, expected.expand_as(change), atol=1e-6, rtol=0)
    assert set(updates) == {name for name, _ in plain.named_modules() if name.endswith("qkv")}


def update_of(layer):
    query, value = (layer.scale * layer.up[i] @ layer.down.chunk(2)[i] for i in (0, 1))
    return torch.cat([query, torch.zeros_like(query), value]).detach()


def adapted_names(name, how, shape=PHOTO):
    with torch.device("meta"):
        model = architecture(name).build(shape)
    model = adapted(model, adaptation(how))
    return model, set(lora_layers(model))


def test_what_is_frozen_and_what_trains():
    model, names = adapted_names("vit_tiny", "lora4_qv")
    head, _ = classifier(model)
    trained = {name for name, parameter in model.named_parameters() if parameter.requires_grad}
    of_lora = {f"{name}.{part}" for name in names for part in ("down", "up")}
    assert trained == of_lora | {f"{head}.weight", f"{head}.bias"}
    assert names == {f"blocks.{i}.attn.qkv" for i in range(12)}


def test_depthwise_convolutions_and_the_head_are_left_as_they_are():
    model, names = adapted_names("convnext_tiny", "lora4_conv")
    depthwise = {name for name, m in model.named_modules() if isinstance(m, nn.Conv2d) and m.groups > 1}
    assert len(depthwise) == 18
    assert not depthwise & names
    assert classifier(model)[0] not in names
    assert {"stem.0", "stages.0.blocks.0.mlp.fc1"} <= names


def test_linear_leaves_convolutions_as_they_are():
    model, names = adapted_names("vit_tiny", "lora4_linear")
    kinds = {type(model.get_submodule(name).get_base_layer()) for name in names}
    assert kinds == {nn.Linear}
    assert len(names) == 4 * 12, "qkv, proj, fc1 and fc2 of each block"


def test_a_convolutions_update_is_a_convolution_and_one_of_one_pixel():
    """By hand of rank 4: A is 4 filters of the layer's size, B as many outputs of 1 x 1."""
    model, _ = built("resnet18", "lora4_conv")
    layer = model.get_submodule("layer1.0.conv1")
    a, b = factors_of(layer)
    assert (a.shape, b.shape) == ((4, 64, 3, 3), (64, 4, 1, 1))


def test_swin_of_windows():
    model, names = adapted_names("swin_tiny", "lora4_qv")
    assert len(names) == 2 + 2 + 6 + 2
    assert all(isinstance(layer, QueryValueLora) and layer.groups == 1 for layer in lora_layers(model).values())


def of_timm(name, **settings):
    torch.manual_seed(0)
    return timm.create_model(name, num_classes=10, **settings)


def test_heads_first_in_maxvit():
    """In timm's order the rows of each head are query, key and value: the attention with one weight is the oracle."""
    from timm.models.maxxvit import AttentionCl

    torch.manual_seed(0)
    attention = AttentionCl(dim=16, dim_head=4, head_first=True).eval()
    model = nn.Sequential(attention, nn.Linear(16, 10)).eval()
    tokens = torch.randn(2, 5, 16)
    filled(adapted(model, adaptation("lora2_qv")))
    layer = attention.qkv
    assert layer.groups == 4
    keys = attention_parts(layer(tokens), 4)[1]
    assert torch.equal(keys, attention_parts(layer.base(tokens), 4)[1])
    query, value = (attention_parts(layer(tokens), 4)[i] - attention_parts(layer.base(tokens), 4)[i] for i in (0, 2))
    for i, change in ((0, query), (1, value)):
        by_hand = layer.scale * (tokens @ layer.down.chunk(2)[i].T) @ layer.up[i].T
        torch.testing.assert_close(change.transpose(1, 2).flatten(2), by_hand, atol=1e-5, rtol=0)
    with torch.no_grad():
        unmerged = model(tokens)
        torch.testing.assert_close(merge(model)(tokens), unmerged, atol=1e-5, rtol=0)


def attention_parts(fused, heads):
    """Return query, key and value, (batch, heads, tokens, dim), as AttentionCl takes them where heads are first."""
    batch, tokens, _ = fused.shape
    return fused.view(batch, tokens, heads, -1).transpose(1, 2).chunk(3, dim=3)


REFUSED = [
    ("resnet18", "lora4_qv", "targets of LoRA: 'qv' cannot be used", "has no layer of qv"),
    ("vit_tiny", "lora193_qv", "rank of LoRA: 193 cannot be used. Allowed: 1 to 192", "layer, blocks.0.attn.qkv, has"),
    ("lenet", "lora121_conv", "rank of LoRA: 121 cannot be used. Allowed: 1 to 120", "widest layer, 7, has a rank of"),
]


@pytest.mark.parametrize("name, how, field, do", REFUSED)
def test_what_cannot_be_adapted_is_refused_before_anything_is_changed(name, how, field, do):
    shape = SMALL if name == "lenet" else PHOTO
    with torch.device("meta"):
        model = architecture(name).build(shape)
    with pytest.raises(UserError, match=field) as refused:
        adapted(model, adaptation(how))
    assert do in str(refused.value)
    assert all(parameter.requires_grad for parameter in model.parameters())
    assert not lora_layers(model)


class UnknownAttention(nn.Module):
    def __init__(self):
        super().__init__()
        self.num_heads, self.qkv = 2, nn.Linear(8, 24)


def test_attention_of_unknown_order_is_refused_for_qv_and_taken_for_qkv():
    with pytest.raises(UserError, match="'qv of UnknownAttention' cannot be used") as refused:
        adapted(nn.Sequential(UnknownAttention(), nn.Linear(8, 2)), adaptation("lora2_qv"))
    assert "Choose qkv" in str(refused.value)
    model = adapted(nn.Sequential(UnknownAttention(), nn.Linear(8, 2)), adaptation("lora2_qkv"))
    assert set(lora_layers(model)) == {"0.qkv"}


@pytest.mark.parametrize(
    "name, settings, how",
    [
        ("beit_base_patch16_224", {"img_size": 32, "depth": 1, "embed_dim": 24, "num_heads": 2}, "lora2_qkv"),
        (
            "swinv2_tiny_window8_256",
            {"img_size": 64, "depths": (1, 1), "embed_dim": 24, "num_heads": (2, 2)},
            "lora2_qkv",
        ),
    ],
)
def test_layers_whose_weights_are_read_past_them_are_refused(name, settings, how):
    model = adapted(of_timm(name, **settings), adaptation(how))
    given = torch.zeros(2, 3, settings["img_size"], settings["img_size"])
    with pytest.raises(UserError, match=r"targets of LoRA: .* cannot be used. Allowed: layers that the model calls"):
        require_used(model, given)


class Tied(nn.Module):
    """Two layers, of which the second may be the first, or hold its weights."""

    def __init__(self, tie: str) -> None:
        super().__init__()
        self.first, self.second, self.head = nn.Linear(8, 8), nn.Linear(8, 8), nn.Linear(8, 2)
        if tie == "layer":
            self.second = self.first
        elif tie == "weights":
            self.second.weight = self.first.weight

    def forward(self, x):
        return self.head(self.second(self.first(x)))


@pytest.mark.parametrize("tie", ["layer", "weights"])
def test_layers_that_share_their_weights_are_refused_since_merging_would_change_both(tie):
    with pytest.raises(UserError, match=r"targets of LoRA: 'first' cannot be used. Allowed: layers with weights of"):
        adapted(Tied(tie), adaptation("lora2_linear"))


def test_a_block_that_is_run_twice_is_merged_as_it_is_adapted():
    block = nn.Sequential(nn.Linear(8, 8), nn.Tanh())
    model = adapted(nn.Sequential(block, block, nn.Linear(8, 2)), adaptation("lora2_linear"))
    for layer in lora_layers(model).values():
        layer.lora_B["default"].weight.data.normal_()
    given = torch.randn(3, 8)
    before = model.eval()(given)
    assert torch.allclose(merge(model)(given), before, atol=1e-5)


def test_what_is_used_is_not_refused_and_nothing_stays_attached():
    model, _ = built("vit_micro", "lora4_qv")
    require_used(model, images())
    assert not any(layer._forward_pre_hooks for layer in lora_layers(model).values())


def test_a_layer_narrower_than_the_rank_has_the_largest_that_it_can_and_the_same_scale():
    model = adapted(architecture("lenet").build(SMALL), adaptation("lora16_conv_alpha8"))
    layers = lora_layers(model)
    assert {name: len(factors(layer)[0]) for name, layer in layers.items()} == {"0": 6, "3": 16, "7": 16, "9": 16}
    assert {layer.scaling["default"] for layer in layers.values()} == {0.5}
