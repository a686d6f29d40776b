"""The pictures that a run leaves beside its JSON, and what they must never do to it."""

import re

import pytest
from miniature import OPTIONS, set_for_processes

from vitcnn.processes.fresh import measure_in_fresh_process

SWITCH_ON = """
    from dataclasses import replace

    from vitcnn.recipes import recipes

    pytest_plugins = ["vitcnn.pytest_plugin"]
    recipes()["toy"] = replace(recipes()["digits_cnn"], name="toy", epochs=1)
"""
MINI = """
    from vitcnn import AccuracyCase

    CASES = [AccuracyCase(architecture="lenet", task="digits", recipe="toy", num_seeds=1)]

    def test_accuracy(case, measure):
        measure(case)
"""
OWN = """
    def test_own(measure):
        measure.time(lambda: None)
"""
BREAK = """
    import vitcnn.pytest_plugin.plotting

    def broken(records):
        raise ValueError("no ink")
        yield

    every = vitcnn.pytest_plugin.plotting.drawings()
    vitcnn.pytest_plugin.plotting.drawings = lambda: {"accuracy": every["accuracy"], "broken": broken}
"""


@pytest.fixture(scope="module")
def drawn(new_suite):
    suite = new_suite({"conftest.py": SWITCH_ON, "benchmarks/test_mini.py": MINI, "benchmarks/test_own.py": OWN})
    return suite, suite.run("benchmarks", "--junitxml", "junit.xml")


def plots(result):
    return sorted(path.name for path in (result.folder / "plots").glob("*"))


def test_plots_lie_beside_the_json_and_the_last_lines_name_their_folder(drawn):
    _, result = drawn
    assert result.exit_code == 0, result.out
    names = ["accuracy-digits.png", "confusion-lenet-digits-toy-s1-fp32-eager.png", "learning-digits.png"]
    assert plots(result) == names
    assert re.search(
        r"^JSON of this run: out1/run\.json\nPlots of this run: out1/plots \(3\)$", result.out, re.MULTILINE
    )


def test_runs_that_vitcnn_asked_for_draw_nothing(drawn, monkeypatch):
    suite, _ = drawn
    set_for_processes(monkeypatch)
    path = measure_in_fresh_process(["benchmarks", *OPTIONS], out=suite.root / "fresh", root=suite.root)
    assert path.is_file()
    assert not (suite.root / "fresh" / "plots").exists()
    assert "Plots of this run" not in (suite.root / "fresh" / "terminal.txt").read_text()


def test_where_there_is_nothing_to_draw_nothing_is_said(drawn):
    suite, _ = drawn
    result = suite.run("benchmarks/test_own.py")
    assert result.exit_code == 0
    assert "lots" not in result.out
    assert not (result.folder / "plots").exists()


def test_a_plot_that_fails_leaves_a_line_and_a_run_as_green_and_whole_as_ever(new_suite):
    suite = new_suite({"conftest.py": f"{SWITCH_ON}{BREAK}", "benchmarks/test_mini.py": MINI})
    result = suite.run("benchmarks")
    assert result.exit_code == 0
    line = "Not all plots could be drawn (ValueError: no ink). The JSON holds all of their numbers."
    assert result.out.splitlines().count(line) == 1
    assert result.run.records
    assert plots(result) == ["accuracy-digits.png"]
