"""How accurate after training on few images? Each of three seeds draws its own; test_accuracy.py has all images."""

from vitcnn import DataEfficiencyCase
from vitcnn.architectures import architectures
from vitcnn.recipes import recipe_for
from vitcnn.tasks import tasks


def by_its_recipe(architecture, task, num_train, precision, preset):
    """Return the case of an architecture on some images of a task, by the recipe of the task's set that suits it."""
    recipe = recipe_for(tasks()[task], architectures()[architecture]).name
    return DataEfficiencyCase(
        architecture=architecture, task=task, recipe=recipe, num_train=num_train, precision=precision, preset=preset
    )


PRECISION = {"lenet": "fp32", "vit_micro": "fp32", "resnet18": "bf16", "vit_tiny": "bf16"}
ON_DIGITS = tuple(
    by_its_recipe(name, "digits", num_train, "fp32", "smoke")
    for num_train in (100, 500)
    for name in ("lenet", "vit_micro")
)
ON_MORE = tuple(
    by_its_recipe(name, task, num_train, precision, "full")
    for task in ("mnist", "cifar10", "glyphs", "shapes")
    for num_train in (100, 500, 1_000, 4_000)
    for name, precision in PRECISION.items()
)
CASES = (*ON_DIGITS, *ON_MORE)


def test_data_efficiency(case, measure):
    measure(case)
