import sys
from dataclasses import dataclass
from types import ModuleType

import pytest

from vitcnn import catalogue


@dataclass(frozen=True)
class Fruit:
    name: str


@dataclass(frozen=True)
class Tool:
    name: str


def module(**constants):
    made = ModuleType("orchard")
    vars(made).update(constants)
    return made


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A package whose modules hold fruits; `apples` also imports the pear."""
    folder = tmp_path / "vitcnn_test_orchard"
    folder.mkdir()
    monkeypatch.syspath_prepend(tmp_path)
    here = __name__
    (folder / "__init__.py").write_text("", encoding="utf-8")
    (folder / "pears.py").write_text(f"from {here} import Fruit\nPEAR = Fruit('pear')\n", encoding="utf-8")
    (folder / "apples.py").write_text(
        f"from {here} import Fruit\nfrom vitcnn_test_orchard.pears import PEAR\nAPPLE = Fruit('apple')\n",
        encoding="utf-8",
    )
    yield __import__("vitcnn_test_orchard")
    for name in [name for name in sys.modules if name.startswith("vitcnn_test_orchard")]:
        del sys.modules[name]


def test_entries_of_a_module_are_its_constants_of_one_kind():
    apple, pear = Fruit("apple"), Fruit("pear")
    found = catalogue.entries(module(APPLE=apple, PEAR=pear, SAW=Tool("saw"), NUMBER=3), Fruit)
    assert found == {"apple": apple, "pear": pear}


def test_entries_of_a_package_come_from_all_its_modules_and_an_imported_one_counts_once(package):
    found = catalogue.entries(package, Fruit)
    assert set(found) == {"apple", "pear"}
    assert found["pear"] is sys.modules["vitcnn_test_orchard.pears"].PEAR


def test_modules_are_the_package_and_then_its_modules_in_alphabetical_order(package):
    names = [found.__name__ for found in catalogue.modules(package)]
    assert names == ["vitcnn_test_orchard", "vitcnn_test_orchard.apples", "vitcnn_test_orchard.pears"]


def test_one_entry_under_two_constants_is_one_entry():
    apple = Fruit("apple")
    assert catalogue.entries(module(APPLE=apple, ALSO_APPLE=apple), Fruit) == {"apple": apple}


def test_two_entries_of_one_name_are_a_bug_of_ours():
    with pytest.raises(AssertionError, match="two Fruit entries are named 'apple'"):
        catalogue.entries(module(ONE=Fruit("apple"), TWO=Fruit("apple")), Fruit)
