"""Figures to take away, of records made by hand: read back by other software than wrote them."""

import csv
from dataclasses import replace
from io import StringIO

import numpy as np
import pytest
from record_builders import accuracy, data_efficiency, latency, measurement, memory
from report_builders import QUESTIONS

import vitcnn
from vitcnn.intervals import accuracy_interval
from vitcnn.record import Record
from vitcnn.report.export import csv_table, markdown
from vitcnn.report.noisy_times import LEGEND
from vitcnn.report.terminal import table as table_of

SECONDS = (0.001, 0.002, 0.004)
RIGHT = [[1] * 90 + [0] * 10, [1] * 80 + [0] * 20]
LENET = latency("lenet", *SECONDS)
VIT = latency("vit_tiny", 0.006)


def rows(*records, **settings):
    return list(csv.DictReader(StringIO(csv_table(records, **settings))))


def test_csv_has_a_row_for_each_case_and_metric_with_what_was_measured_and_how():
    found = rows(LENET, memory("vit_tiny", parameters=7), constant={"device": "cpu-test-1t"})
    assert [(row["case"], row["metric"], row["unit"]) for row in found] == [
        (LENET.case, "latency_s", "s"),
        *(
            ("memory/vit_tiny/28/b16/training/fp32/eager", metric, unit)
            for metric, unit in (("parameters", "1"), ("macs", "MAC"), ("saved_for_backward_bytes", "B"))
        ),
    ]
    kept = ("question", "architecture", "family", "px", "batch", "phase", "task", "device")
    assert [found[0][name] for name in kept] == ["latency", "lenet", "cnn", "28", "1", "", "", "cpu-test-1t"]
    assert [found[1][name] for name in kept] == ["memory", "vit_tiny", "vit", "28", "16", "training", "", "cpu-test-1t"]


def test_csv_holds_the_statistics_of_the_samples_to_the_last_digit():
    [row] = rows(LENET)
    shown = {name: float(row[name]) for name in ("median", "p5", "p95", "mean")}
    assert shown == {
        "median": np.median(SECONDS),
        "p5": np.percentile(SECONDS, 5),
        "p95": np.percentile(SECONDS, 95),
        "mean": pytest.approx(np.mean(SECONDS)),
    }
    assert (row["n"], row["noisy"], row["low_95"]) == ("3", "yes", "")
    assert rows(VIT)[0]["noisy"] == "no"


@pytest.mark.parametrize("record", [accuracy("lenet", right=RIGHT), data_efficiency("lenet", 100, right=RIGHT)])
def test_csv_gives_accuracies_their_interval_and_recipes_their_name(record):
    scores, times = rows(record)
    interval = accuracy_interval(np.array(RIGHT))
    assert (float(scores["low_95"]), float(scores["high_95"])) == (interval.low, interval.high)
    assert (scores["metric"], scores["recipe"], scores["noisy"]) == ("test_accuracy", "digits_cnn", "")
    assert (times["metric"], times["low_95"], times["n"]) == ("training_time_s", "", "2")


def test_csv_of_runs_of_different_questions_can_be_put_below_each_other():
    assert csv_table([LENET]).splitlines()[0] == csv_table([accuracy("lenet", right=RIGHT)]).splitlines()[0]
    assert csv_table([]).splitlines() == csv_table([LENET]).splitlines()[:1]
    columns = csv_table([]).strip().split(",")
    assert len(columns) == len(set(columns))


def test_csv_holds_a_user_s_own_benchmarks():
    own = Record(
        case='test_mine.py::test_mine["a, b"]',
        architecture="",
        family="",
        settings={"question": "own", "images": 8},
        status="ok",
        measurements=(measurement("latency_s", 0.5),),
    )
    [row] = rows(own)
    assert (row["case"], row["question"], row["images"], row["median"]) == (own.case, "own", "8", "0.5")


def cells(line):
    return [cell.strip() for cell in line.strip("|").split(" | ")]


def test_markdown_holds_the_cells_of_the_terminal_s_table():
    text = markdown([VIT, LENET, memory("lenet", parameters=61_706)], QUESTIONS)
    latency, size = (tables.splitlines() for tables in text.split("\n\n")[:2])
    assert set(latency[1]) <= set("|-:")
    assert [cells(line) for line in (latency[0], *latency[2:])] == [
        ["family", "architecture", "latency 28 px, ms median/p95"],
        ["cnn", "lenet", "2.00/3.80\\~"],
        ["vit", "vit_tiny", "6.00/6.00"],
    ]
    assert [cells(line) for line in (size[0], *size[2:])] == [
        ["family", "architecture", "saved for backward MB", "parameters M", "MACs M"],
        ["cnn", "lenet", "2.00", "0.0617", "1.00"],
    ]
    assert "Shown: `latency/*/28/b1/fp32/eager`, `memory/*/28/b16/training/fp32/eager`" in text
    assert LEGEND.replace("~", "\\~") in text


def test_markdown_shows_below_them_what_has_no_column():
    cell = "latency/*/28/b9/fp32/eager"
    text = markdown([VIT, LENET, replace(LENET, settings={**LENET.settings, "cell": cell})], QUESTIONS)
    title, table = text.strip().split("\n\n")[-2:]
    assert title.startswith("Other cases. They are shown as in the table above: latency 28 px")
    assert cells(table.splitlines()[-1]) == [f"`{cell}`", "2.00/3.80\\~"]


def test_markdown_keeps_a_bar_in_a_name_within_its_cell():
    entry = replace(VIT, architecture="mine:a|b", case="latency/mine:a|b/28/b1/fp32/eager")
    other = replace(entry, settings={**entry.settings, "cell": "latency/*/28/b9/fp32/eager"})
    assert markdown([entry, other], QUESTIONS).count("mine:a\\|b") == 2


def test_where_no_figure_has_a_column_there_is_no_table():
    assert markdown([], QUESTIONS) == vitcnn.table([]) == ""


def test_table_from_python_is_the_terminal_s_of_one_record_or_many():
    assert vitcnn.table([LENET, VIT], width=100) == table_of([LENET, VIT], QUESTIONS, width=100)
    assert vitcnn.table(LENET, width=100) == table_of([LENET], QUESTIONS, width=100)
