"""The plugin's hooks in a session made by hand, for tests that need none of pytest's own."""

from types import SimpleNamespace

import pytest
from plugin_items import item_of
from pytest_benchmark import hookspec
from record_builders import ENVIRONMENT, WHOLE

from vitcnn.device import Device
from vitcnn.pytest_plugin.hooks import SuiteHooks


class Hook:
    """The hooks that are called, as a session's plugins would answer; `told` is what they were told."""

    def __init__(self):
        self.told = []

    def pytest_deselected(self, items):
        self.told.append(("deselected", [item.nodeid for item in items]))

    def pytest_runtest_logreport(self, report):
        self.told.append((report.nodeid, report.outcome))

    def pytest_benchmark_generate_machine_info(self, **_session):
        return {}

    def pytest_benchmark_generate_commit_info(self, **_session):
        return {}

    def pytest_benchmark_update_machine_info(self, **_session):
        pass

    def pytest_benchmark_update_commit_info(self, **_session):
        pass

    def pytest_benchmark_generate_json(self, *, benchmarks, **_session):
        return {"benchmarks": benchmarks}

    def pytest_benchmark_update_json(self, *, config, output_json, **_session):
        config.suite.pytest_benchmark_update_json(output_json)


def suite_in(folder, judgement=None, *, gate="on", worker=False, collect=False, json=None, **more):
    """Return the hooks of a session in `folder` that collected the case `test_ant`; its gate comes to `judgement`."""
    option = SimpleNamespace(
        benchmark_compare=False,
        collectonly=collect,
        benchmark_storage="file://store",
        deselect=None,
        keyword="",
        markexpr="",
        tbstyle="auto",
    )
    config = SimpleNamespace(
        option=option,
        stash=pytest.Stash(),
        rootpath=folder,
        invocation_params=SimpleNamespace(dir=folder),
        getoption={"benchmark_json": json, "benchmark_storage": "file://store"}.get,
        hook=Hook(),
        pluginmanager=SimpleNamespace(get_plugin=lambda _name: None),
        **({"workerinput": {}} if worker else {}),
    )
    options = {
        "device": Device(name="cpu", key="cpu-test-1t"),
        "out": folder / "run",
        "gate": gate,
        "gate_reruns": 2,
        "selection": WHOLE,
        "request": None,
        "resumed": None,
        "count_instructions": False,
        "preset": "smoke",
        "architectures": (),
        "recipes": (),
    }
    found = config.suite = SuiteHooks(config, SimpleNamespace(**{**options, **more}))
    found.environment = ENVIRONMENT
    found.ledger.collect([item_of("test_ant")])
    found.gate.judge = lambda _run: setattr(found.gate, "judgement", judgement)
    return found


def called(suite, **others):
    """Return the hooks of `suite`, called as pytest calls them: among those of another plugin, registered later."""
    plugins = pytest.PytestPluginManager()
    plugins.add_hookspecs(hookspec)
    plugins.register(suite)
    plugins.register(SimpleNamespace(**others))
    return plugins.hook
