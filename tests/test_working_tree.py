"""Which revision is measured: its commit, and what was changed since."""

import subprocess

import pytest

from vitcnn.working_tree import changes, contents, state


@pytest.fixture
def project(tmp_path):
    """A repository of one commit: a module, and a file that names what git ignores."""
    write = {"lib/size.py": "SIZE = 1\n", ".gitignore": "ignored.py\n"}
    for name, text in write.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    who = ("-c", "user.name=A", "-c", "user.email=a@example.org")
    for arguments in (("init", "--quiet"), ("add", "--all"), (*who, "commit", "--quiet", "--message", "first")):
        subprocess.run(["git", "-C", str(tmp_path), *arguments], check=True)
    return tmp_path


def test_a_commit_as_it_is_has_no_changes(project):
    assert changes(project) == ""
    assert (
        state(project).strip()
        == subprocess.check_output(["git", "-C", project, "rev-parse", "HEAD"], text=True).strip()
    )


@pytest.mark.parametrize("name", ["lib/size.py", "lib/new.py", "new.py"])
def test_what_a_module_holds_counts_whether_git_tracks_it_or_not(project, name):
    found = []
    for size in (2, 3, 2):
        (project / name).write_text(f"SIZE = {size}\n", encoding="utf-8")
        found.append(changes(project / "lib"))
    assert found[0] == found[2] != found[1], "seen from a folder of the project as well"
    assert all(found)


def test_what_a_file_of_a_submodule_holds_counts(project, tmp_path_factory):
    outer = tmp_path_factory.mktemp("outer")
    allowed, who = ("-c", "protocol.file.allow=always"), ("-c", "user.name=A", "-c", "user.email=a@example.org")
    added = (*allowed, "submodule", "--quiet", "add", str(project), "vendor")
    for arguments in (("init", "--quiet"), added, (*who, "commit", "--quiet", "--message", "first")):
        subprocess.run(["git", "-C", str(outer), *arguments], check=True)
    assert changes(outer) == ""
    found = []
    for size in (2, 3):
        (outer / "vendor" / "lib" / "size.py").write_text(f"SIZE = {size}\n", encoding="utf-8")
        found.append(changes(outer))
    assert found[0] != found[1]


def test_a_new_file_of_another_name_is_another_state(project):
    (project / "one.py").touch()
    before = changes(project)
    (project / "one.py").rename(project / "two.py")
    assert changes(project) not in ("", before)


@pytest.mark.parametrize("name", ["ignored.py", "run.json", "env/lib/site.py"])
def test_what_git_ignores_what_a_run_writes_and_virtual_environments_are_left_out(project, name):
    (project / name).parent.mkdir(parents=True, exist_ok=True)
    (project / "env").mkdir(exist_ok=True)
    (project / "env" / "pyvenv.cfg").touch()
    (project / name).write_text("SIZE = 2\n", encoding="utf-8")
    assert changes(project) == ""


def test_a_new_file_that_cannot_be_read_is_a_change(project):
    (project / "link.py").symlink_to("nowhere.py")
    assert changes(project) != ""


def test_without_a_repository_nothing_is_known(tmp_path, monkeypatch):
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    assert changes(tmp_path) == state(tmp_path) == ""


def test_two_commits_of_the_same_files_hold_the_same(project):
    before = contents(project / "lib")
    again = ("-c", "user.name=A", "-c", "user.email=a@example.org", "commit", "--quiet", "--allow-empty", "-m", "again")
    subprocess.run(["git", "-C", str(project), *again], check=True)
    assert contents(project / "lib") == before != ""
    (project / "settings.json").write_text("{}")
    subprocess.run(["git", "-C", str(project), "add", "settings.json"], check=True)
    assert contents(project / "lib") != before
