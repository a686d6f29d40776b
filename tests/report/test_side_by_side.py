from vitcnn.report.side_by_side import side_by_side

COLUMNS = {
    "lenet": {"100": "95.1", "500": "98.0"},
    "vit_micro": {"100": "90.2"},
    "resnet18": {"500": "9.9"},
}
WHOLE = """\
images      lenet    vit_micro    resnet18
--------  -------  -----------  ----------
100          95.1         90.2           -
500          98.0            -         9.9"""


def test_one_table_where_all_fit_and_a_dash_where_there_is_nothing():
    assert side_by_side("images", COLUMNS, ["100", "500"], width=42) == WHOLE


def test_several_tables_where_not_all_fit_each_without_the_rows_that_it_would_leave_empty():
    first, second = side_by_side("images", COLUMNS, ["100", "500"], width=41).split("\n\n")
    assert first.splitlines()[0].split() == ["images", "lenet", "vit_micro"]
    assert [line.split() for line in second.splitlines() if "-----" not in line] == [
        ["images", "resnet18"],
        ["500", "9.9"],
    ]


def test_one_column_stands_even_where_it_does_not_fit():
    tables = side_by_side("images", COLUMNS, ["100"], width=3).split("\n\n")
    assert [table.splitlines()[0].split()[1] for table in tables] == list(COLUMNS)
