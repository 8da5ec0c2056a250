# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Estimates read back from a flat dict of scores: values, intervals and curves."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from imug_metrics._numbers import number
from imug_metrics.metrics.curve import curve_points

FEW_DIALOGUES = 20
"""Below this many dialogues a cluster-robust interval is only approximate."""


@dataclass(frozen=True)
class Estimate:
    """A value with its interval; each may be NaN."""

    value: float
    lower: float = math.nan
    upper: float = math.nan

    @property
    def known(self) -> bool:
        """Whether there is a value at all."""
        return not math.isnan(self.value)

    @property
    def bounded(self) -> bool:
        """Whether there is a finite interval around the value."""
        return self.known and math.isfinite(self.lower) and math.isfinite(self.upper)

    @property
    def varies(self) -> bool:
        """Whether the interval has a width; it has none where all scores are equal, and then says nothing."""
        return self.bounded and self.upper - self.lower > 1e-9

    @property
    def direction(self) -> int:
        """1 or -1 where the whole interval lies above or below zero and has a width, else 0."""
        return 0 if not self.varies else int(self.lower > 0) - int(self.upper < 0)

    @property
    def falls(self) -> bool:
        """Whether the whole interval lies below zero."""
        return self.bounded and self.upper < 0

    @property
    def rises(self) -> bool:
        """Whether the whole interval lies above zero."""
        return self.bounded and self.lower > 0


def estimate(scores: Mapping[str, Any], key: str) -> Estimate:
    """Read ``key``, ``key_lower`` and ``key_upper`` out of a flat score dict; what is absent is NaN.

    Example:
        >>> estimate({"turn_alignment": 0.5, "turn_alignment_lower": 0.4, "turn_alignment_upper": 0.6},
        ...          "turn_alignment")
        Estimate(value=0.5, lower=0.4, upper=0.6)
    """
    return Estimate(*(as_float(scores.get(key + end)) for end in ("", "_lower", "_upper")))


def curve(scores: Mapping[str, Any], key: str, point: str = "turn") -> dict[int, Estimate]:
    """The score by turn, ``{turn: Estimate}`` in rising order of turns, of keys that end in ``_<point>_<turn>``.

    From the first turn that is known to the last; one between them may be NaN.

    Example:
        >>> curve({"turn_alignment_turn_2": 0.5, "turn_alignment_turn_1": 0.75}, "turn_alignment")
        {1: Estimate(value=0.75, lower=nan, upper=nan), 2: Estimate(value=0.5, lower=nan, upper=nan)}
    """
    mine = {name: as_float(value) for name, value in scores.items() if name.startswith(f"{key}_{point}_")}
    return {found.at: Estimate(*found[1:]) for found in curve_points(key, mine, point)}


def as_float(value: Any) -> float:
    """A Python float of a number or 0-d tensor; None becomes NaN.

    Example:
        >>> as_float(None)
        nan
    """
    return math.nan if value is None else float(value)


def mean(values: Iterable[float]) -> float:
    """The mean of those that are defined; NaN where none is.

    Example:
        >>> mean([0.5, float("nan"), 1.0]), mean([1e308, 1e308]), mean([])
        (0.75, 1e+308, nan)
    """
    known = [value for value in values if not math.isnan(value)]
    if not known:
        return math.nan
    try:
        return math.fsum(known) / len(known)
    except OverflowError:
        return math.fsum(value / len(known) for value in known)


def span(estimate: Estimate, digits: int = 2) -> str:
    """The interval for reading, empty where there is none.

    Example:
        >>> span(Estimate(0.5, 0.4, 0.6)), span(Estimate(0.5))
        ('0.40 to 0.60', '')
    """
    return f"{number(estimate.lower, digits)} to {number(estimate.upper, digits)}" if estimate.bounded else ""
