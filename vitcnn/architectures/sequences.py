"""Models that sum the digits of a sequence of images, without ever being told a digit (study E).

Those called published are the study's own: their padding is grey images like any other. The others mask it. All but the
fully connected ones are models of sets: the order of the images does not change their answer.
"""

from __future__ import annotations

from functools import partial
from importlib import import_module
from typing import TYPE_CHECKING, Any

from vitcnn.errors import UserError
from vitcnn.input_sizes import Takes
from vitcnn.spec import Architecture, InputShape, Published

if TYPE_CHECKING:
    from torch import nn

STUDY_E = "study E: github.com/kobybibas/vit_for_mnist, 2025"
AS_BUILT = "parameters as the source's code builds them, MACs counted by hand for ten images"
BY_HAND = "counted by hand, MACs for ten images"

CNN, CNN_MACS = 156 + 2_416 + 131_200, 24 * 24 * 150 + 8 * 8 * 2_400 + 1_024 * 128
VIT = 50 * 64 + 16 * 64 + 3 * (16_640 + 24_832 + 256) + 128 + 65 * 128
VIT_MACS = 16 * 49 * 64 + 3 * (16 * (4 * 64 * 64 + 2 * 64 * 192) + 2 * 16 * 16 * 64) + 64 * 128
"""Of the two encoders, for one image. The ViT's has 3 % more parameters than the CNN's, and 5.7 times its MACs."""

ATTENTION = 4 * 129 * 128
ONE_QUERY_MACS = 2 * 128 * 128 + 10 * (2 * 128 * 128 + 2 * 128)
LAYER = ATTENTION + 129 * 2_048 + 2_049 * 128 + 4 * 128
LAYER_MACS = 10 * (4 * 128 * 128 + 2 * 128 * 2_048) + 2 * 10 * 10 * 128
HEAD, HEAD_MACS = 129 * 64 + 65, 128 * 64 + 64
"""Of attention, with one query or in a Transformer layer, and of the head."""

SHAPE = InputShape(px=28, channels=1, num_classes=1, length=10)
TAKES = Takes(at_least_px=28, at_most_px=28, kind="sequence of images")


def built(
    model: str, shape: InputShape, *, encoder: str = "cnn_encoder", of_length: bool = False, **options: Any
) -> nn.Module:
    """Build `model`, FILE.CLASS in `layers`, around an encoder of its images; UserError unless the answer is a number.

    One `of_length` is told how many images there are at most.
    """
    file, _, name = model.partition(".")
    if shape.num_classes != 1 or shape.length is None:
        do = "Choose an architecture that is made for such inputs and answers."
        raise UserError(field="shape", value=shape, allowed=f"sequences and one output ({name})", do=do)
    layers = "vitcnn.architectures.layers"
    options |= {"length": shape.length} if of_length else {}
    encode = getattr(import_module(f"{layers}.sequence_encoders"), encoder)
    module: nn.Module = getattr(import_module(f"{layers}.{file}"), name)(encode(shape.channels), **options)
    return module


def counted(shape: InputShape, parameters: int, macs: int, source: str = BY_HAND) -> Published:
    """Return the size of a model."""
    return Published(shape=shape, parameters=parameters, macs=macs, source=source)


SUM_TRANSFORMER_PUBLISHED = Architecture(
    name="sum_transformer_published",
    family="hybrid",
    takes=TAKES,
    builder=partial(built, "sums.PublishedSumTransformer", encoder="published_encoder"),
    published=counted(SHAPE, 735_117, 10 * CNN_MACS + LAYER_MACS + HEAD_MACS, AS_BUILT),
    source=f"{STUDY_E}; the mean of ten images, the padding's among them",
)

SUM_FC_PUBLISHED = Architecture(
    name="sum_fc_published",
    family="cnn",
    takes=TAKES,
    builder=partial(built, "sums.SumFullyConnected", encoder="published_encoder", of_length=True, greys_padding=True),
    published=counted(SHAPE, 306_061, 10 * CNN_MACS + 1_280 * 128 + HEAD_MACS, AS_BUILT),
    any_length=False,
    source=f"{STUDY_E}; the vectors of ten images side by side, the padding's among them",
)

