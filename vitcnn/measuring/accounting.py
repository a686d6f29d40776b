"""Checks a case and its record, and sets imported objects aside before a measurement, with and without pytest."""

from __future__ import annotations

import gc
from collections.abc import Callable
from dataclasses import asdict

from vitcnn.errors import CaseError, RecordError, UserError
from vitcnn.record import Record
from vitcnn.record.digits import in_few_digits
from vitcnn.record.json_documents import require_sound
from vitcnn.spec import Case


def require_case(value: object, *, do: str) -> Case:
    """Return `value` where it is a case; UserError where it is none."""
    if not isinstance(value, Case):
        raise UserError(field="measure(case)", value=value, allowed="a case, such as LatencyCase(...)", do=do)
    return value


def storable(measure: Callable[[], Record]) -> Record:
    """Return the record that `measure` returns, as it is kept; CaseError where it holds what no JSON can."""
    try:
        record = measure()
        require_sound(asdict(record))
    except RecordError as error:
        raise CaseError(str(error)) from error
    try:
        record.to_json()
    except (TypeError, ValueError) as error:
        raise CaseError(f"the record cannot be written as JSON: {error}") from error
    return in_few_digits(record)


def freeze_what_is_imported() -> None:
    """Import what every case needs and set it aside, so that looking for leaks looks at the cases' own objects."""
    if gc.get_freeze_count() == 0:
        import timm  # noqa: F401
        import torch  # noqa: F401

        gc.collect()
        gc.freeze()
