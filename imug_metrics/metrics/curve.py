# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""A curve over turns (or lengths, or candidates) as numbers."""

from __future__ import annotations

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
        One point a number, in rising order; empty when there is no curve.

    Example:
        >>> curve_points("a", {"a": 0.5, "a_turn_2": 0.4, "a_turn_2_lower": 0.3, "a_turn_2_upper": 0.5})
        [CurvePoint(at=2, value=0.4, lower=0.3, upper=0.5)]
    """
    curve = f"{name}_{over}_"
    places = sorted(int(m[1]) for key in values if (m := re.fullmatch(rf"{re.escape(curve)}(\d+)", key)))
    return [
        CurvePoint(at, *(float(values.get(f"{curve}{at}{bound}", float("nan"))) for bound in ("", "_lower", "_upper")))
        for at in places
    ]
