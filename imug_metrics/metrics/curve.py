# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""A curve over turns (or lengths, or candidates) as numbers."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any, NamedTuple


class CurvePoint(NamedTuple):
    """One point of a curve: where it is, its mean and the bounds of its interval."""

    at: int
    value: float
    lower: float
    upper: float


def curve_points(name: str, values: Mapping[str, Any], over: str = "turn") -> list[CurvePoint]:
    """The points of a metric's curve in a result with `detail=True`.

    Args:
        name: the metric's name, e.g. `"turn_alignment"`.
        values: the result of `compute()`, tensors or floats.
        over: what stands before the number in the keys of the curve.

    Returns:
        One point a number, in rising order, from the first that is known to the last; NaN where one between them is
        not. Empty when there is no curve.

    Example:
        >>> found = {"a": 0.5, "a_turn_2": 0.4, "a_turn_2_lower": 0.3, "a_turn_2_upper": 0.5, "a_turn_3": float("nan")}
        >>> curve_points("a", found)
        [CurvePoint(at=2, value=0.4, lower=0.3, upper=0.5)]
    """
    curve = f"{name}_{over}_"
    places = sorted(int(m[1]) for key in values if (m := re.fullmatch(rf"{re.escape(curve)}(\d+)", key)))
    points = [
        CurvePoint(at, *(float(values.get(f"{curve}{at}{bound}", float("nan"))) for bound in ("", "_lower", "_upper")))
        for at in places
    ]
    known = [place for place, point in enumerate(points) if not math.isnan(point.value)]
    return points[known[0] : known[-1] + 1] if known else []
