"""Models that say whether the digit of an anchor is among the images of a sequence, without ever being told a digit.

The anchor is the first image. Those called published are study E's own, as in `sequences`.
"""

from __future__ import annotations

from functools import partial

from vitcnn.architectures.sequences import (
    AS_BUILT,
    ATTENTION,
    CNN,
    CNN_MACS,
    HEAD,
    HEAD_MACS,
    ONE_QUERY_MACS,
    STUDY_E,
    VIT,
    VIT_MACS,
    built,
    counted,
)
from vitcnn.input_sizes import Takes
from vitcnn.spec import Architecture, InputShape

SHAPE = InputShape(px=28, channels=1, num_classes=1, length=11)
TAKES = Takes(at_least_px=28, at_most_px=28, kind="anchor and sequence of images")

ANCHOR_TRANSFORMER_PUBLISHED = Architecture(
    name="anchor_transformer_published",
    family="hybrid",
    takes=TAKES,
    builder=partial(built, "anchors.PublishedAnchorTransformer", encoder="published_encoder"),
    published=counted(SHAPE, 208_141, 11 * CNN_MACS + ONE_QUERY_MACS + HEAD_MACS, AS_BUILT),
    source=f"{STUDY_E}; the anchor looks at ten images, the padding's among them",
)

ANCHOR_FC_PUBLISHED = Architecture(
    name="anchor_fc_published",
    family="cnn",
    takes=TAKES,
    builder=partial(
        built, "fully_connected.FullyConnected", encoder="published_encoder", of_length=True, greys_padding=True
    ),
    published=counted(SHAPE, 322_445, 11 * CNN_MACS + 1_408 * 128 + HEAD_MACS, AS_BUILT),
    any_length=False,
    source=f"{STUDY_E}; the vectors of eleven images side by side, the padding's among them",
)

ANCHOR_TRANSFORMER = Architecture(
    name="anchor_transformer",
    family="hybrid",
    takes=TAKES,
    builder=partial(built, "anchors.AnchorTransformer"),
    published=counted(SHAPE, CNN + ATTENTION + HEAD, 11 * CNN_MACS + ONE_QUERY_MACS + 2 * 128 + HEAD_MACS),
    source="ours: study E's layers, the padding masked; a zero key and value for where nothing fits",
)

ANCHOR_TRANSFORMER_MASKED = Architecture(
    name="anchor_transformer_masked",
    family="hybrid",
    takes=TAKES,
    builder=partial(built, "anchors.AnchorTransformer", has_way_out=False),
    published=counted(SHAPE, CNN + ATTENTION + HEAD, 11 * CNN_MACS + ONE_QUERY_MACS + HEAD_MACS),
    source="ours: study E's layers, the padding masked; it cannot tell of one image, showing what the zero key is for",
)

ANCHOR_FC = Architecture(
    name="anchor_fc",
    family="cnn",
    takes=TAKES,
    builder=partial(built, "fully_connected.FullyConnected", of_length=True),
    published=counted(SHAPE, CNN + 1_409 * 128 + HEAD, 11 * CNN_MACS + 1_408 * 128 + HEAD_MACS),
    any_length=False,
    source="ours: study E's layers, zeros for the vectors of the padding",
)

ANCHOR_MATCHING = Architecture(
    name="anchor_matching",
    family="cnn",
    takes=TAKES,
    builder=partial(built, "anchors.AnchorMatching"),
    published=counted(SHAPE, CNN + 1_290, 11 * (CNN_MACS + 1_280)),
    source="ours: the probability that any image is of the anchor's latent class",
)

ANCHOR_VIT = Architecture(
    name="anchor_vit",
    family="vit",
    takes=TAKES,
    builder=partial(built, "anchors.AnchorTransformer", encoder="VitEncoder"),
    published=counted(SHAPE, VIT + ATTENTION + HEAD, 11 * VIT_MACS + ONE_QUERY_MACS + 2 * 128 + HEAD_MACS),
    source="ours: anchor_transformer with a small ViT as the encoder",
)

ANCHOR_PATCH_VIT = Architecture(
    name="anchor_patch_vit",
    family="vit",
    takes=TAKES,
    # 0.25 % more parameters than anchor_transformer, and 9 times its MACs
    builder=partial(built, "sequence_vit.AnchorPatchVit", encoder="small_patch_tokens", hidden=256, depth=4),
    published=counted(
        SHAPE,
        50 * 64 + 16 * 64 + 64 + 4 * (4 * 65 * 64 + 65 * 256 + 257 * 64 + 4 * 64 + 4) + 2 * 64 + 65 * 64 + 65,
        176 * 49 * 64 + 4 * (176 * (4 * 64 * 64 + 2 * 64 * 256) + 2 * 176 * 176 * 64) + 64 * 64 + 64,
    ),
    source="ours: a ViT whose tokens are all patches of all images, the anchor's marked",
)
