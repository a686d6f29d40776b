"""Which of pytest's arguments are paths, and the command line that follows."""

import os

import pytest

from vitcnn import suite
from vitcnn.processes.session import PLUGIN, paths_among, session_arguments


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A working folder with a file, a folder and a suite elsewhere that is the package's own."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(suite, "PACKAGE", tmp_path / "installed" / "vitcnn")
    (tmp_path / "installed" / "vitcnn" / "_benchmarks").mkdir(parents=True)
    (tmp_path / "here.py").touch()
    (tmp_path / "there").mkdir()
    return tmp_path


@pytest.mark.parametrize(
    "arguments, paths",
    [
        (["here.py"], ["here.py"]),
        (["-q", "there", "--gate=strict"], ["there"]),
        (["here.py::test_a[b]", "-x"], ["here.py::test_a[b]"]),
        (["-k", "there", "here.py"], ["here.py"]),
        (["-k", "there"], []),
        (["-kthere"], []),
        (["--arch", "there", "--out", "here.py"], []),
        (["--gate", "there"], []),
        (["--benchmark-json", "here.py"], []),
        (["-k", ""], []),
        (["nowhere.py"], []),
        (["x" * 300], []),
        (["--no-such-option", "there"], ["there"]),
    ],
)
def test_paths_are_what_is_there_and_no_value_of_an_option(folder, arguments, paths):
    assert paths_among(arguments, folder) == paths


def test_a_path_may_be_there_in_one_of_several_folders(folder):
    (folder / "there" / "deep.py").touch()
    assert paths_among(["deep.py"], folder) == []
    assert paths_among(["deep.py"], folder, folder / "there") == ["deep.py"]


def test_no_conftest_runs_to_find_that_out(folder):
    (folder / "conftest.py").write_text("raise RuntimeError\n")
    assert paths_among(["here.py"], folder) == ["here.py"]


def test_the_suite_stands_first_and_a_path_in_its_place(folder):
    mine = suite.DEFAULT_FOLDER
    assert session_arguments(mine, ["--gate"], folder) == ["-p", PLUGIN, "benchmarks", "--gate"]
    assert session_arguments(mine, ["--gate", "-x", "there"], folder) == ["-p", PLUGIN, "--gate", "-x", "there"]


def test_the_packages_own_suite_takes_the_folder_for_its_root_and_its_configuration_alone(folder):
    own = suite.own_suite()
    assert own == folder / "installed" / "vitcnn" / "_benchmarks"
    rooted = [f"--rootdir={folder}", f"--confcutdir={own}"]
    expected = ["-p", PLUGIN, rooted[0], f"--config-file={os.devnull}", rooted[1]]
    assert session_arguments(own, ["-x"], folder) == [*expected, str(own), "-x"]
    (own / "test_a.py").touch()
    assert session_arguments(own, [f"{own}/test_a.py"], folder) == [*expected, f"{own}/test_a.py"]
    (folder / "pytest.ini").touch()
    assert f"--config-file={folder / 'pytest.ini'}" in session_arguments(own, [], folder)


def test_a_folder_that_holds_only_baselines_is_no_suite(folder):
    (folder / "benchmarks" / "baselines").mkdir(parents=True)
    assert suite.default_suite() == suite.own_suite()
    (folder / "benchmarks" / "test_a.py").touch()
    assert suite.default_suite() == suite.DEFAULT_FOLDER


def test_in_a_clone_the_packages_own_suite_is_the_projects(monkeypatch, tmp_path):
    monkeypatch.setattr(suite, "PACKAGE", tmp_path / "vitcnn")
    own = suite.own_suite()
    assert own == tmp_path / "benchmarks"
    assert not suite.is_borrowed(own, tmp_path)
    assert suite.is_borrowed(own, tmp_path / "elsewhere")
    assert not suite.is_borrowed(suite.DEFAULT_FOLDER, tmp_path / "elsewhere")
