from types import SimpleNamespace

import pytest

from vitcnn import LatencyCase
from vitcnn.pytest_plugin.benchmark_table import TableHooks

CASE = LatencyCase(architecture="lenet", px=28, batch=1)
ITEMS = (
    SimpleNamespace(nodeid=f"test_latency.py::test_latency[{CASE}]", callspec=SimpleNamespace(params={"case": CASE})),
    SimpleNamespace(nodeid="test_own.py::test_own"),
)
GROUPS = [
    ("latency", [{"fullname": ITEMS[0].nodeid}]),
    ("own", [{"fullname": "test_own.py::test_own"}, {"fullname": "test_foreign.py::test_foreign"}]),
]


def shown(*args, addopts=()):
    """Return the groups that pytest-benchmark shows where these are the command line's arguments."""
    config = SimpleNamespace(
        invocation_params=SimpleNamespace(args=args), getini=lambda name: list(addopts) if name == "addopts" else None
    )
    hooks = TableHooks(config)
    hooks.pytest_collection_finish(SimpleNamespace(items=ITEMS))
    hook = hooks.pytest_benchmark_group_stats()
    next(hook)
    with pytest.raises(StopIteration) as end:
        hook.send(GROUPS)
    return end.value.value


@pytest.mark.parametrize("args", [(), ("-v",), ("--benchmark-compare",), ("--benchmark-save=columns",)])
def test_the_suites_cases_are_not_in_the_table_and_everybody_elses_are(monkeypatch, args):
    monkeypatch.delenv("PYTEST_ADDOPTS", raising=False)
    assert shown(*args) == GROUPS[1:]


@pytest.mark.parametrize(
    "option",
    ["--benchmark-columns=min,max", "--benchmark-sort", "--benchmark-verbose", "--benchmark-histogram=plots/x"],
)
def test_an_option_about_the_table_asks_for_it_wherever_it_is_given(monkeypatch, option):
    monkeypatch.delenv("PYTEST_ADDOPTS", raising=False)
    assert shown(option) == GROUPS
    assert shown(addopts=[option]) == GROUPS
    monkeypatch.setenv("PYTEST_ADDOPTS", f"-q {option}")
    assert shown() == GROUPS
