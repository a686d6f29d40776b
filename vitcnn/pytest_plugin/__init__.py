"""All the pytest glue there is. Switch it on in the root conftest: `pytest_plugins = ["vitcnn.pytest_plugin"]`."""

from __future__ import annotations

import pytest

from vitcnn.errors import UserError
from vitcnn.pytest_plugin.fixtures import OPTIONS
from vitcnn.pytest_plugin.fixtures import architecture as architecture
from vitcnn.pytest_plugin.fixtures import data as data
from vitcnn.pytest_plugin.fixtures import device as device
from vitcnn.pytest_plugin.fixtures import measure as measure
from vitcnn.pytest_plugin.fixtures import model as model
from vitcnn.pytest_plugin.fixtures import task as task
from vitcnn.pytest_plugin.hooks import SuiteHooks
from vitcnn.pytest_plugin.options import add_options, check_options, prepare_json_folder, set_default_storage
from vitcnn.pytest_plugin.taking_turns import TURNS, TurnHooks
from vitcnn.turns import inherited_turns


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the plugin's options."""
    add_options(parser)


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Check the options before anything runs, and before pytest-benchmark opens its storage."""
    try:
        options = check_options(config)
        prepare_json_folder(config)
        turns = inherited_turns()
    except UserError as error:
        raise pytest.UsageError(str(error)) from None
    config.stash[OPTIONS] = options
    set_default_storage(config, options.device)
    config.pluginmanager.register(SuiteHooks(config, options), "vitcnn-suite")
    if turns:
        config.stash[TURNS] = turns
        config.pluginmanager.register(TurnHooks(config, turns), "vitcnn-turns")
