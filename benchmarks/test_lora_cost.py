"""What does adapting a model cost: a training step, its memory, and an answer with LoRA beside or in the weights?"""

from vitcnn import LatencyCase, MemoryCase, TrainingCase
from vitcnn.adaptations import FULL, RANKS

IN_BF16 = {"px": 224, "precision": "bf16"}
BATCH = 64


def adaptations_of(lora):
    """Return what can be trained of an architecture: all of it, its head, or LoRA."""
    return (FULL, "head", lora)


def of_training(architecture, adaptation, **settings):
    """Return the two cases of a training step: of its time and of its memory."""
    same = {"architecture": architecture, "adaptation": adaptation, **settings}
    return TrainingCase(**same), MemoryCase(**same, phase="training")


def of_answers(architecture, lora, **settings):
    """Return the cases of an answer: of the model as it is, with LoRA beside its weights, and merged into them."""
    same = {"architecture": architecture, **settings}
    beside = LatencyCase(**same, adaptation=lora)
    return LatencyCase(**same), beside, LatencyCase(**same, adaptation=lora, merged=True)


SMALL_LORA = {"vit_micro": "lora4_qv", "lenet": "lora4_conv"}
SMALL_STEPS = tuple(
    case
    for name, lora in SMALL_LORA.items()
    for adaptation in ("head", lora)
    for case in of_training(name, adaptation, px=28, batch=16)
)
SMALL_ANSWERS = of_answers("vit_micro", "lora4_qv", px=28, batch=16)[1:]

LORA = {"vit_base": "lora16_qv", "resnet50": "lora16_conv", "convnext_tiny": "lora16_conv"}
STEPS = tuple(
    case
    for name, lora in LORA.items()
    for adaptation in adaptations_of(lora)
    for case in of_training(name, adaptation, batch=BATCH, **IN_BF16, preset="standard")
)
COMPILED_STEPS = tuple(
    case
    for name, lora in LORA.items()
    for adaptation in adaptations_of(lora)
    for case in of_training(name, adaptation, batch=BATCH, **IN_BF16, mode="compiled", preset="full")
)
LARGE_STEPS = tuple(
    case
    for adaptation in adaptations_of("lora16_qv")
    for mode in ("eager", "compiled")
    for case in of_training("vit_large", adaptation, batch=BATCH, **IN_BF16, mode=mode, preset="full")
)
BY_RANK = tuple(
    case
    for name, lora in LORA.items()
    for rank in RANKS
    if rank != 16
    for case in of_training(name, lora.replace("16", str(rank)), batch=BATCH, **IN_BF16, preset="full")
)
ANSWERS = tuple(
    case
    for name, lora in LORA.items()
    for mode in ("eager", "compiled")
    for case in of_answers(name, lora, batch=BATCH, **IN_BF16, mode=mode, preset="full")
)
CASES = (*SMALL_STEPS, *SMALL_ANSWERS, *STEPS, *COMPILED_STEPS, *LARGE_STEPS, *BY_RANK, *ANSWERS)


def test_lora_cost(case, measure):
    measure(case)
