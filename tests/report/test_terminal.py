from dataclasses import replace

import pytest
from record_builders import accuracy, latency, measurement, memory, run_of, tiled, training
from report_builders import summary, table

from vitcnn.record import CaseResult, Record
from vitcnn.report.noisy_times import LEGEND, noise
from vitcnn.report.terminal import ONE_SEED

WIDE = 500
RUN = run_of(
    latency("vit_tiny", 0.004),
    latency("lenet", *(value / 1000 for value in range(1, 102))),
    memory("lenet", parameters=61_706, macs=416_520, saved=2_500_000),
    memory("vit_tiny", parameters=5_362_762),
    tiled("resnet18", 12.34),
)


def columns_of(text):
    """Return the cells of the table by column title, its lines joined, and architecture."""
    lines = text.split("\nShown")[0].splitlines()
    number = next(index for index, line in enumerate(lines) if set(line) <= {"-", " "})
    edges, start = [], 0
    for part in lines[number].split("  "):
        edges.append((start, start + len(part)))
        start += len(part) + 2
    titles = [" ".join(line[a:b].strip() for line in lines[:number]).strip() for a, b in edges]
    body = [[line[a:b].strip() for a, b in edges] for line in lines[number + 1 :]]
    return {title: {row[1]: row[index] for row in body} for index, title in enumerate(titles)}


def shown_in(text):
    """Return the line that names the cells of the columns."""
    (line,) = (line for line in text.splitlines() if line.startswith("Shown: "))
    return line


def test_cells_hold_the_numbers_in_the_units_of_their_columns():
    shown = columns_of(table(RUN, width=WIDE))
    assert shown["latency 28 px, ms median/p95"] == {"lenet": "51.0/96.0~", "resnet18": "-", "vit_tiny": "4.00/4.00"}
    assert shown["4K frame s"] == {"lenet": "-", "resnet18": "12.3", "vit_tiny": "-"}
    assert shown["saved for backward MB"] == {"lenet": "2.50", "resnet18": "-", "vit_tiny": "2.00"}
    assert shown["para- meters M"] == {"lenet": "0.0617", "resnet18": "-", "vit_tiny": "5.36"}
    assert shown["MACs M"] == {"lenet": "0.417", "resnet18": "-", "vit_tiny": "1.00"}


def test_families_stand_together_cnns_first_and_keep_the_order_of_collection():
    run = run_of(*(latency(name, 0.1) for name in ("coatnet", "vit_tiny", "resnet18", "vit_micro", "lenet")))
    shown = columns_of(table(run, width=WIDE))
    assert list(shown["family"]) == ["resnet18", "lenet", "vit_tiny", "vit_micro", "coatnet"]
    assert list(shown["family"].values()) == ["cnn", "cnn", "vit", "vit", "hybrid"]


def test_columns_without_a_number_are_left_out():
    assert list(columns_of(table(run_of(tiled("lenet", 1.0)), width=WIDE))) == ["family", "architecture", "4K frame s"]


def test_accuracy_is_in_per_cent_with_its_interval_and_training_time_beside_it():
    run = run_of(accuracy("lenet", right=[[1] * 90 + [0] * 10] * 2, seconds=3.5))
    shown = columns_of(table(run, width=WIDE))
    assert (
        shown["accuracy digits % [95 %]"]["lenet"] == "90.0 [82.5, 94.5]"
    )  # Wilson's of 90 in 99: one degree of freedom less
    assert shown["training digits s"]["lenet"] == "3.50"


@pytest.mark.parametrize("seeds, is_said", [(1, True), (2, False)])
def test_the_table_says_that_one_seed_shows_no_spread(seeds, is_said):
    run = run_of(accuracy("lenet", right=[[1] * 90 + [0] * 10] * seeds, seconds=3.5))
    assert (ONE_SEED in table(run, width=WIDE)) == is_said


def test_time_to_the_target_stands_beside_the_training_time_where_all_seeds_reached_it():
    def case(architecture, *seconds):
        entry = accuracy(architecture, right=[[1] * 90 + [0] * 10] * 2, seconds=3.5)
        reached = (measurement("time_to_accuracy_s", *seconds),) if seconds else ()
        settings = {**entry.settings, "target_accuracy": 0.985}
        return replace(entry, measurements=(*entry.measurements, *reached), settings=settings)

    shown = columns_of(table(run_of(case("lenet", 1.5, 2.5), case("vit_tiny")), width=WIDE))
    assert list(shown)[3:] == ["training digits s", "to 98.5 % digits s"]
    assert shown["to 98.5 % digits s"] == {"lenet": "2.00", "vit_tiny": "-"}
    assert "to 98.5 % digits s" not in columns_of(table(run_of(case("vit_tiny")), width=WIDE))


def test_training_shows_images_a_second():
    shown = columns_of(table(run_of(training("lenet", 0.01)), width=WIDE))
    assert shown["training 28 px images/s"]["lenet"] == "1,600"


