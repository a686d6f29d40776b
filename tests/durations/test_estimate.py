from vitcnn.durations import Durations, estimate
from vitcnn.durations.estimate import NOTHING_KNOWN

HERE = Durations(by="the last run on this machine", seconds={"a": 60.0, "b": 60.0})
THERE = Durations(by="a run on 2 threads of X (this machine may differ)", seconds={"b": 600.0, "c": 120.0})


def test_seconds_add_up_and_the_best_source_comes_first():
    found = estimate(["a", "b"], [HERE, THERE])
    assert sum(found.seconds.values()) == 120.0
    assert found.text == "2 cases take about 2 min, by the last run on this machine."


def test_two_sources_are_counted():
    text = estimate(["a", "b", "c"], [HERE, THERE]).text
    assert text == (
        "3 cases take about 4 min, 2 cases by the last run on this machine, "
        "1 case by a run on 2 threads of X (this machine may differ)."
    )


def test_cases_of_which_nothing_is_known_are_counted_and_cost_nothing():
    text = estimate(["a", "d", "e"], [HERE]).text
    known = "1 of 3 cases takes at least 1 min, by the last run on this machine"
    assert text == f"{known}; how long the other 2 take is not known."


def test_where_nothing_is_known_no_time_is_named():
    text = estimate(["d"], [HERE, THERE]).text
    assert text == NOTHING_KNOWN
    assert estimate(["d"], [HERE], more="It may take longer.").text == f"{NOTHING_KNOWN} It may take longer."
    assert estimate([], [HERE], more="It may take longer.").text == ""
