import json

import pytest
from record_builders import accuracy, latency, run_of

from vitcnn.errors import RecordError
from vitcnn.pytest_plugin.journal import Journal, read_journal
from vitcnn.record import SCHEMA, CaseResult

PASSED = CaseResult(id="a", outcome="passed", record=latency("lenet", 0.001, 0.002))
RUN = run_of()
SKIPPED = CaseResult(id="b", outcome="skipped", reason="no data: fetch it — ünïcode\nsecond line")
TRAINED = CaseResult(id="c", outcome="passed", record=accuracy("vit_micro", right=[[1, 0, 1], [1, 1, 1]]))


@pytest.fixture
def journal(tmp_path):
    return Journal(tmp_path / "runs" / "journal.jsonl", lambda: RUN)


def results(journal):
    return list(read_journal(journal.path).results)


def test_results_come_back_as_they_were_written(journal):
    for result in (PASSED, SKIPPED, TRAINED):
        journal.append(result)
    assert results(journal) == [PASSED, SKIPPED, TRAINED]


def test_a_result_is_on_disk_before_the_next_one_ends(journal):
    journal.append(PASSED)
    assert results(journal) == [PASSED]
    journal.append(SKIPPED)
    assert results(journal) == [PASSED, SKIPPED]


def test_header_is_written_once_counts_the_schema_and_holds_the_run(journal):
    journal.begin()
    assert read_journal(journal.path).run == RUN
    journal.append(PASSED)
    journal.append(SKIPPED)
    lines = [json.loads(line) for line in journal.path.read_text(encoding="utf-8").splitlines()]
    assert {**lines[0], "named_files": {}} == {"vitcnn_journal": SCHEMA, "run": RUN.to_json(), "named_files": {}}
    assert [line.get("id") for line in lines] == [None, "a", "b"]


def test_a_second_writer_goes_on_with_the_same_journal(journal):
    journal.append(PASSED)
    Journal(journal.path, lambda: RUN).append(SKIPPED)
    assert results(journal) == [PASSED, SKIPPED]


def test_a_last_line_that_a_crash_cut_off_is_left_out_wherever_it_was_cut(journal):
    journal.append(PASSED)
    whole = journal.path.read_bytes()
    journal.append(SKIPPED)
    last_line = journal.path.read_bytes()[len(whole) :]
    for length in (0, 1, len(last_line) // 2, len(last_line) - 1):
        journal.path.write_bytes(whole + last_line[:length])
        assert results(journal) == [PASSED]


def test_a_broken_line_in_the_middle_is_an_error_with_its_place(journal):
    journal.append(PASSED)
    with journal.path.open("a", encoding="utf-8") as file:
        file.write("{broken\n")
    journal.append(SKIPPED)
    with pytest.raises(RecordError, match=r"journal\.jsonl:3: not JSON"):
        results(journal)


def test_a_line_that_is_no_case_result_is_an_error(journal):
    journal.append(PASSED)
    with journal.path.open("a", encoding="utf-8") as file:
        file.write('{"id": "x", "outcome": "splendid", "reason": "", "record": null, "place": "", "wall_s": null}\n')
    with pytest.raises(RecordError, match=r"journal\.jsonl:3: outcome: 'splendid'"):
        results(journal)


def test_a_journal_of_a_newer_schema_is_refused(journal):
    journal.append(PASSED)
    text = journal.path.read_text(encoding="utf-8").replace(f'"vitcnn_journal": {SCHEMA}', '"vitcnn_journal": 99')
    journal.path.write_text(text, encoding="utf-8")
    with pytest.raises(RecordError, match="jsonl:1: the header is of schema 99, but this vitcnn reads"):
        results(journal)


def test_the_seconds_of_the_rounds_are_kept_exactly(journal):
    journal.append(PASSED, (0.1 + 0.2, 1e-9))
    journal.append(SKIPPED)
    assert read_journal(journal.path).times_s == {"a": (0.1 + 0.2, 1e-9), "b": ()}


@pytest.mark.parametrize(
    "text, message",
    [
        ("", "is empty: the run was stopped before its first case"),
        ('{"vitcnn_jour', "is empty"),
        ("[1]\n", r":1: not a JSON object, but '\[1\]'"),
        ('{"benchmarks": []}\n', ":1: the header is of no journal of a vitcnn run"),
        ('{"vitcnn_journal": 2}\n', ":1: the header is of schema 2"),
        (f'{{"vitcnn_journal": {SCHEMA}}}\n', ":1: run: 'schema' is a required property"),
        (
            f'{{"vitcnn_journal": {SCHEMA}, "named_files": [1], "run": {json.dumps(RUN.to_json())}}}\n',
            r":1: named_files: \[1\] is not an object of sums by file",
        ),
    ],
)
def test_what_is_no_journal_is_an_error_that_names_it(tmp_path, text, message):
    path = tmp_path / "journal.jsonl"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(RecordError, match=message) as caught:
        read_journal(path)
    assert str(caught.value).startswith(str(path))


@pytest.mark.parametrize("seconds", ["null", '"1"', '["1"]', "[true]", "[NaN]"])
def test_seconds_that_are_no_numbers_are_an_error(journal, seconds):
    journal.append(PASSED, (1.5,))
    text = journal.path.read_text(encoding="utf-8")
    journal.path.write_text(text.replace("[1.5]", seconds), encoding="utf-8")
    with pytest.raises(RecordError, match=r"jsonl:2: times_s: .* is not a list of seconds"):
        results(journal)
