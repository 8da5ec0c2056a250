# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import math

import numpy as np
import pytest

from imug_metrics._numbers import number
from imug_metrics.plots.values import Point, as_point, digits_of, reading


@pytest.mark.parametrize("value", [0.5, np.float64(0.5), np.array(0.5)])
def test_a_number_has_no_bounds(value: object) -> None:
    assert not as_point(value).bounded
    assert as_point(value).value == 0.5


def test_none_is_undefined_and_missing_bounds_are_none() -> None:
    assert not as_point(None).known
    assert as_point((0.5, None, 0.6)).arms == (0.0, 0.0)
    assert as_point(np.array([0.5, 0.25, 0.75])).arms == (0.25, 0.25)


@pytest.mark.parametrize(
    ("point", "text"),
    [
        (Point(0.5, 0.4, 0.6), "0.50 (0.40 to 0.60)"),
        (Point(0.5, 0.499, 0.501), "0.5000 (0.4990 to 0.5010)"),
        (Point(250.0, 200.0, 300.0), "250 (200 to 300)"),
        (Point(0.5, 0.5, 0.5), "0.50 (0.50 to 0.50)"),
        (Point(-0.0001), "−0.00010"),
        (Point(math.inf), "∞"),
    ],
)
def test_numbers_are_read_with_the_digits_that_their_interval_tells(point: Point, text: str) -> None:
    assert reading(point) == text


def test_no_number_is_minus_zero() -> None:
    assert number(-0.001, 2) == "0.00"
    assert digits_of([]) == 2
