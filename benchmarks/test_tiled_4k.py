"""How long does a 3840x2160 frame take in 45 tiles of 512 px with 10 % overlap?"""

from vitcnn import TiledCase
from vitcnn.architectures import architectures_for

FEW = tuple(TiledCase(architecture=name, batch=5) for name in ("resnet18", "efficientnet_b0", "vit_tiny"))
EVERY = tuple(
    TiledCase(architecture=name, batch=45, precision="bf16", preset="standard") for name in architectures_for(512)
)
CASES = (*FEW, *EVERY)


def test_tiled_4k(case, measure):
    measure(case)
