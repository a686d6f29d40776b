"""Pytest's configuration as its own parser makes it of a command line, for tests that need no session."""

import pytest

PLUGINS = ("-p", "pytest_benchmark.plugin", "-p", "vitcnn.pytest_plugin")


@pytest.fixture
def config_of(tmp_path, monkeypatch):
    """Return what makes the configuration of a command line in `tmp_path`, which is the root folder too."""
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    monkeypatch.setattr("pytest_benchmark.plugin.get_tag", lambda *_project: "a tag")  # it asks git each time
    monkeypatch.chdir(tmp_path)

    def make(*arguments, device="cpu"):
        options = (*PLUGINS, "-s", f"--rootdir={tmp_path}", f"--device={device}")
        return pytest.Config.fromdictargs({}, [*options, *map(str, arguments)])

    return make


def given_elsewhere(config, *given):
    """Return a configuration whose options come from an ini file; the command line holds no more than `given`."""
    config.invocation_params = pytest.Config.InvocationParams(
        args=given, plugins=None, dir=config.invocation_params.dir
    )
    return config
