"""How long does a 3840x2160 frame take in 45 tiles of 512 px with 10 % overlap?"""

from vitcnn import TiledCase
from vitcnn.architectures import architectures_for

HERE = ("resnet18", "efficientnet_b0", "vit_tiny")
"""Small enough for a CPU."""

SOME = ("resnet50", "resnet152", "convnext_tiny", "vit_small", "vit_large", "coatnet_0")
FRAMES = {"1080p": (1920, 1080), "8K": (7680, 4320)}

FEW = tuple(TiledCase(architecture=name, batch=5) for name in HERE)
EVERY = tuple(
    TiledCase(architecture=name, batch=45, precision="bf16", preset="standard") for name in architectures_for(512)
)
COMPILED = tuple(
    TiledCase(architecture=name, batch=45, precision="bf16", mode="compiled", preset="full") for name in SOME
)
SMALLER_AND_LARGER = tuple(
    TiledCase(architecture=name, batch=45, precision="bf16", width=width, height=height, preset="full")
    for name in SOME
    for width, height in FRAMES.values()
)
STREAMS = tuple(
    TiledCase(architecture=name, batch=45, precision="bf16", mode="compiled", way="stream", preset="full")
    for name in ("resnet50", "efficientnet_b0", "vit_tiny", "vit_small")
)
DENSE = (
    *(TiledCase(architecture=name, batch=5, way="dense", preset="full") for name in HERE),
    *(TiledCase(architecture=name, batch=45, precision="bf16", way="dense", preset="full") for name in SOME),
)
CASES = (*FEW, *EVERY, *COMPILED, *SMALLER_AND_LARGER, *STREAMS, *DENSE)


def test_tiled_4k(case, measure):
    measure(case)
