# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""What is drawn: numbers with or without an interval, as plain data."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import NamedTuple, SupportsFloat, TypeAlias, cast

from imug_metrics._numbers import number

Value: TypeAlias = SupportsFloat | Sequence[SupportsFloat] | None
"""A number, or a number and the two bounds of its interval; NaN or None where undefined. Scalar tensors are numbers."""


class Point(NamedTuple):
    """A number and the bounds of its interval, NaN where there are none."""

    value: float
    lower: float = math.nan
    upper: float = math.nan

    @property
    def known(self) -> bool:
        """Whether there is a number to draw."""
        return math.isfinite(self.value)

    @property
    def bounded(self) -> bool:
        """Whether there is an interval to draw."""
        return self.known and math.isfinite(self.lower) and math.isfinite(self.upper)

    @property
    def arms(self) -> tuple[float, float]:
        """How far the interval reaches down and up, 0 where there is none."""
        return (self.value - self.lower, self.upper - self.value) if self.bounded else (0.0, 0.0)


def as_point(value: Value) -> Point:
    """A number, with or without its bounds, in one form.

    Raises:
        ValueError: if it is neither a number nor three of them.

    Example:
        >>> as_point(0.5), as_point((0.5, 0.4, 0.6))
        (Point(value=0.5, lower=nan, upper=nan), Point(value=0.5, lower=0.4, upper=0.6))
    """
    if value is None:
        return Point(math.nan)
    if getattr(value, "ndim", None) != 0 and hasattr(value, "__len__"):
        parts = [math.nan if part is None else float(part) for part in cast("Sequence[SupportsFloat | None]", value)]
        if len(parts) != 3:
            raise ValueError(f"Expected a number, or a number and two bounds, got {len(parts)} numbers.")
        return Point(*parts)
    return Point(float(cast("SupportsFloat", value)))


def reading(point: Point, digits: int | None = None) -> str:
    """A number with its interval for reading, a dash where it is undefined.

    Args:
        point: the number.
        digits: behind the point; None: as many as the interval tells, see `digits_of`.

    Example:
        >>> reading(Point(-0.1234, -0.2, -0.05)), reading(Point(float("nan")))
        ('−0.12 (−0.20 to −0.05)', '–')
    """
    if math.isnan(point.value):
        return "–"
    digits = digits_of([point]) if digits is None else digits
    text = number(point.value, digits)
    return f"{text} ({number(point.lower, digits)} to {number(point.upper, digits)})" if point.bounded else text


def digits_of(points: Iterable[Point]) -> int:
    """Digits behind the point that tell the ends of the narrowest interval apart: from 2, less above 10, to 5.

    Example:
        >>> digits_of([Point(0.5, 0.4, 0.6)]), digits_of([Point(0.5, 0.499, 0.501)]), digits_of([Point(250.0)])
        (2, 4, 0)
    """
    known = [point for point in points if point.known]
    largest = max((abs(point.value) for point in known), default=0.0)
    least = 2 if largest < 10 else 1 if largest < 100 else 0
    widths = [point.upper - point.lower for point in known if point.bounded and point.upper > point.lower]
    widths = widths or [abs(point.value) for point in known if point.value]
    if not widths:
        return least
    return min(max(least, 1 - math.floor(math.log10(min(widths)))), 5)
