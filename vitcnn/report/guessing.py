"""Says which models answer no better than by guessing, and how to train longer."""

from __future__ import annotations

from collections.abc import Sequence

from vitcnn.intervals import accuracy_interval
from vitcnn.quantity import counted
from vitcnn.record import Record
from vitcnn.record.answers import scores

LONGER = 5
"""So many times as many epochs are proposed."""


def guessing(records: Sequence[Record]) -> list[str]:
    """Return a sentence for each accuracy whose 95 % interval reaches down to one in the number of classes."""
    return [_sentence(record) for record in records if _is_guessing(record)]


def _is_guessing(record: Record) -> bool:
    settings = record.settings
    if settings["question"] != "accuracy" or not settings.get("classes") or "training" not in settings:
        return False
    return accuracy_interval(scores(record)).low <= 1 / len(settings["classes"])


def _sentence(record: Record) -> str:
    settings = record.settings
    epochs = settings["training"]["epochs"]
    longer = f"--recipe {record.recipe.partition(',')[0]},epochs={LONGER * epochs}"
    chance = f"1 of {len(settings['classes'])}"
    return (
        f"{record.architecture} on {settings['task']} may be no better than guessing ({chance}) after "
        f"{counted(epochs, 'epoch')}. To train longer, use for example {longer}."
    )
