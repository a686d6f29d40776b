"""Settings that give a number its meaning but are not part of the case id: if they differ, nothing is compared."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import MISSING, fields
from functools import cache
from itertools import chain
from typing import Any, get_args

from vitcnn.gate.verdict import RECORD_AGAIN
from vitcnn.quantity import first_of
from vitcnn.recipes.parts import Augmentation, Optimizer, Recipe
from vitcnn.record import UNTRAINED, Record

ALWAYS = ("data_sha256", "weights_sha256", "timer", "garbage", "modes")
"""Settings that mean something by their absence too."""

NEUTRAL = frozenset(
    {
        "preset",  # when it is run
        "cell",  # says again what the id says
        "time_tolerance",  # how it is judged
        "seeds",  # scores are set beside each other seed by seed
        "rounds",
        "calls_per_round",
        "clocks",  # judged by themselves
        "cpus",
        "bound",  # what binds a run follows from its figures
        "energy",  # judged as a figure
        "train_images_on",  # follows from the memory that was free
        "counted_with",
        "instructions_counted_with",  # sets aside that one count
        "num_parameters",  # judged as figures where they are one
        "parameters_by_part",
        "pretraining",  # what came of making the weights, which `weights_made_by` explains
        "weights_made_as",  # the code and the versions too, which are what is judged
        UNTRAINED,  # the user's code, which is what is judged
        "target_accuracy",  # of a figure that is not judged
    }
)
"""Settings that may differ; all others must be equal."""

NEUTRAL_PARTS = frozenset({"training.source"})

NOT_ALONE = (
    "Something that ran before it in the same process changes what it builds (a layer in a default argument, a class "
    "attribute, a table of a module), or its first weights are drawn by other random numbers than those of torch, "
    "numpy and Python. Make all of it anew in __init__"
)

LONGEST = 40
MOST_NAMED = 5


def other_meaning(before: Sequence[Record], now: Sequence[Record]) -> str:
    """Return what differs in the meaning of two sides' records, in words; empty where nothing does.

    What one side does not record is taken for its default, where it has one, and for equal, where it has none.
    """
    found = differences(before, now)
    return f"its settings differ from the baseline: {found}. {RECORD_AGAIN}" if found else ""


def differences(before: Sequence[Record], now: Sequence[Record]) -> str:
    """Return the settings that differ, as `other_meaning` compares them: `data_sha256 12ab -> 34cd`."""
    first = _meant(now[0].settings)
    if all(_meant(record.settings) == first for record in (*before, *now)):
        return ""
    sides = [[flat(record.settings) for record in records] for records in (before, now)]
    names = dict.fromkeys(chain(ALWAYS, *(meanings for side in sides for meanings in side)))
    return first_of([difference for name in names if (difference := _difference(name, *sides))], MOST_NAMED)


def other_models(before: Sequence[Record], now: Sequence[Record]) -> str:
    """Return that the runs of one side trained different models, in words; empty where they did not."""
    for side, records in (("baseline", before), ("current revision", now)):
        found = {record.settings[UNTRAINED] for record in records if UNTRAINED in record.settings}
        if len(found) > 1:
            return f"the runs of the {side} trained different models: {UNTRAINED} differs. {NOT_ALONE}"
    return ""


def flat(settings: Mapping[str, Any]) -> dict[str, str]:
    """Return each leaf of the settings that have a meaning, by its path: `training.optimizer.kind`."""
    leaves = chain.from_iterable(_leaves(name, value) for name, value in _meant(settings).items())
    return {name: text for name, text in leaves if name not in NEUTRAL_PARTS}


def _meant(settings: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in settings.items() if name not in NEUTRAL}


def _leaves(name: str, value: Any) -> Iterator[tuple[str, str]]:
    if isinstance(value, Mapping):
        for key, part in {**_defaults(value), **value}.items():
            yield from _leaves(f"{name}.{key}", part)
    elif isinstance(value, (list, tuple)):
        yield f"{name}.length", str(len(value))
        for index, part in enumerate(value):
            yield from _leaves(f"{name}.{index}", part)
    else:
        yield name, value if isinstance(value, str) else json.dumps(value)


def _defaults(part: Mapping[str, Any]) -> dict[str, Any]:
    """Return the defaults of a recipe, or of a part of one, written as JSON."""
    kind = part.get("kind")
    cls = _kinds().get(kind) if isinstance(kind, str) else Recipe if {"optimizer", "epochs"} <= part.keys() else None
    if cls is None:
        return {}
    return {field.name: field.default for field in fields(cls) if field.default is not MISSING}


@cache
def _kinds() -> dict[str, Any]:
    parts: tuple[Any, ...] = (*get_args(Augmentation), *get_args(Optimizer))
    return {part.kind: part for part in parts}  # a dataclass keeps its defaults as attributes of the class


def _difference(name: str, before: Sequence[Mapping[str, str]], now: Sequence[Mapping[str, str]]) -> str:
    old, new = (
        sorted({value for meanings in side if (value := _value(name, meanings)) is not None}) for side in (before, now)
    )
    if old == new or not old or not new:
        return ""
    return f"{name} {_text(old)} -> {_text(new)}"


def _value(name: str, meanings: Mapping[str, str]) -> str | None:
    """Return what a record says, "none" where its silence says something, or None where it says nothing."""
    whole = name.partition(".")[0]
    is_telling = name in ALWAYS or any(other.partition(".")[0] == whole for other in meanings)
    return meanings.get(name, "none" if is_telling else None)


def _text(values: Sequence[str]) -> str:
    return ", ".join(value[:LONGEST] for value in values)
