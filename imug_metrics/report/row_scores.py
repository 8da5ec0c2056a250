# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Scores of a model from the rows of its records alone: means with bounds, coverage, copies, chance."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import torch

from imug_metrics.report.metric_specs import CHANCE, COPY_RATE, MetricSpec, as_float, is_missing
from imug_metrics.stats.cluster_robust import (
    component_weights,
    packed_moments,
    ratio_spread,
    unpack_moments,
    varying_weights,
)
from imug_metrics.stats.intervals import interval


def row_scores(items: Sequence[Mapping[str, Any]], view: MetricSpec) -> dict[str, float]:
    """Mean, bounds and coverage of one metric."""
    mine = [row for row in items if view.modality in ("", row.get("modality"))]
    sums: dict[str, list[float]] = {}
    for row in mine:
        if not math.isnan(value := as_float(row.get(view.item))):
            of = sums.setdefault(str(row["dialogue"]), [0.0, 0.0])
            of[0], of[1] = of[0] + value, of[1] + 1
    if not sums:
        return {}
    moments = unpack_moments(packed_moments(torch.tensor([*sums.values()], dtype=torch.float64), 1))
    weights, ends = (
        component_weights(moments, torch.tensor([1])),
        (0.0, 1.0) if view.is_share else (-math.inf, math.inf),
    )
    varying = varying_weights(moments, 1)
    found = interval(*ratio_spread(moments, 1), weights, varying=varying, low=ends[0], high=ends[1])
    lacking = sum(row.get(view.item) is None and is_missing(row) for row in mine if view.modality)
    scored = float(weights.total)
    values = [*map(float, (found.value, found.lower, found.upper)), scored / (scored + lacking)]
    return {f"{view.key}{end}": value for end, value in zip(("", "_lower", "_upper", "_coverage"), values, strict=True)}


def image_scores(items: Sequence[Mapping[str, Any]]) -> dict[str, float]:
    """How often images are repeated, and what retrieval comes to by chance: 1 over the image turns of the dialogue."""
    images = [row for row in items if row.get("modality") == "image"]
    turns = Counter(str(row["dialogue"]) for row in images)
    repeated = [value for row in images if not math.isnan(value := as_float(row.get("copy")))]
    guessed = [1 / turns[str(row["dialogue"])] for row in images if not math.isnan(as_float(row.get("retrieval")))]
    return {key: math.fsum(of) / len(of) for key, of in ((COPY_RATE, repeated), (CHANCE, guessed)) if of}
