"""How large is the model, how much does it compute, and how much memory do a forward and a training step take?"""

from vitcnn import MemoryCase
from vitcnn.architectures import architectures_for

SMALL = tuple(
    MemoryCase(architecture=name, px=28, batch=16, phase=phase)
    for name in ("lenet", "resnet18", "vit_micro", "vit_tiny")
    for phase in ("inference", "training")
)
LARGE = tuple(
    MemoryCase(architecture=name, px=224, batch=4, phase=phase)
    for name in ("resnet18", "vit_tiny")
    for phase in ("inference", "training")
)
EVERY = tuple(
    MemoryCase(architecture=name, px=224, batch=32, phase=phase, precision="bf16", preset="standard")
    for name in architectures_for(224)
    for phase in ("inference", "training")
)
CASES = (*SMALL, *LARGE, *EVERY)


def test_memory(case, measure):
    measure(case)
