from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vitcnn.errors import UserError
from vitcnn.quantity import SCALE, about, bytes_of, first_of, percent, quantity, significant, span


@pytest.mark.parametrize(
    "value, text",
    [
        (0, "0"),
        (0.0123, "0.0123"),
        (1.2345, "1.23"),
        (12.345, "12.3"),
        (123.4, "123"),
        (1234.4, "1,234"),
        (1_234_567, "1,234,567"),
        (-1.2345, "-1.23"),
        (0.00012345, "0.000123"),
        (9.996, "10.0"),
        (0.99951, "1.00"),
    ],
)
def test_three_significant_digits_by_hand(value, text):
    assert significant(value) == text


@given(st.floats(1e-9, 99.94))
def test_below_a_hundred_the_digits_are_those_of_decimal(value):
    assert significant(value) == format(Decimal(f"{value:.2e}"), "f")


@given(st.floats(-1e12, 1e12).filter(lambda value: abs(value) >= 1e-9))
def test_a_number_is_shown_within_half_a_per_cent_and_without_exponent(value):
    text = significant(value)
    assert "e" not in text
    assert float(text.replace(",", "")) == pytest.approx(value, rel=0.0051)


@pytest.mark.parametrize(
    "value, unit, text",
    [
        (0.00531, "s", "5.31 ms"),
        (1.5, "s", "1.50 s"),
        (90, "s", "90.0 s"),
        (0.0000123, "s", "12.3 µs"),
        (4.2e-8, "s", "42.0 ns"),
        (0, "s", "0 ns"),
        (-0.002, "s", "-2.00 ms"),
        (58_720_256, "B", "58.7 MB"),
        (1000, "B", "1.00 kB"),
        (12, "B", "12.0 B"),
        (2.5e9, "B", "2.50 GB"),
        (1234, "1", "1,234"),
        (0.987, "1", "0.987"),
        (5.3e6, "MAC", "5,300,000 MAC"),
        (3.325414e9, "B/s", "3.33 GB/s"),
        (7.49e6, "FLOP/s", "7.49 MFLOP/s"),
        (2.5e14, "FLOP/s", "250,000 GFLOP/s"),
        (12, "B/s", "12.0 B/s"),
    ],
)
def test_a_quantity_has_the_unit_of_its_size(value, unit, text):
    assert quantity(value, unit) == text


@pytest.mark.parametrize("value, text", [(0.99949, "999 ms"), (0.99951, "1.00 s"), (9.9999e-7, "1.00 µs")])
def test_a_quantity_that_rounds_up_to_the_next_unit_is_in_that_unit(value, text):
    assert quantity(value, "s") == text


@given(st.floats(1e-12, 1e6), st.sampled_from(["s", "B", "FLOP/s"]))
def test_a_quantity_says_its_value(value, unit):
    number, _, shown = quantity(value, unit).partition(" ")
    assert float(number.replace(",", "")) * SCALE[shown] == pytest.approx(value, rel=0.0051)


@pytest.mark.parametrize(
    "values, unit, text",
    [
        ((0.00495, 0.00502), "s", "4.95-5.02"),
        ((0.00502, 0.00495), "s", "4.95-5.02"),
        ((0.0009, 0.0012), "s", "0.900-1.20"),
        ((1.0, 1.0), "s", "1.00"),
        ((1.0001, 1.0002), "s", "1.00"),
        ((1e6, 2e6), "B", "1.00-2.00"),
        ((3, 4), "1", "3.00-4.00"),
    ],
)
def test_a_span_is_in_the_unit_of_its_highest(values, unit, text):
    assert span(values, unit) == text


@pytest.mark.parametrize(
    "share, text",
    [(0.066, "+6.6 %"), (-0.004, "-0.4 %"), (2.12, "+212 %"), (0.0, "+0.0 %"), (-0.5, "-50.0 %"), (0.9994, "+99.9 %")],
)
def test_a_change_in_per_cent(share, text):
    assert percent(share) == text


@pytest.mark.parametrize(
    "seconds, shown",
    [
        (0.0, "5 s"),
        (12.0, "10 s"),
        (43.0, "45 s"),
        (57.4, "55 s"),
        (57.6, "1 min"),
        (89.0, "1 min"),
        (91.0, "2 min"),
        (3569.0, "59 min"),
        (3580.0, "1 h"),
        (4700.0, "1 h 20 min"),
        (7100.0, "2 h"),
    ],
)
def test_about_is_as_coarse_as_an_estimate(seconds, shown):
    assert about(seconds) == shown


@pytest.mark.parametrize(
    "text, expected",
    [
        ("16GiB", 16 * 1024**3),
        ("800MB", 800_000_000),
        ("16e9", 16_000_000_000),
        ("1.5 gb", 1_500_000_000),
        ("2KiB", 2048),
        ("3kB", 3000),
        ("512", 512),
        ("512B", 512),
    ],
)
def test_budgets_of_memory_by_hand(text, expected):
    assert bytes_of("--memory", text) == expected


@pytest.mark.parametrize("text", ["", "GiB", "16X", "16 G B", "-1GB", "0", "1e999", "1.2.3MB", "nan", "inf", "0.5B"])
def test_what_is_no_budget_is_refused_by_the_name_of_its_field(text):
    with pytest.raises(UserError, match="--memory: ") as refused:
        bytes_of("--memory", text)
    assert refused.value.value == text


@pytest.mark.parametrize(
    "names, text",
    [([], ""), (["a", "b"], "a, b"), ([1, 2, 3], "1, 2 and 1 more"), (range(9), "0, 1 and 7 more")],
)
def test_the_first_few_names_and_how_many_more(names, text):
    assert first_of(names, 2) == text
