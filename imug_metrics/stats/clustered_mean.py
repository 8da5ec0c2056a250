# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""The mean of rows with its interval by dialogue."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from imug_metrics.stats.cluster_robust import (
    component_weights,
    packed_moments,
    ratio_spread,
    unpack_moments,
    varying_weights,
)
from imug_metrics.stats.intervals import Interval, interval


def clustered_mean(
    values: Tensor, dialogue: Tensor, *, low: float = -math.inf, high: float = math.inf, level: float = 0.95
) -> Interval:
    """The mean of all rows that have a value, with the interval that `stats.intervals` chooses.

    Args:
        values: `[N]`, NaN where there is none.
        dialogue: int64 `[N]`, ids.
        low, high: ends of the range that values cannot leave.
        level: probability that the interval covers.

    Example:
        >>> found = clustered_mean(torch.tensor([0.0, 1, 1, 0]), torch.tensor([0, 0, 1, 2]), low=0.0, high=1.0)
        >>> round(float(found.value), 2), bool(found.lower < 0.5)
        (0.5, True)
    """
    there = ~values.isnan()
    rows = torch.stack([values.masked_fill(~there, 0), there], 1).double()
    owner = torch.unique(dialogue, return_inverse=True)[1]
    groups = int(owner.max()) + 1 if len(owner) else 0
    sums = rows.new_zeros(groups, 2).index_add_(0, owner, rows)
    moments = unpack_moments(packed_moments(sums, 1))
    value, spread = ratio_spread(moments, 1)
    weights = component_weights(moments, torch.tensor([1]))
    found = interval(value, spread, weights, varying=varying_weights(moments, 1), low=low, high=high, level=level)
    return Interval(*(part[0] for part in found))
