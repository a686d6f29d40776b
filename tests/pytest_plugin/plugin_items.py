"""Items and reports of pytest made by hand, for tests of the plugin that need no session."""

from types import SimpleNamespace

import pytest


def item_of(name, *, case=None, measures=True, marks=(), **config):
    """Return an item of `test_mini.py`; `case` is what its parameter of that name holds, `config` its session's."""
    found = SimpleNamespace(
        nodeid=f"test_mini.py::{name}",
        fixturenames=["measure", "case"] if measures else ["case"],
        stash=pytest.Stash(),
        config=SimpleNamespace(**{"stash": pytest.Stash(), **config}),
        get_closest_marker=lambda asked: next((mark for mark in marks if mark.name == asked), None),
    )
    if case is not None:
        found.callspec = SimpleNamespace(params={"case": case})
    return found


def report_of(item, when="call", outcome="passed", why=None, *, seconds=0.0, xfail=None):
    """Return pytest's report on one phase of an item that took `seconds`; `xfail` is the reason of such a mark.

    Its words are copies, as in a report that comes from a worker.
    """
    file, _, name = item.nodeid.partition("::")
    report = pytest.TestReport(
        nodeid=item.nodeid,
        location=(file, None, name),
        keywords={},
        outcome=copied(outcome),
        longrepr=why,
        when=copied(when),
        duration=seconds,
    )
    if xfail is not None:
        report.wasxfail = xfail
    return report


def copied(word):
    """Return a string that is equal and not the same."""
    return "".join([*word])
