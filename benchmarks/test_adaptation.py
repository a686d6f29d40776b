"""How accurate is a pretrained model once all of it, its head alone or LoRA was trained, and what does that take?"""

from typing import get_args

from vitcnn import AdaptationCase
from vitcnn.adaptations import RANKS
from vitcnn.architectures import architectures
from vitcnn.recipes import recipe_of_set
from vitcnn.spec import Mode


def adapted(architecture, task, adaptation, *, changes="", **rest):
    """Return the case of an adaptation by the recipe that is made for its kind and for the architecture."""
    kind = next(kind for kind in ("full", "head", "lora") if adaptation.startswith(kind))
    recipe = recipe_of_set(f"transfer_{kind}", architectures()[architecture]).name + changes
    return AdaptationCase(architecture=architecture, task=task, recipe=recipe, adaptation=adaptation, **rest)


SMALL = {"vit_micro": ("head", "lora8_qv", "full"), "lenet": ("head", "lora4_conv", "full")}
"""A ViT and a CNN that are pretrained here, in seconds, on rendered characters; what is quick comes first."""

FROM_CHARACTERS = tuple(
    adapted(name, "digits", adaptation, num_train=num_train, preset=preset)
    for num_train, preset in ((100, "smoke"), (500, "full"), (None, "full"))
    for name, ways in SMALL.items()
    for adaptation in ways
)
FROM_SCRATCH = tuple(
    adapted(name, "digits", "full", changes=",weights=random", num_train=num_train, preset=preset)
    for num_train, preset in ((100, "smoke"), (500, "full"), (None, "full"))
    for name in SMALL
)
RANK_SWEEP = tuple(
    adapted("vit_micro", "digits", f"lora{rank}_qv", num_train=100, preset="full") for rank in RANKS if rank != 8
)

DEEP = {
    "vit_small": ("head", "lora16_qv", "lora16_linear", "full"),
    "resnet50": ("head", "lora16_conv", "full"),
    "convnext_tiny": ("head", "lora16_conv", "full"),
}
"""Models with ImageNet weights on the hub: `vitcnn fetch --weights vit_small resnet50 convnext_tiny`."""

IN_STANDARD = ("vit_small full", "vit_small lora16_qv", "vit_small head")
IN_STANDARD += ("resnet50 full", "resnet50 lora16_conv", "resnet50 head")
FROM_IMAGENET = tuple(
    adapted(
        name,
        task,
        adaptation,
        precision="bf16",
        num_train=num_train,
        preset="standard" if task == "digits" and f"{name} {adaptation}" in IN_STANDARD else "full",
    )
    for task, num_train in (("digits", None), ("shapes", 500), ("cifar10", 500))
    for name, ways in DEEP.items()
    for adaptation in ways
)
STUDY_B_MODELS = {"vit_base": "lora16_qv", "resnet50": "head_views5", "efficientnet_b0": "head_views5"}
STUDY_B = tuple(
    AdaptationCase(
        architecture=name,
        task=task,
        recipe="study_b",
        adaptation=adaptation,
        precision="bf16",
        mode=mode,
        preset="full",
    )
    for task in ("mnist", "fashion_mnist", "cifar10")
    for name, adaptation in STUDY_B_MODELS.items()
    for mode in get_args(Mode)
)
STUDY_C = tuple(
    AdaptationCase(
        architecture="vit_base",
        task="cifar10",
        recipe="study_c_finetune",
        precision="bf16",
        mode=mode,
        preset="full",
    )
    for mode in get_args(Mode)
)
CASES = (*FROM_CHARACTERS, *FROM_SCRATCH, *RANK_SWEEP, *FROM_IMAGENET, *STUDY_B, *STUDY_C)


def test_adaptation(case, measure):
    measure(case)
