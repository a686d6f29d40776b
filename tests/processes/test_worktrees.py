"""What a checked-out revision holds; whole comparisons are in test_revisions."""

import subprocess

import pytest

from vitcnn.processes.worktrees import tracked_modules


@pytest.fixture
def names(tmp_path):
    """Return what tracks files of these names, and finds the modules that they are."""

    def found(*files):
        for name in files:
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).touch()
        for arguments in (["init", "--quiet"], ["add", "--all"]):
            subprocess.run(["git", "-C", str(tmp_path), *arguments], check=True)
        return tracked_modules(tmp_path)

    return found


def test_a_package_is_a_name_wherever_it_lies_and_what_it_holds_is_named_after_it(names):
    found = names("src/mine/__init__.py", "src/mine/sub/__init__.py", "src/mine/sub/size.py", "src/mine/data.csv")
    assert {"mine", "mine.sub", "mine.sub.size"} <= found
    assert found.isdisjoint({"sub", "sub.size", "size", "mine.data"}), "a package is no folder that Python imports from"


def test_a_folder_without_init_may_be_a_package_or_hold_what_is_imported(names):
    found = names("python/space/size.py", "python/org/mine/__init__.py")
    assert {"space.size", "python.space.size"} <= found, "no package says which it is"
    assert {"mine", "org.mine", "python.org.mine"} <= found


def test_a_module_in_no_folder_is_left_out_since_others_have_such_names(names):
    assert names("setup.py", "tools/setup.py") == {"tools.setup"}
