"""How long does a 3840x2160 frame take in 45 tiles of 512 px with 10 % overlap?"""

from vitcnn import TiledCase

CASES = (
    TiledCase(architecture="resnet18", batch=5),
    TiledCase(architecture="vit_tiny", batch=5),
    TiledCase(architecture="resnet18", batch=45, precision="bf16", preset="standard"),
    TiledCase(architecture="vit_tiny", batch=45, precision="bf16", preset="standard"),
)


def test_tiled_4k(case, measure):
    measure(case)
