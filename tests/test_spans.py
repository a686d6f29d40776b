import numpy as np
import pytest

from vitcnn.spans import are_in, covered, merged

CASES = [
    ([], [], 0),
    ([(0, 2), (5, 6)], [[0, 2], [5, 6]], 3),
    ([(5, 6), (0, 2)], [[0, 2], [5, 6]], 3),
    ([(0, 4), (1, 2)], [[0, 4]], 4),
    ([(0, 4), (3, 7), (7, 8)], [[0, 8]], 8),
    ([(0, 10), (2, 3), (9, 12)], [[0, 12]], 12),
    ([(1, 1)], [[1, 1]], 0),
]


@pytest.mark.parametrize("spans, joined, length", CASES)
def test_overlaps_count_once(spans, joined, length):
    assert merged(iter(spans)).tolist() == joined
    assert merged(spans).shape == (len(joined), 2)
    assert covered(iter(spans)) == length


def test_moments_are_in_spans_up_to_their_ends():
    moments = np.array([0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 9.0])
    assert are_in(moments, [(4, 6), (1, 3), (1, 2)]).tolist() == [False, True, True, True, True, True, False]
    assert not are_in(moments, []).any()
