"""Which files a Python file imports, in folders that the tests make."""

import sys
from pathlib import Path

import pytest

from vitcnn import imported_code
from vitcnn.imported_code import code_sha256, imported_files, our_code_sha256


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A folder that Python imports from, its files by name."""
    monkeypatch.syspath_prepend(tmp_path)
    imported_code._files.cache_clear()
    code_sha256.cache_clear()

    def write(**texts):
        for name, text in texts.items():
            path = tmp_path / f"{name.replace('__', '/')}.py"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        return tmp_path

    yield write
    imported_code._files.cache_clear()
    code_sha256.cache_clear()


def names(root, start="start.py"):
    return sorted(str(path.relative_to(root)) for path in imported_files(root / start))


@pytest.mark.parametrize(
    "statement",
    [
        "import deep_lib.start",
        "import deep_lib.start as other",
        "from deep_lib.start import SCALE",
        "from deep_lib import start",
        "def later():\n    from deep_lib.start import SCALE",
    ],
)
def test_a_module_is_found_however_it_is_imported(project, statement):
    root = project(start=statement, deep_lib__start="SCALE = 1")
    assert names(root) == ["deep_lib/start.py", "start.py"]


def test_what_is_imported_imports_further_be_it_in_circles(project):
    root = project(start="import one_step", one_step="import two_steps", two_steps="import one_step, numpy, json")
    assert names(root) == ["one_step.py", "start.py", "two_steps.py"]


def test_packages_run_as_well_and_relative_names_are_theirs(project):
    root = project(start="import odd_package.inner.part")
    for name, text in {
        "__init__": "from . import beside",
        "beside": "",
        "far": "",
        "inner/__init__": "",
        "inner/near": "",
        "inner/part": "from .near import A\nfrom ..far import B",
    }.items():
        path = root / "odd_package" / f"{name}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    found = ["__init__", "beside", "far", "inner/__init__", "inner/near", "inner/part"]
    assert names(root) == [*(f"odd_package/{name}.py" for name in found), "start.py"]


def test_nothing_is_run_and_what_is_no_python_imports_nothing(project):
    root = project(
        start="import raises_at_once", raises_at_once="import is_no_python\nraise SystemExit", is_no_python="("
    )
    assert names(root) == ["is_no_python.py", "raises_at_once.py", "start.py"]
    assert "raises_at_once" not in sys.modules


def test_installed_packages_count_only_for_their_own_files(project):
    root = project(start="import installed_thing, os", lib__site_packages="")
    folder = root / "lib" / "site-packages" / "installed_thing"
    folder.mkdir(parents=True)
    (folder / "__init__.py").write_text("import installed_thing.part")
    (folder / "part.py").write_text("import os")
    sys.path.insert(0, str(folder.parent))
    try:
        assert names(root) == ["start.py"]
        found = imported_files(folder / "__init__.py")
    finally:
        sys.path.remove(str(folder.parent))
    assert found == {folder / "__init__.py", folder / "part.py"}


def test_the_sum_is_of_what_files_hold_and_not_of_where_they_are(project, tmp_path):
    first = code_sha256(project(start="import deep_lib.start", deep_lib__start="SCALE = 1") / "start.py")
    (tmp_path / "start.py").rename(tmp_path / "renamed.py")
    assert code_sha256(tmp_path / "renamed.py") == first
    code_sha256.cache_clear()
    project(deep_lib__start="SCALE = 2")
    assert code_sha256(tmp_path / "renamed.py") != first


def test_our_own_code_has_one_sum_and_is_no_part_of_a_users(project):
    root = project(start="from vitcnn import Architecture")
    assert names(root) == ["start.py"]
    assert len(our_code_sha256()) == 64
    assert Path(imported_code.__file__) in set(imported_code.OURS.rglob("*.py"))
