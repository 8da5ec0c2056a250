# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""The rates of a monitor, and the changes that it looks for."""

from __future__ import annotations

import math
from collections.abc import Sequence

from imug_metrics.monitors.status import Rate
from imug_metrics.stats.confidence_sequences import confidence_sequence

RATES = ("pass_rate", "agreement", "specificity", "sensitivity")
"""What is estimated; each is a mean over units."""

CHANGES = {
    "pass_rate_rises": ("pass_rate", False),
    "pass_rate_falls": ("pass_rate", True),
    "agreement_falls": ("agreement", True),
    "specificity_falls": ("specificity", True),
}
"""What is looked for: the rate, and whether it falls. A fall of a rate is a rise of 1 minus the rate."""

ONE = 2**52
"""Sums of units are whole numbers of this part of 1: so they are the same in any order."""


def rate_values(verdict: float, right: float | None) -> list[float | None]:
    """Of one verdict, its value by rate; None where it says nothing of one.

    Example:
        >>> rate_values(1.0, None), rate_values(1.0, 0.0)
        ([1.0, None, None, None], [1.0, 0.0, 0.0, None])
    """
    if right is None:
        return [verdict, None, None, None]
    return [verdict, verdict, None, verdict] if right else [verdict, 1 - verdict, 1 - verdict, None]


def turned(rate: float | None, falls: bool) -> float | None:
    """The rate itself, or 1 minus the rate where it falls."""
    return 1 - rate if falls and rate is not None else rate


def rates(count: Sequence[int], total: Sequence[int], level: float) -> dict[str, Rate]:
    """Rates with bounds that hold together.

    Args:
        count: number of units, by rate.
        total: their sum, in parts of `ONE`.
        level: probability with which all bounds of all rates hold.
    """
    sums = [found / ONE for found in total]
    lower, upper = confidence_sequence(count, sums, 1 - (1 - level) / len(RATES))
    return {
        name: Rate(s / n if n else math.nan, float(low), float(high), n)
        for name, n, s, low, high in zip(RATES, count, sums, lower, upper, strict=True)
    }
