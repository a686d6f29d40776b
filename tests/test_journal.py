import json

import pytest
from record_builders import accuracy, latency

from vitcnn.errors import RecordError
from vitcnn.journal import Journal, read_journal
from vitcnn.record import SCHEMA, CaseResult

PASSED = CaseResult(id="a", outcome="passed", record=latency("lenet", 0.001, 0.002))
SKIPPED = CaseResult(id="b", outcome="skipped", reason="no data: fetch it — ünïcode\nsecond line")
TRAINED = CaseResult(id="c", outcome="passed", record=accuracy("vit_micro", right=[[1, 0, 1], [1, 1, 1]]))


@pytest.fixture
def journal(tmp_path):
    return Journal(tmp_path / "runs" / "journal.jsonl")


def test_results_come_back_as_they_were_written(journal):
    for result in (PASSED, SKIPPED, TRAINED):
        journal.append(result)
    assert list(read_journal(journal.path)) == [PASSED, SKIPPED, TRAINED]


def test_a_result_is_on_disk_before_the_next_one_ends(journal):
    journal.append(PASSED)
    assert list(read_journal(journal.path)) == [PASSED]
    journal.append(SKIPPED)
    assert list(read_journal(journal.path)) == [PASSED, SKIPPED]


def test_header_is_written_once_and_counts_the_schema(journal):
    journal.append(PASSED)
    journal.append(SKIPPED)
    lines = [json.loads(line) for line in journal.path.read_text(encoding="utf-8").splitlines()]
    assert lines[0] == {"vitcnn_journal": SCHEMA}
    assert [line.get("id") for line in lines] == [None, "a", "b"]


def test_a_second_writer_goes_on_with_the_same_journal(journal):
    journal.append(PASSED)
    Journal(journal.path).append(SKIPPED)
    assert list(read_journal(journal.path)) == [PASSED, SKIPPED]


def test_a_last_line_that_a_crash_cut_off_is_left_out_wherever_it_was_cut(journal):
    journal.append(PASSED)
    whole = journal.path.read_bytes()
    journal.append(SKIPPED)
    last_line = journal.path.read_bytes()[len(whole) :]
    for length in (0, 1, len(last_line) // 2, len(last_line) - 1):
        journal.path.write_bytes(whole + last_line[:length])
        assert list(read_journal(journal.path)) == [PASSED]


def test_a_broken_line_in_the_middle_is_an_error_with_its_place(journal):
    journal.append(PASSED)
    with journal.path.open("a", encoding="utf-8") as file:
        file.write("{broken\n")
    journal.append(SKIPPED)
    results = read_journal(journal.path)
    assert next(results) == PASSED
    with pytest.raises(RecordError, match=r"journal\.jsonl:3: not JSON"):
        next(results)


def test_a_line_that_is_no_case_result_is_an_error(journal):
    journal.append(PASSED)
    with journal.path.open("a", encoding="utf-8") as file:
        file.write('{"id": "x", "outcome": "splendid", "reason": "", "record": null}\n')
    with pytest.raises(RecordError, match=r"journal\.jsonl:3: outcome: 'splendid'"):
        list(read_journal(journal.path))


def test_a_journal_of_a_newer_schema_is_refused(journal):
    journal.append(PASSED)
    text = journal.path.read_text(encoding="utf-8").replace(f'{{"vitcnn_journal": {SCHEMA}}}', '{"vitcnn_journal": 99}')
    journal.path.write_text(text, encoding="utf-8")
    with pytest.raises(RecordError, match="99"):
        list(read_journal(journal.path))
