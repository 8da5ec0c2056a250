# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Mathematics without metrics: sums over dialogues, intervals, slopes, the bootstrap."""

from imug_metrics.stats.bootstrap import percentile_interval, poisson_weights
from imug_metrics.stats.cluster_robust import (
    Interval,
    Moments,
    delta_interval,
    delta_spread,
    packed_moments,
    ratio_spread,
    ratios,
    student_interval,
    student_quantile,
    unpack_moments,
)
from imug_metrics.stats.slopes import PairSlopes, pair_slopes, pooled_slope, sen_slope, within_sums

__all__ = [
    "Interval",
    "Moments",
    "PairSlopes",
    "delta_interval",
    "delta_spread",
    "packed_moments",
    "pair_slopes",
    "percentile_interval",
    "poisson_weights",
    "pooled_slope",
    "ratio_spread",
    "ratios",
    "sen_slope",
    "student_interval",
    "student_quantile",
    "unpack_moments",
    "within_sums",
]
