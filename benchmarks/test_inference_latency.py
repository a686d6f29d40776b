"""How long does one forward take, for one image and for many? Input of 28 px (greyscale), 32 and 224 px (RGB)."""

from vitcnn import LatencyCase

SMALL = tuple(
    LatencyCase(architecture=name, px=px, batch=batch)
    for name in ("lenet", "resnet18", "vit_micro", "vit_tiny")
    for px in (28, 32)
    for batch in (1, 16)
)
LARGE = tuple(
    LatencyCase(architecture=name, px=224, batch=batch) for name in ("resnet18", "vit_tiny") for batch in (1, 8)
)
COMPILED = (LatencyCase(architecture="vit_micro", px=28, batch=1, mode="compiled"),)
ON_A_GPU = tuple(
    LatencyCase(architecture=name, px=224, batch=batch, precision="bf16", mode=mode, preset="standard")
    for name in ("resnet18", "vit_tiny")
    for batch in (1, 256)
    for mode in ("eager", "compiled")
)
CASES = (*SMALL, *LARGE, *COMPILED, *ON_A_GPU)


def test_inference_latency(case, measure):
    measure(case)
