"""How long does one forward take, for one image and for many? Input of 28 px (greyscale), 32 and 224 px (RGB)."""

from vitcnn import LatencyCase
from vitcnn.architectures import architectures, architectures_for

FOUR = ("lenet", "resnet18", "vit_micro", "vit_tiny")
SIX = ("resnet18", "resnet50", "convnext_tiny", "vit_tiny", "vit_base", "vit_hybrid")
SMALL = tuple(
    LatencyCase(architecture=name, px=px, batch=batch) for name in FOUR for px in (28, 32) for batch in (1, 16)
)
LARGE = tuple(
    LatencyCase(architecture=name, px=224, batch=batch) for name in ("resnet18", "vit_tiny") for batch in (1, 8)
)
OTHERS = tuple(
    LatencyCase(architecture=name, px=224, batch=1)
    for name in ("efficientnet_b0", "convnext_tiny", "swin_tiny", "vit_hybrid", "coatnet_0")
)
COMPILED = (LatencyCase(architecture="vit_micro", px=28, batch=1, mode="compiled"),)
EVERY = tuple(
    LatencyCase(architecture=name, px=px, batch=1, precision="bf16", preset="standard")
    for name, entry in architectures().items()
    for px in (28, 32, 224)
    if entry.accepts(px)
)
MANY_IMAGES = tuple(
    LatencyCase(architecture=name, px=224, batch=256, precision="bf16", preset="standard" if name in SIX else "full")
    for name in architectures_for(224)
)
MANY_SMALL_IMAGES = tuple(
    LatencyCase(architecture=name, px=px, batch=256, precision="bf16", preset="full")
    for name, entry in architectures().items()
    for px in (28, 32)
    if entry.accepts(px)
)
COMPILED_ON_A_GPU = tuple(
    LatencyCase(
        architecture=name,
        px=224,
        batch=batch,
        precision="bf16",
        mode="compiled",
        preset="standard" if name in SIX else "full",
    )
    for name in architectures_for(224)
    for batch in (1, 256)
)
CASES = (*SMALL, *LARGE, *OTHERS, *COMPILED, *EVERY, *MANY_IMAGES, *MANY_SMALL_IMAGES, *COMPILED_ON_A_GPU)


def test_inference_latency(case, measure):
    measure(case)
