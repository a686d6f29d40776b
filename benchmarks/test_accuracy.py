"""How accurate after short training from scratch, and how long does that take? Three seeds; the last epoch counts."""

from vitcnn import AccuracyCase
from vitcnn.architectures import architectures

ON_DIGITS = (
    AccuracyCase(architecture="lenet", task="digits", recipe="digits_cnn"),
    AccuracyCase(architecture="vit_micro", task="digits", recipe="digits_vit"),
    AccuracyCase(architecture="resnet18", task="digits", recipe="digits_deep_cnn", precision="bf16", preset="standard"),
    AccuracyCase(architecture="vit_tiny", task="digits", recipe="digits_deep_vit", precision="bf16", preset="standard"),
)
RECIPES = {
    "mnist_subset": "digits",
    "glyphs": "glyphs",
    "glyphs62": "glyphs",
    "mnist": "glyphs",
    "shapes": "photos",
    "fashion_mnist": "photos",
    "cifar10": "photos",
}
SMALL = tuple(
    AccuracyCase(architecture=name, task=task, recipe=f"{recipes}_{kind}", preset="full")
    for task, recipes in RECIPES.items()
    for name, kind in (("lenet", "cnn"), ("vit_micro", "vit"))
)
DEEP = tuple(
    AccuracyCase(architecture=name, task=task, recipe=f"{recipes}_deep_{kind}", precision="bf16", preset="full")
    for task, recipes in RECIPES.items()
    for name, kind in (("resnet18", "cnn"), ("vit_tiny", "vit"))
)
EVERY_OTHER = tuple(
    AccuracyCase(
        architecture=name,
        task="mnist_subset",
        recipe="digits_deep_cnn" if entry.family == "cnn" else "digits_deep_vit",
        precision="bf16",
        preset="full",
    )
    for name, entry in architectures().items()
    if name not in ("lenet", "vit_micro", "resnet18", "vit_tiny")
)
CASES = (*ON_DIGITS, *SMALL, *DEEP, *EVERY_OTHER)


def test_accuracy(case, measure):
    measure(case)
