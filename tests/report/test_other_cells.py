"""The cells that stand in no column of the table."""

from dataclasses import replace

import pytest
from record_builders import accuracy, latency, memory, run_of, training
from report_builders import QUESTIONS, summary

from vitcnn.report.other_cells import MOST_CELLS, other_cells

COLUMNS = [question.columns for question in QUESTIONS]


def shown(*records, width=200):
    return other_cells(records, COLUMNS, width=width)


def rows(text):
    return [line.split() for line in text.splitlines() if line.startswith("cases") or "/*/" in line]


def changed(one, old, new):
    """Return the record of another case, the id of which has `new` in the place of `old`."""
    cell = one.cell.replace(old, new)
    return replace(one, case=one.case.replace(old, new), settings={**one.settings, "cell": cell})


def compiled(one):
    return changed(one, "eager", "compiled")


def test_a_cell_that_no_column_shows_has_a_row_with_what_its_column_would_show():
    text = shown(
        *(latency(name, 0.001) for name in ("vit_tiny", "lenet", "resnet18")),
        compiled(latency("vit_tiny", 0.0005)),
        latency("lenet", 0.016, batch=16),
        latency("vit_tiny", 0.032, batch=16),
    )
    title, *_ = text.splitlines()
    assert title == "Other cases. They are shown as in the table above: latency 28 px, ms median/p95."
    assert rows(text) == [
        ["cases", "lenet", "vit_tiny"],  # CNNs first
        ["latency/*/28/b1/fp32/compiled", "-", "0.500/0.500"],
        ["latency/*/28/b16/fp32/eager", "16.0/16.0", "32.0/32.0"],
    ]


def test_of_each_question_the_metric_of_its_first_column_is_shown():
    text = shown(
        training("lenet", 0.1),
        training("vit_tiny", 0.1),
        training("lenet", 0.1, batch=64),
        memory("lenet", parameters=1),
        memory("vit_tiny", parameters=1),
        changed(memory("lenet", parameters=1, saved=7_000_000), "b16", "b64"),
    )
    assert rows(text)[1:] == [["training/*/28/b64/fp32/eager", "640"], ["memory/*/28/b64/training/fp32/eager", "7.00"]]
    assert "training 28 px images/s; saved for backward MB." in text


def test_a_row_is_left_out_of_a_table_in_which_it_would_be_empty():
    text = shown(
        *(latency(name, 0.001) for name in ("vit_tiny", "lenet")),
        compiled(latency("vit_tiny", 0.0005)),
        latency("lenet", 0.016, batch=16),
        width=50,
    )
    assert rows(text) == [
        ["cases", "lenet"],
        ["latency/*/28/b16/fp32/eager", "16.0/16.0"],
        ["cases", "vit_tiny"],
        ["latency/*/28/b1/fp32/compiled", "0.500/0.500"],
    ]


@pytest.mark.parametrize(
    "records", [[], [latency("lenet", 0.1), latency("lenet", 0.1, px=224)], [accuracy("lenet", right=[[1, 0]])]]
)
def test_where_the_columns_show_everything_there_is_nothing(records):
    assert shown(*records) == ""


def test_many_cells_are_counted_and_not_listed():
    text = shown(*(latency("lenet", 0.001, batch=batch) for batch in range(1, MOST_CELLS + 4)))
    assert len(rows(text)) == 1 + MOST_CELLS
    assert text.endswith("\n... and 2 more rows, in the JSON.")


def test_the_summary_holds_them_below_the_table():
    text = summary(run_of(latency("lenet", 0.1), latency("lenet", 0.2, batch=2)), width=100)
    assert text.index("Shown: ") < text.index("Other cases. ") < text.index("latency/*/28/b2/fp32/eager")
