# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Mathematics without metrics: sums over dialogues, intervals, slopes, the bootstrap."""

from imug_metrics.stats.bootstrap import id_fingerprint, percentile_interval, poisson_weights
from imug_metrics.stats.cluster_robust import (
    Moments,
    component_weights,
    delta_interval,
    delta_spread,
    packed_moments,
    ratio_spread,
    ratios,
    unpack_moments,
    varying_weights,
)
from imug_metrics.stats.intervals import REASONS, Interval, Weights, interval, student_quantile
from imug_metrics.stats.sightings import Repeats, add_sightings, count_repeats
from imug_metrics.stats.slopes import (
    POOLED_SUMS,
    PairSlopes,
    median,
    median_slope,
    pair_slopes,
    pooled_slope,
    pooled_weights,
    within_sums,
)

__all__ = [
    "POOLED_SUMS",
    "REASONS",
    "Interval",
    "Moments",
    "PairSlopes",
    "Repeats",
    "Weights",
    "add_sightings",
    "component_weights",
    "count_repeats",
    "delta_interval",
    "delta_spread",
    "id_fingerprint",
    "interval",
    "median",
    "median_slope",
    "packed_moments",
    "pair_slopes",
    "percentile_interval",
    "poisson_weights",
    "pooled_slope",
    "pooled_weights",
    "ratio_spread",
    "ratios",
    "student_quantile",
    "unpack_moments",
    "varying_weights",
    "within_sums",
]
