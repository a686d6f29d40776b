import subprocess
import sys

import pytest

from vitcnn.processes.leftovers import OWNER, left_behind, owned

DIES = """
import os, sys
from pathlib import Path
from vitcnn.processes.leftovers import owned

with owned(Path(sys.argv[1])):
    os._exit(1)
"""


def test_what_is_owned_by_a_live_process_is_not_left_behind(tmp_path):
    with owned(tmp_path / "mine"):
        assert list(left_behind(tmp_path)) == []
    assert not (tmp_path / "mine").exists()


def test_what_a_killed_process_owned_is_left_behind_once(tmp_path):
    subprocess.run([sys.executable, "-c", DIES, str(tmp_path / "theirs")], check=False)
    (tmp_path / "runs").mkdir()
    assert list(left_behind(tmp_path)) == [tmp_path / "theirs"]
    assert list(left_behind(tmp_path)) == []
    assert [path.name for path in tmp_path.iterdir()] == ["runs"]


def test_runs_that_lie_beside_it_stay(tmp_path):
    with owned(tmp_path / "mine"):
        (tmp_path / "mine" / "base-1").mkdir()
    assert [path.name for path in (tmp_path / "mine").iterdir()] == ["base-1"]


def test_the_file_is_gone_even_where_the_work_failed(tmp_path):
    with pytest.raises(OSError, match="disk"), owned(tmp_path / "mine"):
        raise OSError("disk")
    assert not (tmp_path / "mine" / OWNER).exists()
