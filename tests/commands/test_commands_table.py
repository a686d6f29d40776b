"""`vitcnn table` on stored runs."""

import csv
from io import StringIO

import pytest
from record_builders import ended, latency, run_of
from report_builders import QUESTIONS, summary, table
from store_builders import write

from vitcnn.cli import main
from vitcnn.report.export import markdown

RUN = run_of(latency("lenet", 0.001), latency("vit_tiny", 0.004), ended("latency/resnet18", "failed"))


@pytest.fixture
def stored(tmp_path):
    return write(tmp_path / "night" / "run.json", RUN)


def shown(capsys, *arguments):
    assert main(["table", *map(str, arguments)]) == 0
    return capsys.readouterr().out


def test_text_is_all_that_the_run_ended_with(capsys, stored, monkeypatch):
    monkeypatch.setenv("COLUMNS", "60")
    text = shown(capsys, stored)
    assert text == f"{summary(RUN, width=60)}\n"
    assert table(RUN, width=60) in text
    assert "Cases: 1 failed, 2 passed." in text


def test_a_folder_stands_for_the_json_in_it(capsys, stored):
    assert shown(capsys, stored.parent) == shown(capsys, stored)


def test_markdown_is_the_same_for_a_page(capsys, stored):
    assert shown(capsys, stored, "--format", "markdown") == markdown(RUN.records, QUESTIONS)


def test_csv_says_where_and_when_it_was_measured(capsys, stored):
    rows = list(csv.DictReader(StringIO(shown(capsys, stored, "--format", "csv"))))
    assert [(row["architecture"], row["median"], row["device"]) for row in rows] == [
        ("lenet", "0.001", "cpu-test-1t"),
        ("vit_tiny", "0.004", "cpu-test-1t"),
    ]
    assert {row["started"] for row in rows} == {RUN.started}


def test_a_run_without_a_figure_for_the_table_is_refused_and_csv_is_named(capsys, tmp_path):
    empty = write(tmp_path / "run.json", run_of())
    assert main(["table", str(empty)]) == 2
    assert "--format csv" in capsys.readouterr().err
    assert shown(capsys, empty, "--format", "csv").startswith("case,question,")


@pytest.mark.parametrize(
    "name, says", [("nowhere.json", "there is no such file"), ("other.json", "not written by a vitcnn run")]
)
def test_what_is_no_run_is_refused(capsys, tmp_path, name, says):
    (tmp_path / "other.json").write_text("{}")
    assert main(["table", str(tmp_path / name)]) == 2
    assert says in capsys.readouterr().err
