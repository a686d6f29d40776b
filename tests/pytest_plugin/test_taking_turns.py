"""What a session does that takes turns with that of another revision, without a session and without the other."""

import sys
from types import SimpleNamespace

import pytest
from plugin_items import item_of
from plugin_sessions import Hook, called

from vitcnn.pytest_plugin import taking_turns
from vitcnn.pytest_plugin.taking_turns import TurnHooks
from vitcnn.references import OF_A_FILE


class Turns:
    """Stands in for a session's turns: `order` is what the other end answers, `said` what it was told."""

    def __init__(self, order=()):
        self.order, self.said = order, []

    def start(self, cases):
        self.said.append(cases)
        return self.order

    def case(self, name):
        self.said.append(name)

    def close(self):
        self.said.append("closed")


@pytest.fixture
def tree(tmp_path, monkeypatch):
    """Return the tree of a revision whose package is `lib`, checked out beside the repository's main tree."""
    monkeypatch.setattr(taking_turns, "tracked_modules", lambda root: {"lib"} if root == tmp_path / "tree" else set())
    monkeypatch.setattr(taking_turns, "repository", lambda folder: folder.parent)
    monkeypatch.setattr(taking_turns, "main_checkout", lambda _root: tmp_path / "main")
    monkeypatch.setattr(taking_turns, "installed_of", lambda *where: list(where))
    monkeypatch.setattr(taking_turns, "packages_of", lambda where: {"mapped"} if where == found_in(tmp_path) else set())
    monkeypatch.setattr(taking_turns, "other_entry_points", lambda _installed: "")
    monkeypatch.setattr(taking_turns.sys, "prefix", str(tmp_path / "main" / ".venv"))
    return tmp_path / "tree"


def found_in(folder):
    """Return where is looked for what is installed: the checkout, the tree, and the folder that the command runs in."""
    return [folder / "main", folder / "tree", folder / "tree" / "project"]


@pytest.fixture
def imports(monkeypatch):
    """Return what imports modules of these names from these files, and no others."""

    def let(**files):
        modules = {name: SimpleNamespace(__file__=str(file) if file else None) for name, file in files.items()}
        monkeypatch.setattr(sys, "modules", {**modules, "gone": None})

    return let


class Left:
    """Stands for the ledger: keeps which items were left out because they were asked to be."""

    def __init__(self):
        self.out = []

    def deselect(self, items, *, asked):
        assert asked == items
        self.out += [item.nodeid for item in items]


def hooks_of(tree, order=()):
    runs_in = SimpleNamespace(dir=tree / "project")
    return TurnHooks(SimpleNamespace(invocation_params=runs_in, hook=Hook()), Turns(order), Left())


def test_cases_are_those_of_both_sessions_in_their_order_behind_what_measures_nothing(tmp_path):
    found = hooks_of(tmp_path, ["test_mini.py::test_cat", "test_mini.py::test_ant"])
    items = [
        item_of(name, measures=name != "test_plain") for name in ("test_ant", "test_bee", "test_cat", "test_plain")
    ]
    found.pytest_collection_modifyitems(items)
    assert [item.nodeid.partition("::")[2] for item in items] == ["test_plain", "test_cat", "test_ant"]
    assert found.config.hook.told == [("deselected", ["test_mini.py::test_bee"])]
    assert found.ledger.out == ["test_mini.py::test_bee"], "as asked for: they are not skipped"
    assert found.turns.said == [["test_mini.py::test_ant", "test_mini.py::test_bee", "test_mini.py::test_cat"]]


def test_what_others_leave_out_and_sort_is_told_to_the_other_session_as_they_leave_it(tmp_path):
    found = hooks_of(tmp_path)
    items = [item_of("test_ant"), item_of("test_bee")]
    others = SimpleNamespace(pytest_collection_modifyitems=lambda items: items.pop())
    hook = called(others, pytest_collection_modifyitems=found.pytest_collection_modifyitems)
    hook.pytest_collection_modifyitems(session=None, config=None, items=items)
    assert found.turns.said == [["test_mini.py::test_ant"]]


def test_a_case_waits_for_its_turn_before_anything_of_it_is_made(tmp_path):
    found = hooks_of(tmp_path)
    hook = called(found, pytest_runtest_setup=lambda: found.turns.said.append("others"))
    hook.pytest_runtest_setup(item=item_of("test_ant"))
    hook.pytest_runtest_setup(item=item_of("test_plain", measures=False))
    assert found.turns.said == ["test_mini.py::test_ant", "others", "others"]


def test_a_session_that_ends_leaves_the_other_alone(tmp_path):
    found = hooks_of(tmp_path)
    found.pytest_unconfigure()
    assert found.turns.said == ["closed"]


OWN = OF_A_FILE + "mine"


@pytest.mark.parametrize(
    "name, file, is_refused",
    [
        ("lib", "tree/lib/__init__.py", False),
        ("lib", "main/lib/__init__.py", True),
        ("lib", "elsewhere/lib.py", True),
        ("lib", "main/.venv/lib.py", True),
        ("lib", None, False),
        ("mapped", "main/.venv/mapped.py", True),
        ("mapped.inner", "main/.venv/mapped/inner.py", True),
        ("mapped", "tree/source/__init__.py", False),
        ("helpers", "main/tests/helpers.py", True),
        ("helpers", "tree/tests/helpers.py", False),
        ("numpy", "main/.venv/numpy.py", False),
        ("numpy", "elsewhere/numpy.py", False),
        (OWN, "elsewhere/mine.py", True),
        (OWN, "main/mine.py", True),
        (OWN, "tree/mine.py", False),
    ],
)
def test_what_the_revision_has_itself_is_imported_from_its_tree_alone(tree, imports, name, file, is_refused):
    file = tree.parent / file if file else None
    imports(sys=None, numpy2="/elsewhere/numpy2.py", **{name: file})
    found = hooks_of(tree)
    if not is_refused:
        found.pytest_collection_finish()
        found.pytest_runtest_teardown()
        return
    said = f"same file {file}" if name == OWN else f"the measured {name} would be {file} instead of this revision's"
    with pytest.raises(pytest.UsageError, match=said):
        found.pytest_collection_finish()


def test_a_session_ends_where_entry_points_are_installed_that_the_revision_does_not_declare(tree, imports, monkeypatch):
    monkeypatch.setattr(taking_turns, "other_entry_points", lambda installed: f"of {len(installed)}")
    imports()
    with pytest.raises(pytest.UsageError, match="of 3"):
        hooks_of(tree).pytest_collection_finish()


def test_a_session_also_ends_where_a_test_imports_it_from_elsewhere_when_the_test_is_taken_down(tree, imports):
    found, seen = hooks_of(tree), []
    imports(lib=tree / "lib.py")
    found.pytest_collection_finish()
    imports(lib=tree / "lib.py", helpers=tree.parent / "main" / "helpers.py")
    others = SimpleNamespace(pytest_runtest_teardown=lambda: seen.append("others"))
    hook = called(others, pytest_runtest_teardown=found.pytest_runtest_teardown)
    with pytest.raises(pytest.exit.Exception, match="the measured helpers would be") as ended:
        hook.pytest_runtest_teardown(item=None, nextitem=None)
    assert (ended.value.returncode, seen) == (pytest.ExitCode.USAGE_ERROR, ["others"])
