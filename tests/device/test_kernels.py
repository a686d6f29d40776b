import pytest

from vitcnn.device.kernels import covered


@pytest.mark.parametrize(
    "spans, expected",
    [
        ([], 0),
        ([(0, 2), (5, 6)], 3),
        ([(5, 6), (0, 2)], 3),
        ([(0, 4), (1, 2)], 4),
        ([(0, 4), (3, 7), (7, 8)], 8),
        ([(0, 10), (2, 3), (9, 12)], 12),
        ([(1, 1)], 0),
    ],
)
def test_overlaps_count_once(spans, expected):
    assert covered(spans) == expected
