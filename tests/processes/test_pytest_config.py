"""The file that pytest itself would find is the oracle."""

import pytest
from _pytest.config.findpaths import locate_config

from vitcnn.processes.pytest_config import config_file

OWN = "[tool.pytest.ini_options]\npythonpath = ['python']\n"


@pytest.mark.parametrize(
    "files, found",
    [
        ({}, None),
        ({"pyproject.toml": OWN}, "pyproject.toml"),
        ({"pyproject.toml": "[project]\nname = 'p'\n", "tox.ini": "[pytest]\n"}, "tox.ini"),
        ({"tox.ini": "[tox]\n", "setup.cfg": "[tool:pytest]\n"}, "setup.cfg"),
        ({"setup.cfg": "[metadata]\n"}, None),
        ({"pytest.ini": "", "pyproject.toml": OWN}, "pytest.ini"),
        ({"pyproject.toml": OWN, "app/pyproject.toml": OWN}, "app/pyproject.toml"),
        ({"pyproject.toml": OWN, "app/pyproject.toml": "[project]\nname = 'p'\n"}, "pyproject.toml"),
        ({"pyproject.toml": OWN, "app/benchmarks/tox.ini": "[pytest]\n"}, "app/benchmarks/tox.ini"),
    ],
)
def test_it_is_the_nearest_that_configures_pytest(tmp_path, files, found):
    top = tmp_path / "top"
    suite = top / "app" / "benchmarks"
    suite.mkdir(parents=True)
    for name, text in files.items():
        (top / name).write_text(text)
    expected = top / found if found else None
    assert config_file(suite, top) == expected
    assert config_file(suite / "test_it.py", top) == expected
    assert locate_config(tmp_path, [suite])[1] == expected


def test_what_lies_above_the_repository_is_not_its_own(tmp_path):
    (tmp_path / "pytest.ini").touch()
    (tmp_path / "top").mkdir()
    assert config_file(tmp_path / "top", tmp_path / "top") is None


def test_a_broken_file_is_pytests_to_complain_of(tmp_path):
    (tmp_path / "pyproject.toml").write_text("[tool.pytest")
    assert config_file(tmp_path, tmp_path) == tmp_path / "pyproject.toml"
