"""A session that takes turns with that of another revision: the hooks that `vitcnn compare` needs."""

from __future__ import annotations

import pytest

from vitcnn.pytest_plugin.ledger import case_id, is_measured
from vitcnn.turns import Turns

TURNS = pytest.StashKey[Turns]()
"""Where the session's turns are, in its configuration; nowhere where it measures alone."""


class TurnHooks:
    """Brings the cases into the order of both sessions, and waits before each."""

    def __init__(self, config: pytest.Config, turns: Turns) -> None:
        self.config = config
        self.turns = turns

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Keep the cases that are to be measured, in their order; leave out the others."""
        order = self.turns.start([case_id(item) for item in items if is_measured(item)])
        places = {name: place for place, name in enumerate(order)}
        others = [item for item in items if is_measured(item) and case_id(item) not in places]
        self.config.hook.pytest_deselected(items=others)
        kept = [item for item in items if item not in others]
        items[:] = sorted(kept, key=lambda item: places[case_id(item)] if is_measured(item) else -1)

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> None:
        """Wait for the turn of a case."""
        if is_measured(item):
            self.turns.case(case_id(item))

    def pytest_unconfigure(self) -> None:
        """Leave the other session alone."""
        self.turns.close()
