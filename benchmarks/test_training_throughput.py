"""How fast is a training step: forward, loss, backward and AdamW on a batch that is on the device?"""

from vitcnn import TrainingCase
from vitcnn.architectures import architectures_for

SMALL = tuple(
    TrainingCase(architecture=name, px=28, batch=16) for name in ("lenet", "resnet18", "vit_micro", "vit_tiny")
)
EVERY = tuple(
    TrainingCase(architecture=name, px=224, batch=128, precision="bf16", preset="standard")
    for name in architectures_for(224)
)
COMPILED = tuple(
    TrainingCase(
        architecture=name,
        px=224,
        batch=128,
        precision="bf16",
        mode="compiled",
        preset="standard" if name in ("resnet18", "vit_tiny") else "full",
    )
    for name in architectures_for(224)
)
CASES = (*SMALL, *EVERY, *COMPILED)


def test_training_throughput(case, measure):
    measure(case)
