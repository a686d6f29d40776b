"""`FILE.py:NAME` and `package.module:NAME`: what is found, and what each mistake says."""

import math
import re
import sys
from importlib.metadata import EntryPoint

import pytest

from vitcnn import references
from vitcnn.errors import UserError
from vitcnn.references import import_file, is_reference, load_reference, raised


def load(text, **given):
    settings = {"is_fit": callable, "allowed": "a function", **given}
    return load_reference("--arch", text, **settings)


def file_of(tmp_path, text, name="mine.py"):
    path = tmp_path / name
    path.write_text(text)
    return path


@pytest.mark.parametrize("text, expected", [("a.py:B", True), ("a.b:C", True), ("lenet", False), ("a.py", False)])
def test_a_colon_makes_a_reference(text, expected):
    assert is_reference(text) is expected


def test_a_name_in_a_file_is_called_by_the_files_stem(tmp_path):
    path = file_of(tmp_path, "def f():\n    return 7\n")
    found = load(f"{path}:f")
    assert (str(found), found.value(), found.file) == ("mine:f", 7, str(path.resolve()))


def test_a_name_in_a_module_is_called_by_its_last_part():
    found = load("os.path:join")
    assert str(found) == "path:join"
    assert load("math:sqrt").value is math.sqrt


def test_files_of_one_stem_are_two_modules_and_a_file_is_run_once(tmp_path):
    one = file_of(tmp_path, "def f():\n    return 1\n")
    (tmp_path / "other").mkdir()
    other = file_of(tmp_path / "other", "def f():\n    return 2\n")
    assert [load(f"{path}:f").value() for path in (one, other, one)] == [1, 2, 1]
    assert import_file(one) is import_file(one)


def test_a_file_imports_its_neighbours_but_hides_nothing_installed(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "path", list(sys.path))
    file_of(tmp_path, "NUMBER = 3\n", name="a_neighbour_of_mine.py")
    file_of(tmp_path, "raise RuntimeError\n", name="colorsys.py")
    path = file_of(tmp_path, "import colorsys, a_neighbour_of_mine\ndef f():\n    return a_neighbour_of_mine.NUMBER\n")
    assert load(f"{path}:f").value() == 3


def test_a_files_class_can_be_a_dataclass(tmp_path):
    path = file_of(
        tmp_path,
        "from __future__ import annotations\nfrom dataclasses import dataclass\n@dataclass\nclass A:\n    b: int\n",
    )
    assert load(f"{path}:A").value(3).b == 3


BROKEN = "def broken():\n    return {}['key']\n\nbroken()\n"


@pytest.mark.parametrize(
    "content, name, said",
    [
        (None, "f", "There is no file "),
        ("def g(): pass\nsize = 3\n", "f", "'f' cannot be used. Allowed: g. "),
        ("", "f", "Allowed: none of the names in "),
        ("f = 3", "f", "Allowed: a function. It is of type int."),
        (BROKEN, "f", "Importing it raised KeyError: 'key' (mine.py, line 2, in broken)."),
        ("import no_such_module", "f", "raised ModuleNotFoundError: No module named 'no_such_module' (mine.py, line 1"),
        ("def f(:", "f", "Importing it raised SyntaxError"),
        ("raise SystemExit(0)", "f", "Importing it raised SystemExit"),
        ("", "not a name", "Allowed: FILE.py:NAME or package.module:NAME"),
        ("", "", "Allowed: FILE.py:NAME or package.module:NAME"),
    ],
)
def test_each_mistake_is_one_error_that_says_what_to_do(tmp_path, content, name, said):
    path = tmp_path / "mine.py"
    if content is not None:
        path.write_text(content)
    with pytest.raises(UserError, match=re.escape(said)) as caught:
        load(f"{path}:{name}")
    assert str(caught.value).startswith("--arch: ")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("text", ["no.such.module:f", ":f", " :f", f"{'x' * 300}.py:f", "math:f"])
def test_what_is_not_there_is_refused(text):
    with pytest.raises(UserError, match="--arch: "):
        load(text)


def test_an_error_without_a_message_and_from_elsewhere_is_its_type_alone():
    assert raised(KeyboardInterrupt(), "") == "KeyboardInterrupt"
    assert raised(ValueError("one\ntwo"), "mine.py") == "ValueError: one"


def test_two_packages_cannot_offer_one_name(monkeypatch):
    found = [EntryPoint("x", value, "a.group") for value in ("a:b", "c:d")]
    monkeypatch.setattr(references, "entry_points", lambda group: [entry for entry in found if entry.group == group])
    references.offered.cache_clear()
    with pytest.raises(UserError, match="a:b and c:d both register it"):
        references.offered("a.group")
