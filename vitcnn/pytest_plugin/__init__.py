"""The pytest plugin. To use it, write `pytest_plugins = ["vitcnn.pytest_plugin"]` in the root conftest."""

from __future__ import annotations

from collections.abc import Generator

import pytest

from vitcnn.errors import UserError
from vitcnn.processes.turns import inherited_turns
from vitcnn.pytest_plugin.benchmark_table import NAME as TABLE
from vitcnn.pytest_plugin.benchmark_table import TableHooks
from vitcnn.pytest_plugin.fixtures import OPTIONS
from vitcnn.pytest_plugin.fixtures import architecture as architecture
from vitcnn.pytest_plugin.fixtures import data as data
from vitcnn.pytest_plugin.fixtures import device as device
from vitcnn.pytest_plugin.fixtures import measure as measure
from vitcnn.pytest_plugin.fixtures import model as model
from vitcnn.pytest_plugin.fixtures import task as task
from vitcnn.pytest_plugin.gating import with_verdict
from vitcnn.pytest_plugin.grammar import add_options
from vitcnn.pytest_plugin.hooks import SuiteHooks
from vitcnn.pytest_plugin.options import check_options
from vitcnn.pytest_plugin.storage import (
    prepare_json_folder,
    remove_empty_storage_at_the_end,
    require_outside_stores,
    set_default_storage,
)
from vitcnn.pytest_plugin.taking_turns import TURNS, TurnHooks
from vitcnn.pytest_plugin.telling_time import NAME as TIME
from vitcnn.pytest_plugin.telling_time import TimeHooks
from vitcnn.pytest_plugin.tracing import TRACING, Tracing

NAME = "vitcnn-suite"
NEVER_TIMED = "ignore:Benchmark fixture was not used at all"
"""pytest-benchmark's warning of a test that failed before it was timed: how it ended is told without it."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the plugin's options."""
    add_options(parser)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_cmdline_main(config: pytest.Config) -> Generator[None, int | pytest.ExitCode, int | pytest.ExitCode]:
    """Make a session with --gate red if it ends without a verdict; the option is read before others can change it."""
    is_asked = config.getoption("--gate") is not None
    status = yield
    return with_verdict(config, status) if is_asked else status


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Check the options before anything runs, and before pytest-benchmark opens its storage."""
    if not hasattr(config.option, "benchmark_storage"):
        raise pytest.UsageError(
            "pytest-benchmark is switched off, but vitcnn needs it for timing: do not switch it off"
        )
    try:
        options = check_options(config)
        set_default_storage(config, options.device)
        require_outside_stores(config, out=options.out, trace=options.trace)
        remove_empty_storage_at_the_end(config)
        prepare_json_folder(config)
        turns = inherited_turns(options.request.turns if options.request else None)
    except UserError as error:
        raise pytest.UsageError(str(error)) from None
    config.stash[OPTIONS] = options
    if options.trace:
        config.stash[TRACING] = Tracing(options.trace)
    config.addinivalue_line("filterwarnings", NEVER_TIMED)
    suite = SuiteHooks(config, options)
    if config.pluginmanager.register(suite, NAME) is None:
        raise pytest.UsageError(f"-p no:{NAME} would measure without saving or judging the results: leave it out")
    if not hasattr(config, "workerinput"):
        config.pluginmanager.register(TimeHooks(config, options), TIME)
        config.pluginmanager.register(TableHooks(config), TABLE)
    if turns:
        config.stash[TURNS] = turns
        config.pluginmanager.register(TurnHooks(config, turns, suite.ledger), "vitcnn-turns")
