"""The user guide documents every metric and question as the code has it."""

import re
from pathlib import Path

import pytest

from vitcnn import LatencyCase
from vitcnn.metrics import metrics
from vitcnn.questions import metrics_of, questions

GUIDE = (Path(__file__).parents[2] / "docs/user-guide.md").read_text(encoding="utf-8")
EXACT, TENTH_OF_A_PERCENT, PERCENT = 0.0, 0.001, 0.01
TIME_TOLERANCE = 0.125
CASE = LatencyCase(architecture="lenet", px=28, batch=1, time_tolerance=TIME_TOLERANCE)
TOLERANCES = {"time": TIME_TOLERANCE, "score": PERCENT, "amount": PERCENT, "exact": EXACT, "counted": EXACT}


def rows_below(header):
    """Return the cells of the rows of the guide's table with this header."""
    table = GUIDE.partition(f"{header}\n")[2].partition("\n\n")[0]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines()[1:]]


def questions_in(cell):
    if not cell.startswith("all"):
        return set(cell.split(", "))
    return set(questions()) - set(cell.removeprefix("all but ").split(", "))


def documented():
    """Return the unit, the direction, the rule and the questions of each metric of the guide's table."""
    rows = rows_below("| metric | unit | better | judged as | questions |")
    entries = [
        (name, (*row, questions_in(where))) for names, *row, where in rows for name in re.findall("`(.+?)`", names)
    ]
    assert len(dict(entries)) == len(entries), "a metric stands in two rows"
    return dict(entries)


def of_the_code():
    asked = {name: {entry.name for entry in metrics_of(question)} for name, question in questions().items()}
    return {
        name: (entry.unit, entry.better, entry.rule, {question for question in asked if name in asked[question]})
        for name, entry in metrics().items()
    }


def test_the_guide_describes_every_metric_as_it_is():
    assert documented() == of_the_code()


def test_the_guide_names_every_question_in_the_order_of_reports():
    rows = rows_below("| question | what it asks | example of a case id |")
    assert [name for name, *_ in rows] == list(questions())
    assert [example.strip("`").split("/")[0] for *_, example in rows] == list(questions())


@pytest.mark.parametrize("metric", metrics().values(), ids=lambda metric: metric.name)
def test_what_costs_is_better_lower_and_rates_and_scores_higher(metric):
    is_loss = metric.unit in ("nat", "digit²") or metric.name.endswith("_dependence")
    is_cost = metric.unit in ("s", "B", "MAC", "J") or metric.rule in ("exact", "counted") or is_loss
    is_rate_or_share = metric.unit in ("image/s", "frame/s", "FLOP/s", "B/s") or (metric.unit == "1" and not is_cost)
    assert (is_cost, is_rate_or_share) == (metric.better == "lower", metric.better == "higher")


@pytest.mark.parametrize("metric", metrics().values(), ids=lambda metric: metric.name)
def test_the_tolerance_is_the_rules(metric):
    restates_time = metric.unit in ("s", "image/s", "frame/s") or metric.reads in ("arithmetic", "roofline")
    unjudged = TIME_TOLERANCE if restates_time else PERCENT
    own = {"instructions": 3 * TENTH_OF_A_PERCENT, "joules_per_image": 5 * PERCENT}
    expected = own.get(metric.name, TOLERANCES.get(metric.rule, unjudged))
    assert metric.tolerance(CASE) == expected
