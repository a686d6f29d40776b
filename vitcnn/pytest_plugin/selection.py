"""Selects which of a file's CASES a run collects, by --preset, --arch, --task, --recipe, --weights, --seeds."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import Any

import pytest

from vitcnn.architectures import architecture
from vitcnn.bench.obstacles import require_input, require_weights, unfit_weights, without_input, without_targets
from vitcnn.errors import UnknownName, UserError
from vitcnn.input_sizes import InputKind
from vitcnn.pytest_plugin.options import Options
from vitcnn.questions.adaptation import AdaptationCase
from vitcnn.recipes import instead_of, recipe, recipe_for, recipe_of_set, starting_from
from vitcnn.recipes.parts import RANDOM
from vitcnn.references import is_reference
from vitcnn.spec import Case, Task, TrainedCase, set_of
from vitcnn.suite import of_preset
from vitcnn.tasks import Tasks


def select(cases: Iterable[Case], options: Options) -> list[Any]:
    """Return the pytest parameters of the cases to collect, their ids the cases' own."""
    in_preset = of_preset(cases, options.preset)
    for case in in_preset:
        require_known_names(case, options.tasks)
        require_input(case, options.tasks)
    chosen = in_preset
    if options.architectures:
        chosen = [case for name in options.architectures for case in of_architecture(chosen, name, options.tasks)]
    if options.tasks.asked:
        asked = [options.tasks.task(name) for name in options.tasks.asked]
        chosen = list(dict.fromkeys(case for task in asked for case in of_task(chosen, task)))
    chosen = trained_as(chosen, options.recipes, options.num_seeds, options.weights)
    return [
        pytest.param(case, id=str(case), marks=[] if case in in_preset else _skipped(case, options.tasks))
        for case in chosen
    ]


def require_known_names(case: Case, tasks: Tasks) -> None:
    """Raise UserError where a case names what nobody knows; UnknownName, unless it names a file."""
    _require_known(architecture, case.architecture, "architecture", "--arch")
    if isinstance(case, TrainedCase):
        _require_known(tasks.task, case.task, "task", "--task")
        _require_known(recipe, case.recipe, "recipe", "--recipe")
        require_weights(f"weights of {case.recipe.partition(',')[0]}", recipe(case.recipe).weights, tasks)


def _require_known(look_up: Callable[[str], object], name: str, field: str, option: str) -> None:
    """Look a name up; where a case names a file, say that an option does that, since an id must hold no path."""
    try:
        look_up(name)
    except UnknownName:
        if not is_reference(name):
            raise
        allowed = f"in CASES a name of `vitcnn list {field}s`"
        do = f"Write such a name there and run pytest with {option} {name}, which takes its place."
        raise UserError(field=field, value=name, allowed=allowed, do=do) from None


def of_architecture(cases: Sequence[Case], name: str, tasks: Tasks) -> list[Case]:
    """Return the cases of `name`; where no case names it, it takes the places of all cases of its input, each once.

    In the place of another it trains by the recipe that suits itself. So models of all families get the same questions,
    but for training a deep model from random weights.
    """
    named = [case for case in cases if case.architecture == name]
    if named:
        return named
    kind = architecture(name).sizes.kind
    placed = (replace(case, architecture=name) for case in cases if kind in kinds_given(case, tasks))
    suited = (on_task(c, tasks.task(c.task)) if isinstance(c, TrainedCase) else c for c in placed)
    return list(dict.fromkeys(case for case in suited if not is_costly_control(case)))


def kinds_given(case: Case, tasks: Tasks) -> tuple[InputKind, ...]:
    """Return what one input of a case may be, whatever its architecture takes."""
    return (tasks.task(case.task).kind,) if isinstance(case, TrainedCase) else case.kinds


def of_task(cases: Sequence[Case], task: Task) -> list[Case]:
    """Return the cases on `task`; where there is none, the task of every case that it suits, by its own recipes.

    It suits where the question can be asked about its kind of input and the architecture takes it. Cases without a task
    stay as they are.
    """
    named = [case for case in cases if not isinstance(case, TrainedCase) or case.task == task.name]
    if any(isinstance(case, TrainedCase) for case in named):
        return named
    suited = (case for case in cases if not isinstance(case, TrainedCase) or suits(case, task))
    return list(dict.fromkeys(on_task(case, task) if isinstance(case, TrainedCase) else case for case in suited))


def suits(case: TrainedCase, task: Task) -> bool:
    """Whether the question of a case can be asked about a task, and its architecture takes that kind of input."""
    return case.is_about(task) and task.kind in case.kinds and architecture(case.architecture).sizes.kind == task.kind


def trained_as(cases: Sequence[Case], recipes: Sequence[str] = (), num_seeds: int = 0, weights: str = "") -> list[Case]:
    """Return the cases, those that train by each of the recipes, from the weights, with the seeds that are asked for.

    What is not asked for stays as it is. A recipe that starts from random weights does so still. What stands behind a
    comma changes each case's own recipe.
    """

    def trained(case: Case) -> list[Case]:
        if not isinstance(case, TrainedCase):
            return [case]
        seeds = num_seeds or case.num_seeds
        named = [instead_of(case.recipe, name) for name in recipes or (case.recipe,)]
        names = [starting_from(name, weights) if weights and is_pretrained(name) else name for name in named]
        return [replace(case, recipe=name, num_seeds=seeds) for name in names]

    return list(dict.fromkeys(found for case in cases for found in trained(case)))


def is_pretrained(name: str) -> bool:
    """Whether a recipe starts from other weights than random ones."""
    return recipe(name).weights != RANDOM


def on_task(case: TrainedCase, task: Task) -> TrainedCase:
    """Return `case` on a task, by the recipe of that task's set that suits its architecture.

    What the case changes of its recipe it keeps on its own task. A case that adapts a model keeps its set of recipes,
    which is made for its adaptation; on a user's own images it trains on all of them.
    """
    entry, (base, comma, changes) = architecture(case.architecture), case.recipe.partition(",")
    if not isinstance(case, AdaptationCase):
        kept = f"{comma}{changes}" if task.name == case.task else ""
        return replace(case, task=task.name, recipe=f"{recipe_for(task, entry).name}{kept}")
    suited = recipe_of_set(set_of(base), entry).name if set_of(base) else base
    few = None if is_own(task) else case.num_train
    return replace(case, task=task.name, recipe=f"{suited}{comma}{changes}", num_train=few)


def is_own(task: Task) -> bool:
    """Whether a task is the user's own: of these there may be few images, and all are trained on."""
    return ":" in task.name


def is_costly_control(case: Case) -> bool:
    """Whether a case would train a deep model from random weights, to be set beside the pretrained one."""
    return isinstance(case, AdaptationCase) and "_deep_" in case.recipe and not is_pretrained(case.recipe)


def _skipped(case: Case, tasks: Tasks) -> list[pytest.MarkDecorator]:
    """Return a skip mark for a place that an architecture, a task or weights were put into and that they do not fit."""
    reason = without_input(case, tasks) or without_targets(case, tasks) or unfit_weights(case, tasks)
    return [pytest.mark.skip(reason=reason)] if reason else []
