"""The hooks for `vitcnn compare`: a session that takes turns with the session of another revision."""

from __future__ import annotations

import sys
from functools import cached_property
from pathlib import Path

import pytest

from vitcnn.processes.installed import Installed, installed_of, other_entry_points, packages_of
from vitcnn.processes.turns import Turns
from vitcnn.processes.worktrees import main_checkout, repository, tracked_modules
from vitcnn.pytest_plugin.ledger import Ledger, case_id, is_measured
from vitcnn.references import OF_A_FILE

TURNS = pytest.StashKey[Turns]()
"""Where the session's turns are, in its configuration; nowhere where it measures alone."""


class TurnHooks:
    """Brings the cases into the order of both sessions, waits before each, and measures no other revision's code."""

    def __init__(self, config: pytest.Config, turns: Turns, ledger: Ledger) -> None:
        self.config = config
        self.turns = turns
        self.ledger = ledger
        self._seen: set[str] = set()

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Keep the cases that are to be measured, in their order; leave out the others."""
        order = self.turns.start([case_id(item) for item in items if is_measured(item)])
        places = {name: place for place, name in enumerate(order)}
        others = [item for item in items if is_measured(item) and case_id(item) not in places]
        self.config.hook.pytest_deselected(items=others)
        self.ledger.deselect(others, asked=others)
        kept = [item for item in items if item not in others]
        items[:] = sorted(kept, key=lambda item: places[case_id(item)] if is_measured(item) else -1)

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> None:
        """Wait for the turn of a case."""
        if is_measured(item):
            self.turns.case(case_id(item))

    @cached_property
    def _tree(self) -> Path:
        """The top folder of the revision's tree. Pytest's root may lie below it, or beside it."""
        return repository(self.config.invocation_params.dir).resolve()

    @cached_property
    def _modules(self) -> set[str]:
        return tracked_modules(self._tree)

    @cached_property
    def _checkout(self) -> Path:
        return main_checkout(self._tree).resolve()

    @cached_property
    def _installed(self) -> list[Installed]:
        return installed_of(self._checkout, self._tree, self.config.invocation_params.dir.resolve())

    @cached_property
    def _installed_packages(self) -> set[str]:
        return packages_of(self._installed)

    def pytest_collection_finish(self) -> None:
        """End a session whose suite takes what the revision has itself from elsewhere."""
        strange = self._from_elsewhere() or other_entry_points(self._installed)
        if strange:
            raise pytest.UsageError(strange)

    @pytest.hookimpl(trylast=True)
    def pytest_runtest_teardown(self) -> None:
        """End it also where a test imported that."""
        strange = self._from_elsewhere()
        if strange:
            pytest.exit(strange, returncode=pytest.ExitCode.USAGE_ERROR)

    def _from_elsewhere(self) -> str:
        """Say what of the revision was imported from outside of its tree; an empty string where nothing was."""
        tree, environment = self._tree, Path(sys.prefix).resolve()
        new = [name for name in sys.modules if name not in self._seen]
        self._seen.update(new)
        for name in new:
            given = getattr(sys.modules.get(name), "__file__", None)
            file = Path(given).resolve() if given else tree
            if file.is_relative_to(tree):
                continue
            if name.startswith(OF_A_FILE):
                do = "Name it by a path relative to the folder that you compare in"
                return f"both revisions would read the same file {file}. {do}"
            is_of_checkout = file.is_relative_to(self._checkout) and not file.is_relative_to(environment)
            is_installed = name.partition(".")[0] in self._installed_packages
            if name in self._modules or is_of_checkout or is_installed:
                do = "Name its folder in pytest's `pythonpath`, or uninstall what is installed of it"
                return f"the measured {name} would be {file} instead of this revision's. {do}"
        return ""

    def pytest_unconfigure(self) -> None:
        """Leave the other session alone."""
        self.turns.close()
