"""How long does a frame take that a CNN reads as it is, without tiles?"""

from vitcnn import FullFrameCase

SMALL = FullFrameCase(architecture="resnet18", width=1920, height=1080)
WHOLE = tuple(
    FullFrameCase(architecture=name, precision="bf16", preset="standard")
    for name in ("resnet18", "resnet50", "resnet152", "convnext_tiny")
)
STRIPS = tuple(
    FullFrameCase(architecture=name, precision="bf16", strip_px=1024, preset="full")
    for name in ("resnet18", "resnet50")
)
LARGER = tuple(
    FullFrameCase(architecture="resnet50", precision="bf16", width=width, height=height, preset="full")
    for width, height in ((1920, 1080), (7680, 4320))
)
COMPILED = tuple(
    FullFrameCase(architecture=name, precision="bf16", mode="compiled", preset="full")
    for name in ("resnet50", "resnet152")
)
CASES = (SMALL, *WHOLE, *STRIPS, *LARGER, *COMPILED)


def test_full_frame(case, measure):
    measure(case)