def test_a_column_shows_the_cell_that_most_architectures_have_and_the_footnote_names_it():
    run = run_of(
        latency("lenet", 0.001),
        latency("lenet", 0.016, batch=16),
        latency("vit_tiny", 0.032, batch=16),
    )
    text = table(run, width=WIDE)
    assert columns_of(text)["latency 28 px, ms median/p95"] == {"lenet": "16.0/16.0", "vit_tiny": "32.0/32.0"}
    assert shown_in(text) == "Shown: latency/*/28/b16/fp32/eager"


def test_of_equally_common_cells_the_first_collected_is_shown():
    text = table(run_of(latency("lenet", 0.016, batch=16), latency("lenet", 0.001)), width=WIDE)
    assert shown_in(text) == "Shown: latency/*/28/b16/fp32/eager"


def test_a_cell_of_adapted_models_is_shown_where_there_is_no_other():
    adapted = [
        replace(record, settings={**record.settings, "adaptation": "head", "cell": "latency/*/28/b1/head/fp32/eager"})
        for record in (latency("lenet", 0.001), latency("vit_micro", 0.001))
    ]
    whole = latency("lenet", 0.016)
    assert shown_in(table(run_of(*adapted, whole), width=WIDE)) == "Shown: latency/*/28/b1/fp32/eager"
    assert table(run_of(*adapted), width=WIDE).splitlines()[-1] == "Shown: latency/*/28/b1/head/fp32/eager"


def test_footnote_names_each_shown_cell_once():
    footnote, legend = table(RUN, width=WIDE).partition("Shown: ")[2].splitlines()
    assert legend == LEGEND
    assert footnote == (
        "latency/*/28/b1/fp32/eager, tiled/*/3840x2160/t512/o10/b5/fp32/eager, memory/*/28/b16/training/fp32/eager"
    )


def test_a_table_wider_than_the_terminal_becomes_several_that_hold_the_same():
    whole, _, footnote = table(RUN, width=WIDE).partition("\nShown: ")
    needed = max(len(line) for line in whole.splitlines())
    assert table(RUN, width=needed).partition("\nShown: ")[0] == whole
    parts, _, parts_footnote = table(RUN, width=needed - 1).partition("\nShown: ")
    first, second = parts.split("\n\n")
    assert max(len(line) for line in parts.splitlines()) < needed
    expected = columns_of(whole)
    for part in (first, second):
        for title, shown in columns_of(part).items():
            assert shown == {name: expected[title][name] for name in shown}
    assert list({**columns_of(first), **columns_of(second)}) == list(expected)
    assert parts_footnote.split() == footnote.split()


def test_a_table_of_several_leaves_out_architectures_it_shows_nothing_of():
    tables = table(RUN, width=30).partition("\nShown:")[0].split("\n\n")
    assert [list(columns_of(text)["family"]) for text in tables] == [
        ["lenet", "vit_tiny"],
        ["resnet18"],
        ["lenet", "vit_tiny"],
        ["lenet", "vit_tiny"],
        ["lenet", "vit_tiny"],
    ]


def test_a_run_without_architectures_has_no_table():
    own = Record(case="mine", architecture="", family="", settings={"question": "own", "images": 1}, status="ok")
    assert table(run_of(own), width=WIDE) == ""
    assert table(run_of(), width=WIDE) == ""


def test_summary_counts_how_the_cases_ended():
    others = (
        CaseResult(id="a", outcome="skipped", reason="why"),
        CaseResult(id="b", outcome="out_of_memory", reason="why"),
        CaseResult(id="c", outcome="out_of_memory", reason="why"),
    )
    lines = summary(run_of(latency("lenet", 0.1), *others), width=WIDE).splitlines()
    assert lines[-2:] == ["Cases: 2 out of memory, 1 passed, 1 skipped.", "Skipped, 1 case: why"]


def test_summary_names_the_most_frequent_reasons_of_skipped_cases():
    others = tuple(CaseResult(id=f"c{n}", outcome="skipped", reason=f"why {min(n, 4)}") for n in range(6))
    lines = summary(run_of(*others), width=WIDE).splitlines()
    assert lines[-5:-3] == ["Cases: 6 skipped.", "Skipped, 2 cases: why 4"]
    assert lines[-1] == "... and 2 more reasons, in the JSON."


def test_summary_breaks_no_address_at_its_hyphens():
    address = "https://a-site-of-data.example/train-images-of-digits.gz"
    skipped = CaseResult(id="a", outcome="skipped", reason=f"it cannot be downloaded ({address}): fetch it first")
    assert address in summary(run_of(skipped), width=70)


def test_summary_holds_tradeoffs_first_then_the_table_and_counts():
    tradeoff, table_text, warning, counts = summary(RUN, width=WIDE).split("\n\n")
    assert table_text == table(RUN, width=WIDE)
    assert tradeoff.startswith("vit_tiny against lenet: ")
    assert warning == noise(RUN)
    assert counts == "Cases: 5 passed."
