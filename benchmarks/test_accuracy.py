"""How accurate after short training, and how long does that take? Three seeds; the last epoch counts."""

from typing import get_args

from vitcnn import AccuracyCase
from vitcnn.architectures import architectures, architectures_for
from vitcnn.recipes import recipe_for
from vitcnn.spec import Mode
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
    for name in architectures_for(tasks()["mnist_subset"].shape.px)
    if name not in ("lenet", "vit_micro", "resnet18", "vit_tiny")
)


def in_both_modes(architecture, task, recipe, precision="bf16", eager_from="full"):
    """Return the cases of a recipe that stands for itself; compiled in `full`, eager from the preset that is named."""
    return tuple(
        AccuracyCase(
            architecture=architecture,
            task=task,
            recipe=recipe,
            precision=precision,
            mode=mode,
            preset=eager_from if mode == "eager" else "full",
        )
        for mode in get_args(Mode)
    )


STUDY_A = (
    *in_both_modes("lenet", "mnist_subset", "study_a_cnn", precision="fp32"),
    *in_both_modes("vit_base", "mnist_subset", "study_a_vit"),
)
STUDY_C = tuple(
    case
    for task in ("cifar10", "shapes")
    for name, recipe in (("resnet18", "study_c_cnn"), ("vit_tiny", "study_c_vit"))
    for case in in_both_modes(name, task, recipe)
)
STUDY_E = tuple(
    AccuracyCase(architecture="study_e_cnn", task=task, recipe="study_e_single", preset=preset)
    for task, preset in (("digits", "standard"), ("glyphs", "full"), ("mnist", "full"))
)
SPEED_RUNS = tuple(
    case
    for task, eager_from in (("shapes", "standard"), ("cifar10", "full"))
    for name in ("speedrun_cnn", "speedrun_vit")
    for case in in_both_modes(name, task, f"cifar_{name}", eager_from=eager_from)
)
CASES = (*ON_DIGITS, *SMALL, *DEEP, *EVERY_OTHER, *STUDY_A, *STUDY_C, *STUDY_E, *SPEED_RUNS)


def test_accuracy(case, measure):
    measure(case)