SUM_TRANSFORMER = Architecture(
    name="sum_transformer",
    family="hybrid",
    takes=TAKES,
    builder=partial(built, "sums.SumTransformer"),
    published=counted(SHAPE, CNN + LAYER + HEAD, 10 * CNN_MACS + LAYER_MACS + 10 * HEAD_MACS),
    source="ours: study E's layers, the padding masked, answers for each image summed: Zaheer et al., arXiv 1703.06114",
)

SUM_TRANSFORMER_POOLED = Architecture(
    name="sum_transformer_pooled",
    family="hybrid",
    takes=TAKES,
    builder=partial(built, "sums.PooledSumTransformer"),
    published=counted(SHAPE, CNN + LAYER + HEAD, 10 * CNN_MACS + LAYER_MACS + HEAD_MACS),
    source="ours: study E's layers, the padding masked, the images' vectors summed before the head",
)

SUM_TRANSFORMER_MEAN = Architecture(
    name="sum_transformer_mean",
    family="hybrid",
    takes=TAKES,
    builder=partial(built, "sums.PooledSumTransformer", pools_by_mean=True),
    published=counted(SHAPE, CNN + LAYER + HEAD, 10 * CNN_MACS + LAYER_MACS + HEAD_MACS),
    source="ours: study E's layers, the padding masked; it cannot count, and shows what the sum is for",
)

SUM_FC = Architecture(
    name="sum_fc",
    family="cnn",
    takes=TAKES,
    builder=partial(built, "sums.SumFullyConnected", of_length=True),
    published=counted(SHAPE, CNN + 1_281 * 128 + HEAD, 10 * CNN_MACS + 1_280 * 128 + HEAD_MACS),
    any_length=False,
    source="ours: study E's layers, zeros for the vectors of the padding",
)

SUM_ATTENTION = Architecture(
    name="sum_attention",
    family="hybrid",
    takes=TAKES,
    builder=partial(built, "sums.SumAttention"),
    published=counted(SHAPE, CNN + 128 + ATTENTION + HEAD, 10 * CNN_MACS + ONE_QUERY_MACS + HEAD_MACS),
    source="ours: pooled by a learnt query, Lee et al., Set Transformer, arXiv 1810.00825, times the number",
)

SUM_OF_NUMBERS = Architecture(
    name="sum_of_numbers",
    family="cnn",
    takes=TAKES,
    builder=partial(built, "sums.SumOfNumbers"),
    published=counted(SHAPE, CNN + HEAD, 10 * (CNN_MACS + HEAD_MACS)),
    source="ours: sum_transformer without attention; Zaheer et al., Deep Sets, arXiv 1703.06114",
)

SUM_OF_DIGITS = Architecture(
    name="sum_of_digits",
    family="cnn",
    takes=TAKES,
    builder=partial(built, "sums.SumOfDigits"),
    published=counted(SHAPE, CNN + 1_290, 10 * (CNN_MACS + 1_280)),
    source="ours: the likelihood of the sum of latent digits, as DeepProbLog has it: Manhaeve et al., arXiv 1805.10872",
)

SUM_VIT = Architecture(
    name="sum_vit",
    family="vit",
    takes=TAKES,
    builder=partial(built, "sums.SumTransformer", encoder="VitEncoder"),
    published=counted(SHAPE, VIT + LAYER + HEAD, 10 * VIT_MACS + LAYER_MACS + 10 * HEAD_MACS),
    source="ours: sum_transformer with a small ViT as the encoder",
)

SUM_PATCH_VIT = Architecture(
    name="sum_patch_vit",
    family="vit",
    takes=TAKES,
    # 0.13 % more parameters than sum_transformer, and 15 times its MACs
    builder=partial(built, "sequence_vit.SumPatchVit", encoder="PatchTokens", hidden=440, depth=4),
    published=counted(
        SHAPE,
        50 * 128 + 16 * 128 + 4 * (ATTENTION + 129 * 440 + 441 * 128 + 4 * 128 + 4) + 2 * 128 + HEAD,
        160 * 49 * 128 + 4 * (160 * (4 * 128 * 128 + 2 * 128 * 440) + 2 * 160 * 160 * 128) + 10 * HEAD_MACS,
    ),
    source="ours: a ViT whose tokens are all patches of all images",
)
