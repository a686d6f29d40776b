"""How much of its accuracy does a model keep on test images that are moved, turned, noisy, blurred, pale or covered?"""

from vitcnn import RobustnessCase
from vitcnn.architectures import architectures
from vitcnn.recipes import recipe_for
from vitcnn.tasks import tasks


def by_its_recipe(architecture, task, precision, preset):
    """Return the case of an architecture on a task, by the recipe of the task's set that suits it."""
    recipe = recipe_for(tasks()[task], architectures()[architecture]).name
    return RobustnessCase(architecture=architecture, task=task, recipe=recipe, precision=precision, preset=preset)


SMALL = tuple(by_its_recipe(name, "digits", "fp32", "smoke") for name in ("lenet", "vit_micro"))
DEEP = tuple(
    by_its_recipe(name, task, "bf16", "full")
    for task in ("digits", "mnist", "cifar10")
    for name in ("resnet18", "vit_tiny")
)
SMALL_ON_MORE = tuple(
    by_its_recipe(name, task, "fp32", "full") for task in ("mnist", "cifar10") for name in ("lenet", "vit_micro")
)
CASES = (*SMALL, *SMALL_ON_MORE, *DEEP)


def test_robustness(case, measure):
    measure(case)
