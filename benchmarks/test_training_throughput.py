"""How fast is a training step: forward, loss, backward and AdamW on a batch that is on the device?"""

from vitcnn import TrainingCase

SMALL = tuple(
    TrainingCase(architecture=name, px=28, batch=16) for name in ("lenet", "resnet18", "vit_micro", "vit_tiny")
)
LARGE = tuple(
    TrainingCase(architecture=name, px=224, batch=128, precision="bf16", mode=mode, preset="standard")
    for name in ("resnet18", "vit_tiny")
    for mode in ("eager", "compiled")
)
CASES = (*SMALL, *LARGE)


def test_training_throughput(case, measure):
    measure(case)
