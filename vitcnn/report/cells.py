"""A cell is a case without its architecture: records of one cell can be compared."""

from __future__ import annotations

import re

from vitcnn.record import Record

OF_A_FAMILY = re.compile(r"(_deep)?_(cnn|vit)(?=,|$)")
"""How the names of recipes end, but for a variant's changes, that are made for a family in a set for both."""


def cell(record: Record) -> str:
    """Return the record's case with `*` for its architecture, and for what of its recipe's name is the family's.

    So `digits_vit` and `digits_deep_cnn` are both `digits_*`. A recipe that is of no such set is `*` whole.
    """
    without = record.case.replace(f"/{record.architecture}/", "/*/", 1)
    return without.replace(f"/{record.recipe}/", f"/{shared_recipe(record)}/", 1) if record.recipe else without


def shared_recipe(record: Record) -> str:
    """Return the name of the record's recipe with `*` for what is the family's: `digits_*`; `*` alone where all is."""
    shared, is_of_a_set = OF_A_FAMILY.subn("_*", record.recipe)
    return shared if is_of_a_set else "*"
