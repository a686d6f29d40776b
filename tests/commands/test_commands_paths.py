"""Paths on the command line that are empty or too long: one error that names the option, and nothing is written."""

import pytest

from vitcnn.cli import main
from vitcnn.errors import UserError
from vitcnn.tasks import data_root

LONG = "x" * 300
COMMANDS = {
    "--out": "gate run.json --baseline b --out",
    "--baseline": "gate run.json --baseline",
    "CURRENT": "gate --baseline b",
    "--from": "noise --from",
    "--suite": "list cases --suite",
    "--data-root": "fetch digits --data-root",
    "--baselines": "baseline show --baselines",
}


@pytest.fixture(autouse=True)
def elsewhere(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("VITCNN_DATA", raising=False)


@pytest.mark.parametrize(
    "value, why", [("", "Perhaps a variable in the command is not set."), (LONG, "File name too long")]
)
@pytest.mark.parametrize("field", COMMANDS)
def test_each_is_refused_by_name(capsys, tmp_path, field, value, why):
    assert main([*COMMANDS[field].split(), value]) == 2
    (message,) = capsys.readouterr().err.splitlines()
    assert message.startswith(f"vitcnn: {field}: {value!r} cannot be used. Allowed: a path")
    assert why in message
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("value", ["", " ", LONG, "~nobody-of-this-name/data"])
def test_a_variable_that_names_no_folder_is_refused(monkeypatch, value):
    monkeypatch.setenv("VITCNN_DATA", value)
    with pytest.raises(UserError, match=r"^\$VITCNN_DATA: "):
        data_root()
