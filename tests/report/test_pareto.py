from hypothesis import given
from hypothesis import strategies as st

from vitcnn.report.plots.pareto import pareto_front

FEW = st.integers(min_value=0, max_value=5)  # so that ties are frequent
ANY = st.floats(min_value=0, max_value=1e9)
POINTS = st.lists(st.tuples(FEW, FEW) | st.tuples(ANY, ANY), max_size=25)


def is_beaten(point, other):
    """Whether `other` costs no more and gains no less, and is not the same."""
    return other[0] <= point[0] and other[1] >= point[1] and other != point


@given(POINTS)
def test_the_front_is_all_points_that_no_other_one_beats(points):
    expected = {place for place, point in enumerate(points) if not any(is_beaten(point, other) for other in points)}
    found = pareto_front(points)
    assert set(found) == expected
    assert len(found) == len(expected)


@given(POINTS)
def test_along_the_front_both_rise(points):
    front = [points[place] for place in pareto_front(points)]
    assert front == sorted(front)
    assert [gain for _, gain in front] == sorted(gain for _, gain in front)


def test_by_hand():
    cheap, equal, beaten_by_cost, beaten_by_gain, best = (1, 5), (1, 5), (2, 5), (1, 4), (3, 6)
    assert pareto_front([best, cheap, beaten_by_cost, beaten_by_gain, equal]) == [1, 4, 0]
    assert pareto_front([]) == []
