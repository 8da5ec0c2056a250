# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Numbers in replies: which one is read, and what it is worth."""

from __future__ import annotations

import math
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from imug_metrics.reading.numbers import parse_number

FLOATS = st.floats(allow_nan=False, allow_infinity=False)
MONEY = st.decimals(min_value="-1e9", max_value="1e9", places=2)


@settings(max_examples=200, deadline=None)
@given(number=FLOATS)
def test_every_float_python_writes_is_read_back(number: float) -> None:
    assert parse_number(f"It is 3 or {number!r}.") == number
    assert parse_number(f"{number!r}".replace(".", ","), decimal=",") == number


@settings(max_examples=100, deadline=None)
@given(number=MONEY)
def test_thousands_separators_change_nothing(number: float) -> None:
    written = f"{number:,.2f}"
    swapped = written.translate(str.maketrans(",.", ".,"))
    for text in (written, written.replace(",", "\u202f"), written.replace(",", "'"), written.replace("-", "\u2212")):
        assert parse_number(f"costs {text} Euro") == float(number)
    assert parse_number(swapped, decimal=",") == float(number)


@settings(max_examples=100, deadline=None)
@given(over=st.integers(-999, 999), under=st.integers(1, 999))
def test_fractions_are_divided(over: int, under: int) -> None:
    expected = float(Fraction(over, under))
    assert parse_number(f"{over}/{under}") == expected
    assert parse_number(rf"$\frac{{{over}}}{{{under}}}$") == expected


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("There are 12 cups and 3 plates.", 3),
        ("2 + 3 = 5", 5),
        ("3-5", 5),
        ("10,20,300", 300),
        ("x=-5", -5),
        ("(−5)", -5),
        ("+7", 7),
        (".5", 0.5),
        ("...5", 5),
        ("75%", 0.75),
        ("12.5 percent", 0.125),
        ("50\\%", 0.5),
        ("1.5E-3", 0.0015),
        ("2 × 10^5", 200000),
        ("2×10⁻⁵", 0.00002),
        ("6.02 \\times 10^{23}", 6.02e23),
        ("10^6", 1e6),
        ("1 3/4", 1.75),
        ("½", 0.5),
        ("1½ cups", 1.5),
        ("-$5.50", -5.5),
        ("US$5", 5),
        ("5kg", 5),
        ("12 m²", 12),
        ("答案是42个", 42),
        ("４２", 42),
        ("٣٫٥", 3.5),
        ("12:30", 30),
        ("\\boxed{17}", 17),
        ("1" * 20, 11111111111111111111),
    ],
)
def test_last_number_is_read(text: str, number: float) -> None:
    assert parse_number(text) == pytest.approx(number, rel=1e-15)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "none",
        "nan",
        "inf",
        "-Infinity",
        "∞",
        "1e999",
        "9" * 400,
        "1/0",
        "H2O",
        "v2",
        "CO2",
        "1.2.3",
        "x^2",
        "Ⅳ",
        "5/6/2024",
    ],
)
def test_no_finite_number_is_none(text: str) -> None:
    assert parse_number(text) is None


def test_decimal_comma_is_an_option() -> None:
    assert parse_number("3,14") == 14
    assert parse_number("3,14", decimal=",") == 3.14
    assert parse_number("1.234.567,5", decimal=",") == 1234567.5
    with pytest.raises(ValueError, match="`decimal`"):
        parse_number("1", decimal=";")  # type: ignore[arg-type]


@settings(max_examples=200, deadline=None)
@given(text=st.text(alphabet=" 0123456789.,-+/%eE^×*(){}\\frac½٣²", max_size=40))
def test_any_text_gives_a_finite_number_or_none(text: str) -> None:
    for decimal in (".", ","):
        number = parse_number(text, decimal=decimal)
        assert number is None or math.isfinite(number)


@pytest.mark.parametrize("piece", ["1", "1,111", "1 1/1 ", "1e1", "\\frac{", ".1", "-", "1/", "10^"])
def test_huge_replies_are_read_in_bounded_work(piece: str) -> None:
    number = parse_number(piece * (1_000_000 // len(piece)) + " = 7")
    assert number == 7
