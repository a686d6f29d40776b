"""What is installed of a repository: folders of metadata as pip writes them, on the import path."""

import json

import pytest

from vitcnn.processes.installed import installed_of, other_entry_points, packages_of

PROJECT = """
[project]
name = "My.Project"

[project.entry-points."vitcnn.architectures"]
net = "mypkg:Net"

[project.entry-points.pytest11]
mine = "mypkg.plugin"
"""


@pytest.fixture
def repository(tmp_path):
    """A checkout, and a tree of it that names its project."""
    checkout, tree = tmp_path / "checkout", tmp_path / "tree"
    (checkout / "dist").mkdir(parents=True)
    (checkout / "dist" / "mine.whl").touch()
    tree.mkdir()
    (tree / "pyproject.toml").write_text(PROJECT)
    return checkout, tree


@pytest.fixture
def install(tmp_path, monkeypatch):
    site = tmp_path / "site"
    monkeypatch.syspath_prepend(str(site))

    def add(name, package, url="", net="mypkg:Net", **direct):
        folder = site / f"{name}-1.dist-info"
        folder.mkdir(parents=True)
        (folder / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1\n")
        (folder / "RECORD").write_text(f"{package}/__init__.py,,\n{name}-1.dist-info/METADATA,,\n")
        (folder / "entry_points.txt").write_text(f"[vitcnn.architectures]\nnet = {net}\n\n[pytest11]\nx = y\n")
        if url:
            (folder / "direct_url.json").write_text(json.dumps({"url": url, **direct}))

    return add


def test_a_copy_that_was_installed_from_the_checkout_is_of_it_whatever_its_folders_are_called(repository, install):
    checkout, tree = repository
    install("from_folder", "mapped", checkout.as_uri(), dir_info={})
    install("from_wheel", "built", (checkout / "dist" / "mine.whl").as_uri(), archive_info={})
    install("my_project", "by_name")
    install("elsewhere", "other", (tree.parent / "another").as_uri(), dir_info={})
    install("of_the_index", "common")
    install("of_the_web", "loaded", "https://example.org/checkout/x.whl", archive_info={})
    assert packages_of(installed_of(checkout, tree, tree)) == {"mapped", "built", "by_name"}


def test_a_project_below_the_top_has_its_own_project_file(repository, install):
    checkout, tree = repository
    (checkout / "inner").mkdir()
    (tree / "inner").mkdir()
    (tree / "inner" / "pyproject.toml").write_text(PROJECT.replace("mypkg:Net", "mypkg:Large"))
    install("inner", "mypkg", (checkout / "inner").as_uri(), dir_info={"editable": True})
    assert "net' of vitcnn.architectures is mypkg:Net in the installed inner and mypkg:Large" in other_entry_points(
        installed_of(checkout, tree, tree)
    )


@pytest.mark.parametrize(
    "net, project, says",
    [
        ("mypkg:Net", PROJECT, ""),
        ("mypkg:Small", PROJECT, "is mypkg:Small in the installed my-project and mypkg:Net in this revision's"),
        ("mypkg:Net", PROJECT.replace("net =", "wide ="), "and missing in this revision's pyproject.toml"),
        ("mypkg:Net", '[project]\nname = "my_project"', "and missing in this revision's pyproject.toml"),
    ],
)
def test_entry_points_that_a_revision_declares_otherwise_are_named(repository, install, net, project, says):
    checkout, tree = repository
    (tree / "pyproject.toml").write_text(project)
    install("my-project", "mypkg", net=net)
    found = other_entry_points(installed_of(checkout, tree, tree))
    assert says in found if says else not found


def test_a_project_file_that_cannot_be_read_declares_nothing(repository, install):
    checkout, tree = repository
    (tree / "pyproject.toml").write_text("[project\n")
    install("my-project", "mypkg")
    assert installed_of(checkout, tree, tree) == []
