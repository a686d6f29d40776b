"""pytest-benchmark's own table, of 240 columns: it holds the cases of the suite only where an option asks for it."""

from __future__ import annotations

import os
import shlex
from collections.abc import Generator
from typing import Any

import pytest

from vitcnn.pytest_plugin.ledger import case_of

NAME = "vitcnn-table"

ASKING = tuple(
    f"--benchmark-{what}"
    for what in (
        *("columns", "sort", "group-by", "name", "time-unit", "verbose"),  # how it looks
        *("histogram", "cprofile", "compare-fail"),  # what pytest-benchmark makes together with it
    )
)
"""Options that ask for the table. It is shown of all else that uses `benchmark`, and of a user's own `measure.time`."""

Groups = list[tuple[Any, list[dict[str, Any]]]]


class TableHooks:
    """Leaves the cases of the suite out of pytest-benchmark's table, unless an option asks for it."""

    def __init__(self, config: pytest.Config) -> None:
        self._is_asked = is_asked(config)
        self._ours: set[str] = set()

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Remember which items are cases of the suite."""
        self._ours = {item.nodeid for item in session.items if case_of(item)}

    @pytest.hookimpl(wrapper=True)
    def pytest_benchmark_group_stats(self) -> Generator[None, Groups, Groups]:
        """Leave the cases out of the groups that it would show."""
        groups = yield
        if self._is_asked:
            return groups
        kept = ((name, [row for row in rows if row["fullname"] not in self._ours]) for name, rows in groups)
        return [(name, rows) for name, rows in kept if rows]


def is_asked(config: pytest.Config) -> bool:
    """Whether an option that is about the table stands on the command line or where else options are given."""
    elsewhere = shlex.split(os.environ.get("PYTEST_ADDOPTS", ""))
    given = map(str, (*config.invocation_params.args, *config.getini("addopts"), *elsewhere))
    return any(argument.partition("=")[0] in ASKING for argument in given)
