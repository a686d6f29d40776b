"""The pictures that a run leaves beside its JSON, and what they must never do to it; nothing is trained for them."""

import json
import re

import pytest
from miniature import OPTIONS, set_for_processes
from record_builders import measurement, record

from vitcnn.processes.fresh import measure_in_fresh_process
from vitcnn.record import Series

TRAINED = record(
    "accuracy/lenet/digits/toy/fp32/eager",
    measurement("test_accuracy", 0.75, unit="1", better="higher"),
    question="accuracy",
    task="digits",
    recipe="toy",
    precision="fp32",
    mode="eager",
    classes=["even", "odd"],
    num_seeds=1,
    target_accuracy=0.9,
    series=(
        Series(name="training_loss", unit="nat", axes=("seed", "epoch"), values=((1.0,),)),
        Series(name="learning_rate", unit="1", axes=("epoch",), values=(0.1,)),
        Series(name="tested_epoch", unit="epoch", axes=("tested_epoch",), values=(1,)),
        Series(name="test_accuracy", unit="1", axes=("seed", "tested_epoch"), values=((0.75,),)),
        Series(name="training_time_s", unit="s", axes=("seed", "tested_epoch"), values=((2.0,),)),
        Series(
            name="confusion_matrix",
            unit="image",
            axes=("seed", "true_class", "predicted_class"),
            values=(((3, 1), (1, 3)),),
        ),
    ),
)
FILES = {"trained.json": json.dumps(TRAINED.to_json())}

SWITCH_ON = """
    import json
    from dataclasses import replace
    from pathlib import Path

    from vitcnn.measuring.own_benchmark import OwnBenchmark
    from vitcnn.record import Record

    pytest_plugins = ["vitcnn.pytest_plugin"]
    TRAINED = Record.from_json(json.loads((Path(__file__).parent / "trained.json").read_text()))


    def as_trained(record):
        return replace(TRAINED, case=record.case) if "trained" in record.case and record.measurements else record


    measure = OwnBenchmark.measure
    OwnBenchmark.measure = lambda self, **how: as_trained(measure(self, **how))
"""
MINI = """
    def test_trained(measure):
        measure.time(lambda: sum(range(1000)))
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
    suite = new_suite(
        {**FILES, "conftest.py": SWITCH_ON, "benchmarks/test_mini.py": MINI, "benchmarks/test_own.py": OWN}
    )
    return suite, suite.run("benchmarks", "--junitxml", "junit.xml")


def plots(result):
    return sorted(path.name for path in (result.folder / "plots").glob("*"))


def test_plots_lie_beside_the_json_and_the_last_lines_name_their_folder(drawn):
    _, result = drawn
    assert result.exit_code == 0, result.out
    names = ["accuracy-digits.png", "confusion-benchmarks-test_mini.py-test_trained.png", "learning-digits.png"]
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
    suite = new_suite({**FILES, "conftest.py": f"{SWITCH_ON}{BREAK}", "benchmarks/test_mini.py": MINI})
    result = suite.run("benchmarks")
    assert result.exit_code == 0
    line = "Not all plots could be drawn (ValueError: no ink). The JSON holds all of their numbers."
    assert result.out.splitlines().count(line) == 1
    assert result.run.records
    assert plots(result) == ["accuracy-digits.png"]
