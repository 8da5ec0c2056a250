# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Scores of a model from the rows of its records alone: means with bounds, coverage, copies, chance."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import torch

from imug_metrics.report.metric_specs import (
    CHANCE,
    COPY_RATE,
    FEW_DIALOGUES,
    Estimate,
    MetricSpec,
    as_float,
    is_missing,
)
from imug_metrics.stats.cluster_robust import (
    component_weights,
    packed_moments,
    ratio_spread,
    unpack_moments,
    varying_weights,
)
from imug_metrics.stats.intervals import interval

Row: TypeAlias = "Mapping[str, Any]"

_MEAN = torch.tensor([1])
"""The component that says how much a dialogue weighs: the number of its records."""


@dataclass(frozen=True)
class GroupEstimate(Estimate):
    """The mean of a metric over some records, with its interval by dialogue.

    Attributes:
        records: in the mean.
        dialogues: that they come from.
        coverage: share of the expected records that could be scored.
    """

    records: int = 0
    dialogues: int = 0
    coverage: float = math.nan

    @property
    def is_approximate(self) -> bool:
        """Whether so few dialogues carry it that its interval must not be taken at its word."""
        return 0 < self.dialogues < FEW_DIALOGUES


def group_estimates(
    rows: Mapping[str, Sequence[Row]], view: MetricSpec, *, absent_is_zero: bool = False
) -> dict[str, GroupEstimate]:
    """The mean of one metric over the rows of each group; groups without a value are left out.

    Args:
        rows: by group, as `ModelScores.items` has them.
        view: the metric, with a column in the rows.
        absent_is_zero: an output that is expected and absent counts 0, as under `missing="zero"`.

    Example:
        >>> from imug_metrics.report.metric_specs import METRICS
        >>> rows = [{"dialogue": d, "turn": 1, "modality": "image", "alignment": d / 4} for d in range(3)]
        >>> found = group_estimates({"odd": rows[1::2], "all": rows}, METRICS[4])
        >>> {name: (mean.value, mean.records, mean.bounded) for name, mean in found.items()}
        {'odd': (0.25, 1, False), 'all': (0.25, 3, True)}
    """
    rule = _RULES.get(view.item, _Rule(is_missing))
    found: dict[str, tuple[list[list[float]], float]] = {}
    for name, given in rows.items():
        sums: dict[str, list[float]] = {}
        covered = expected = 0
        for row in given:
            if view.modality not in ("", row.get("modality")):
                continue
            value = as_float(row.get(view.item))
            there = not math.isnan(value)
            expected += there or rule.is_expected(row)
            covered += there and not rule.is_uncovered(row)
            if not there and absent_is_zero and rule.is_absent(row):
                value = 0.0
            if not math.isnan(value):
                of = sums.setdefault(str(row["dialogue"]), [0.0, 0.0])
                of[0], of[1] = of[0] + value, of[1] + 1
        if sums:
            found[name] = [*sums.values()], covered / expected if expected else math.nan
    if not found:
        return {}
    packed = [packed_moments(torch.tensor(sums, dtype=torch.float64), 1) for sums, _ in found.values()]
    moments = unpack_moments(torch.stack(packed))
    weights = component_weights(moments, _MEAN)
    varying = varying_weights(moments, 1)
    means = interval(*ratio_spread(moments, 1), weights, varying=varying, low=view.low, high=view.high)
    columns = (column.flatten().tolist() for column in (means.value, means.lower, means.upper, weights.total))
    return {
        name: GroupEstimate(value, lower, upper, int(records), len(sums), coverage)
        for (name, (sums, coverage)), value, lower, upper, records in zip(found.items(), *columns, strict=True)
    }


def row_scores(items: Iterable[Row], view: MetricSpec) -> dict[str, float]:
    """Mean, bounds and coverage of one metric, as flat scores; empty where no row has a value."""
    found = group_estimates({"": [*items]}, view)
    return {
        f"{view.key}{end}": value
        for mean in found.values()
        for end, value in (
            ("", mean.value),
            ("_lower", mean.lower),
            ("_upper", mean.upper),
            ("_coverage", mean.coverage),
        )
    }


def image_scores(items: Sequence[Row]) -> dict[str, float]:
    """How often images are repeated, and what retrieval comes to by chance: 1 over the image turns of the dialogue."""
    images = [row for row in items if row.get("modality") == "image"]
    turns = Counter(str(row["dialogue"]) for row in images)
    repeated = [value for row in images if not math.isnan(value := as_float(row.get("copy")))]
    guessed = [1 / turns[str(row["dialogue"])] for row in images if not math.isnan(as_float(row.get("retrieval")))]
    return {key: math.fsum(of) / len(of) for key, of in ((COPY_RATE, repeated), (CHANCE, guessed)) if of}


def _never(row: Row) -> bool:
    return False


def _always(row: Row) -> bool:
    return True


def _lacks_answer(row: Row) -> bool:
    return is_missing(row) and row.get("target") is not None


def _has_points(row: Row) -> bool:
    return row.get("points") is not None


@dataclass(frozen=True)
class _Rule:
    """What rows without a value stand for, as the metrics have it.

    Attributes:
        is_absent: whether such a row is an output that is expected and not there.
        expects: whether it is an output that would have a value if all were there; None: where it is absent.
        is_uncovered: whether a row with a value is an absent output that the metric gave one.
    """

    is_absent: Callable[[Row], bool]
    expects: Callable[[Row], bool] | None = None
    is_uncovered: Callable[[Row], bool] = _never

    def is_expected(self, row: Row) -> bool:
        """Whether a row without a value counts in the coverage."""
        return (self.expects or self.is_absent)(row)


_RULES: Mapping[str, _Rule] = {
    "answer_strict": _Rule(_lacks_answer),
    "answer_imug": _Rule(_never, is_uncovered=lambda row: row.get("text", "") is None),
    "points_strict": _Rule(_has_points),
    "points_imug": _Rule(_has_points),
    "alignment": _Rule(_always),
    "retrieval": _Rule(_always),
    "consistency": _Rule(is_missing, expects=_always),
}
"""By column of the rows; of others outputs that are not there are absent."""
