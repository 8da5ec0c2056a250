# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Intervals spelled out once more in numpy and scipy, for tests that have an estimate's error from elsewhere.

The errors are cluster-robust without a factor for small samples, as statsmodels gives them with
`cov_kwds={"groups": dialogue, "use_correction": False}`; weights are by dialogue.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from scipy import stats

Array = np.ndarray


def effective(weights: Array) -> float:
    """How many dialogues of equal weight are as uneven as these."""
    weights = np.asarray(weights, dtype=float)
    return weights.sum() ** 2 / (weights**2).sum() if weights.any() else 0.0


def student_bounds(
    value: float, error: float, weights: Array, varies: Array | None = None, level: float = 0.95, fitted: int = 1
) -> list[float]:
    """Value and bounds of what may be any number.

    Args:
        value, error: of the estimate.
        weights: by dialogue.
        varies: which dialogues differ from 0, or the weights of those where they are others; None: all.
        level: of the interval.
        fitted: parameters, each of which costs a degree of freedom.
    """
    half = _half(error, weights, varies, level, fitted)
    return [value, value - half, value + half]


def log_bounds(
    value: float, error: float, weights: Array, varies: Array | None = None, low: float = 0.0, level: float = 0.95
) -> list[float]:
    """The same of what is at least `low`: symmetric in the logarithm, whose error is `error / (value - low)`."""
    reach = math.exp(_half(error / (value - low), weights, varies, level))
    return [value, low + (value - low) / reach, low + (value - low) * reach]


def share_bounds(totals: Array, counts: Array, low: float = 0.0, high: float = 1.0, level: float = 0.95) -> list[float]:
    """Value and bounds of a mean of scores in [low, high], from the scores' sums and counts by dialogue."""
    right, counts = (np.asarray(totals, float) - low * counts) / (high - low), np.asarray(counts, float)
    n, dialogues = counts.sum(), effective(counts)
    p = right.sum() / n
    variance = ((right - p * counts) ** 2).sum() / n**2 * dialogues / (dialogues - 1)
    records = _effective_records(p, variance, counts)
    t = stats.t.ppf((1 + level) / 2, dialogues - 1)
    # Wilson's bounds are the roots of (p - x)^2 = t^2 x (1 - x) / records.
    roots = np.roots([1 + t**2 / records, -2 * p - t**2 / records, p**2])
    lower, upper = np.sort(roots.real)
    events = p * records
    if p < 0.5:
        lower = min(lower, stats.beta.ppf((1 - level) / 2, events, records - events + 1) if events else 0.0)
    if p > 0.5:
        upper = max(upper, stats.beta.ppf((1 + level) / 2, events + 1, records - events) if events < records else 1.0)
    return [float(low + (high - low) * x) for x in (p, max(lower, 0.0), min(upper, 1.0))]


def ratio_error(above: Array, below: Array) -> float:
    """Error of `sum above / sum below` by the delta method over dialogues."""
    above, below = np.asarray(above, float), np.asarray(below, float)
    return float(np.sqrt(((above - above.sum() / below.sum() * below) ** 2).sum()) / below.sum())


def bounds_of(found: dict[str, Any], key: str) -> list[float]:
    """Value and bounds of one estimate of a metric."""
    return [float(found[f"{key}{end}"]) for end in ("", "_lower", "_upper")]


def _half(error: float, weights: Array, varies: Array | None, level: float, fitted: int = 1) -> float:
    dialogues = effective(weights)
    if varies is None:
        varies = weights
    elif np.asarray(varies).dtype == bool:
        varies = np.asarray(weights)[varies]
    fewest = min(dialogues, effective(varies))
    return error * math.sqrt(dialogues / (dialogues - fitted)) * float(stats.t.ppf((1 + level) / 2, fewest - fitted))


def _effective_records(p: float, variance: float, counts: Array) -> float:
    """`n / deff`; deff between what the data say and what correlations of 0.7 say, by the number of events seen."""
    n = counts.sum()
    size = (counts**2).sum() / n
    supposed = 1 + max(size - 1, 0) * 0.7
    if not 0 < p < 1 or variance <= 1e-16:
        return n / supposed
    own = min(variance / (p * (1 - p) / n), max(size, 1.0))
    events = min(p, 1 - p) * n / own
    return n * (events + 3) / (events * own + 3 * supposed)
