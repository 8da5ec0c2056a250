# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Quality of a cloud of points: its density, stray points, doubles, and whether it forms a surface."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
from scipy.spatial import cKDTree

from imug_metrics.quality.result import Quality, combined, ramp
from imug_metrics.quality.source import BrokenError

Points = npt.NDArray[np.float64]

MAX_QUERIES = 20_000
"""Points whose neighbours are looked at; of larger clouds these are spread evenly over the list."""

_NEIGHBOURS = 12


def points_quality(points: Points) -> Quality:
    """No-reference quality of a cloud of points.

    The value is the product of the sub-scores. A distance is the mean one to the 12 nearest neighbours.

    - ``count``: logarithm to base 10 of the number of places: 1.3 scores 0, 3 scores 1.
    - ``distinct``: share of points that are no doubles: 0.3 scores 0, 1 scores 1.
    - ``outliers``: share of points whose distance is above four times the median (after Rusu et al., RAS 56, 2008): 0.1
      scores 0, 0 scores 1.
    - ``density``: coefficient of variation of the distances, of points that are no outliers: 1 scores 0, 0.35 scores 1.
    - ``surface``: median share of the smallest eigenvalue among the three of the neighbours' covariance, 0 on a smooth
      surface, 1/3 in a ball: 0.2 scores 0, 0.02 scores 1.
    - ``spread``: extent over the extent of the middle 96 % of the points, the largest of the axes: 10 scores 0, 2.5
      scores 1.

    Args:
        points: ``[V, 3]``, finite.

    Returns:
        The quality in [0, 1].

    Raises:
        BrokenError: If fewer than 13 places are left.

    Example:
        >>> rng = np.random.default_rng(0)
        >>> ball = rng.normal(size=(2000, 3))
        >>> sphere = ball / np.linalg.norm(ball, axis=1, keepdims=True)
        >>> points_quality(sphere).value > points_quality(ball).value
        True
    """
    places = np.unique(points, axis=0)
    if len(places) <= _NEIGHBOURS:
        raise BrokenError(f"The model has {len(places)} different points and no faces.")
    queries = np.unique(np.linspace(0, len(places) - 1, min(len(places), MAX_QUERIES)).astype(np.int64))
    distances, neighbours = cKDTree(places).query(places[queries], k=_NEIGHBOURS + 1)
    distance = distances[:, 1:].mean(1)
    median = float(np.median(distance))
    outliers = distance > 4 * median
    inner = distance[~outliers]
    measured = {
        "points": float(len(points)),
        "distinct": len(places) / len(points),
        "outliers": float(outliers.mean()),
        "density": float(inner.std() / inner.mean()),
        "surface": _thickness(places, neighbours),
        "spread": spread(places),
    }
    scores = {
        "count": ramp(math.log10(len(places)), 1.3, 3.0),
        "distinct": ramp(measured["distinct"], 0.3, 1.0),
        "outliers": ramp(measured["outliers"], 0.1, 0.0),
        "density": ramp(measured["density"], 1.0, 0.35),
        "surface": ramp(measured["surface"], 0.2, 0.02),
        "spread": ramp(measured["spread"], 10.0, 2.5),
    }
    return combined(measured, scores)


def spread(points: Points) -> float:
    """How much a few far points stretch the whole.

    Args:
        points: ``[V, 3]``, finite.

    Returns:
        Extent over the extent between the 2nd and the 98th percentile, at least 1; the largest of the axes that have an
        extent of at least a thousandth of the longest.

    Example:
        >>> spread(np.concatenate([np.random.default_rng(0).random((999, 3)), [[100, 100, 100]]])) > 50
        True
    """
    full = np.ptp(points, axis=0)
    low, high = np.percentile(points, (2, 98), axis=0)
    least = 1e-3 * full.max()
    extended = full > least
    return float(np.max(full[extended] / np.maximum(high - low, least)[extended]))


def _thickness(places: Points, neighbours: npt.NDArray[np.int64]) -> float:
    around = places[neighbours]
    around = around - around.mean(1, keepdims=True)
    values = np.linalg.eigvalsh(np.einsum("pki,pkj->pij", around, around))
    total = values.sum(1)
    return float(np.median(values[total > 0, 0].clip(min=0) / total[total > 0])) if (total > 0).any() else 0.0
