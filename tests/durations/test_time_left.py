import pytest

from vitcnn.durations import TimeLeft
from vitcnn.durations.time_left import WEIGHT_S

EXPECTED = {"latency/a": 60.0, "latency/b": 60.0, "accuracy/a": 600.0}


def test_at_the_start_it_is_what_was_known():
    assert TimeLeft(EXPECTED, EXPECTED).text() == "about 12 min left"


def test_what_has_ended_takes_no_more_time():
    left = TimeLeft(EXPECTED, EXPECTED)
    left.end("accuracy/a", 600.0)
    assert left.text() == "about 2 min left"
    left.end("latency/a", 60.0)
    left.end("latency/b", 60.0)
    assert left.text() == ""


def test_a_slower_machine_corrects_what_was_known():
    left = TimeLeft(EXPECTED, EXPECTED)
    left.end("latency/a", 60.0 + 70.0)  # (10 + 130) / (10 + 60) = twice as long
    assert WEIGHT_S == 10.0
    assert left.text() == "about 22 min left"


def test_one_that_did_not_pass_corrects_nothing():
    left = TimeLeft(EXPECTED, EXPECTED)
    left.end("latency/a", None)
    assert left.text() == "about 11 min left"


@pytest.mark.parametrize(
    "since_s, share, words",
    [
        (300.0, 0.0, "about 7 min left"),  # 300 of the 600, and 120
        (900.0, 0.0, "about 2 min left"),  # longer than known: it may end any moment
        (300.0, 0.25, "about 17 min left"),  # 900 by its own pace, and 120
    ],
)
def test_the_case_that_runs_ends_by_its_own_pace(since_s, share, words):
    assert TimeLeft(EXPECTED, EXPECTED).text("accuracy/a", since_s=since_s, share=share) == words


def test_a_case_of_which_nothing_was_known_is_like_those_of_its_question_that_ended():
    left = TimeLeft(["latency/x", "latency/y", "memory/x"], {"memory/x": 60.0})
    assert left.text() == "more than 1 min left"
    left.end("latency/x", 120.0)
    assert left.text() == "about 3 min left"


def test_where_nothing_is_known_no_time_is_named():
    left = TimeLeft(["latency/x", "memory/x"], {})
    assert left.text() == "time left not known yet"
    left.end("latency/x", 50.0)
    assert left.text() == "time left not known yet"
