"""How many digits of a record are kept, and how many bytes a record takes."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from record_builders import count, measurement, record, run_of, scores

from vitcnn.record import Record, Series
from vitcnn.record.digits import in_few_digits, rounded

THIRD = 1 / 3


def kept(*measurements, series=()):
    return in_few_digits(record("a", *measurements, series=series))


def test_seconds_keep_nine_digits_and_rates_seven():
    found = kept(
        measurement("latency_s", 0.000123456789123, 12.3456789123, 5),
        measurement("images_per_s", 1234.56789, unit="image/s", better="higher"),
        measurement("flops_per_s", 498725289587.6567, unit="FLOP/s", better="higher"),
    )
    assert found.samples("latency_s") == (0.000123456789, 12.3456789, 5)
    assert found.samples("images_per_s") == (1234.568,)
    assert found.samples("flops_per_s") == (498725300000.0,)


def test_what_is_judged_exactly_or_by_its_seeds_keeps_all_digits():
    measured = (scores(THIRD, 0.9380281690140845), count(206_070_864_921), count(0.1 + 0.2, metric="operators"))
    assert kept(*measured) == record("a", *measured)


def test_series_keep_seven_digits_and_whole_numbers_stay_whole():
    values = ((3.2207438151041665, 1.223172055398264e-05), (12345678, 0.0))
    curve = Series(name="training_loss", unit="nat", axes=("seed", "epoch"), values=values)
    [found] = kept(series=(curve,)).series
    assert found.values == ((3.220744, 1.223172e-05), (12345678, 0.0))
    assert type(found.values[1][0]) is int


def test_scores_of_images_keep_all_digits_since_their_file_does():
    of_images = Series(name="image_scores", unit="1", axes=("seed", "image"), values=((THIRD,),))
    assert kept(series=(of_images,)).series == (of_images,)


@given(st.lists(st.floats(2.0**-100, 2.0**100, width=32), min_size=1), st.integers(1, 17))
def test_rounding_is_that_of_numpy_and_rounding_again_changes_nothing(values, digits):
    found = rounded(tuple(values), digits)
    oracle = [float(np.format_float_scientific(value, precision=digits - 1, unique=False)) for value in values]
    assert list(found) == pytest.approx(oracle, rel=1e-15)
    assert rounded(found, digits) == found


@given(st.lists(st.floats(1e-9, 1e9), min_size=1, max_size=3), st.lists(st.floats(-1e9, 1e9), max_size=3))
def test_a_record_in_few_digits_survives_json_to_the_bit(seconds, values):
    curve = Series(name="curve", unit="1", axes=("epoch",), values=tuple(values))
    measured = record("a", measurement("latency_s", *seconds), series=(curve,))
    found = in_few_digits(measured)
    assert found.samples("latency_s") == pytest.approx(measured.samples("latency_s"), rel=5.001e-9, abs=0)
    assert found.series[0].values == pytest.approx(curve.values, rel=5.001e-7, abs=0)
    assert Record.from_json(json.loads(json.dumps(found.to_json()))) == found
    assert in_few_digits(found) == found


def test_a_time_takes_no_more_bytes_than_its_digits():
    samples = [0.000410123456789 * (1 + THIRD * number) for number in range(50)]
    run = run_of(kept(measurement("latency_s", *samples)))
    text = json.dumps(run.to_json()["cases"][0]["record"]["measurements"], separators=(",", ":"))
    assert len(text) <= len('[{"metric":"latency_s","samples":[]}]') + 50 * len("0.000410123457,")
