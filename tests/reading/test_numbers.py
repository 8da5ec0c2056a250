# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Numbers in replies: which one is read, what it is worth, and how close is close."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from imug_metrics.functional.answers.numeric_match import numeric_match
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


def test_tolerances_are_relative_to_the_reference_or_absolute() -> None:
    preds, targets = ["104.9", "105.1", "0.001", "0.001"], [100, 100, 0, 0]
    assert numeric_match(preds, targets, rel_tol=0.05).tolist() == [1.0, 0.0, 0.0, 0.0]
    assert numeric_match(preds, targets, abs_tol=0.001).tolist() == [0.0, 0.0, 1.0, 1.0]
    assert numeric_match(["105"], ["100"], rel_tol=0.05).tolist() == [1.0]
    assert (
        numeric_match(["100"], ["105.2"], rel_tol=0.05).tolist()
        == numeric_match(["100"], [105.2], rel_tol=0.05).tolist()
    )


def test_numbers_themselves_and_several_references_are_taken() -> None:
    assert numeric_match([3, 0.5, np.float32(2), "4 or 5"], ["3", "1/2", 2, [4, "5"]]).tolist() == [1.0] * 4


def test_reply_without_a_number_scores_zero_and_an_absent_one_nan() -> None:
    values = numeric_match(["none", float("nan"), float("inf"), None], [1, 1, 1, 1]).tolist()
    assert values[:3] == [0.0, 0.0, 0.0]
    assert math.isnan(values[3])


def test_bad_rows_are_named() -> None:
    with pytest.raises(ValueError, match="'none' at row 1"):
        numeric_match(["1", "1"], ["1", "none"])
    with pytest.raises(ValueError, match="nan at row 0"):
        numeric_match(["1"], [float("nan")])
    with pytest.raises(TypeError, match="got bool at row 0"):
        numeric_match([True], [1])
    with pytest.raises(ValueError, match="`rel_tol` to be >= 0"):
        numeric_match(["1"], ["1"], rel_tol=-1)
    with pytest.raises(ValueError, match="got 0 and 1"):
        numeric_match([], [1])
