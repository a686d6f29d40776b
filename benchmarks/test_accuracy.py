"""How accurate after short training from scratch, and how long does that take? Three seeds; the last epoch counts."""

from vitcnn import AccuracyCase
from vitcnn.architectures import architectures
from vitcnn.recipes import recipe_for
from vitcnn.tasks import tasks

ON_DIGITS = (
    AccuracyCase(architecture="lenet", task="digits", recipe="digits_cnn"),
    AccuracyCase(architecture="vit_micro", task="digits", recipe="digits_vit"),
    AccuracyCase(architecture="resnet18", task="digits", recipe="digits_deep_cnn", precision="bf16", preset="standard"),
    AccuracyCase(architecture="vit_tiny", task="digits", recipe="digits_deep_vit", precision="bf16", preset="standard"),
)
OTHER_TASKS = ("mnist_subset", "glyphs", "glyphs62", "mnist", "shapes", "fashion_mnist", "cifar10")


def by_its_recipe(architecture, task, precision):
    """Return the case of an architecture on a task, by the recipe of the task's set that suits it."""
    recipe = recipe_for(tasks()[task], architectures()[architecture]).name
    return AccuracyCase(architecture=architecture, task=task, recipe=recipe, precision=precision, preset="full")


SMALL = tuple(by_its_recipe(name, task, "fp32") for task in OTHER_TASKS for name in ("lenet", "vit_micro"))
DEEP = tuple(by_its_recipe(name, task, "bf16") for task in OTHER_TASKS for name in ("resnet18", "vit_tiny"))
EVERY_OTHER = tuple(
    by_its_recipe(name, "mnist_subset", "bf16")
    for name in architectures()
    if name not in ("lenet", "vit_micro", "resnet18", "vit_tiny")
)
CASES = (*ON_DIGITS, *SMALL, *DEEP, *EVERY_OTHER)


def test_accuracy(case, measure):
    measure(case)
