# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Scores of a model from the rows of its records alone: means by group with bounds, coverage, chance."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeAlias

import torch
from torch import Tensor

from imug_metrics.report.estimates import FEW_DIALOGUES, Estimate, as_float
from imug_metrics.report.metric_specs import CHANCE, MetricSpec, is_missing
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


class ScoredRows(NamedTuple):
    """What a metric makes of rows, a number each.

    Attributes:
        values: float64 `[N]`, that count in the mean; NaN where there is none.
        covered: bool `[N]`, whether an output is there that has a value.
        expected: bool `[N]`, whether it would have one if all outputs were there.
    """

    values: Tensor
    covered: Tensor
    expected: Tensor


def scored_rows(items: Iterable[Row], view: MetricSpec, *, absent_is_zero: bool = False) -> ScoredRows:
    """What a metric makes of rows; of those of another modality nothing.

    Args:
        items: as `ModelScores.items` has them.
        view: the metric, with a column in the rows.
        absent_is_zero: an output that is expected and absent counts 0, as under `missing="zero"`.
    """
    rule = _RULES.get(view.item, _Rule(is_missing))
    values, covered, expected = [], [], []
    for row in items:
        concerns = view.modality in ("", row.get("modality"))
        value = as_float(row.get(view.item)) if concerns else math.nan
        there = not math.isnan(value)
        covered.append(there and not rule.is_uncovered(row))
        expected.append(there or (concerns and rule.is_expected(row)))
        values.append(0.0 if absent_is_zero and concerns and not there and rule.is_absent(row) else value)
    return ScoredRows(torch.tensor(values, dtype=torch.float64), torch.tensor(covered), torch.tensor(expected))


def turn_values(items: Iterable[Row], column: str) -> dict[tuple[str, int], float]:
    """What a column holds, by dialogue and turn; NaN where it has no value."""
    return {(str(row["dialogue"]), int(row["turn"])): as_float(row.get(column)) for row in items}


def dialogue_places(items: Iterable[Row]) -> Tensor:
    """The dialogue of each row as a number from 0, in the order in which they begin; int64 `[N]`."""
    places: dict[str, int] = {}
    return torch.tensor([places.setdefault(str(row["dialogue"]), len(places)) for row in items], dtype=torch.int64)


def group_estimates(
    scored: ScoredRows, dialogue: Tensor, group: Tensor, names: Sequence[str], view: MetricSpec
) -> dict[str, GroupEstimate]:
    """The mean of one metric over the rows of each group; groups without a value are left out.

    Args:
        scored: what the metric makes of the rows.
        dialogue: of each row, see `dialogue_places`.
        group: int64 `[N]`, the place of each row's group among the names; -1 where it is in none.
        names: of the groups.
        view: the metric.

    Example:
        >>> from imug_metrics.report.metric_specs import METRICS
        >>> rows = [{"dialogue": d, "turn": 1, "modality": "image", "alignment": d / 4} for d in range(3)]
        >>> scored, group = scored_rows(rows, METRICS[4]), torch.tensor([0, 1, 0])
        >>> found = group_estimates(scored, dialogue_places(rows), group, ["even", "odd"], METRICS[4])
        >>> {name: (mean.value, mean.records, mean.bounded) for name, mean in found.items()}
        {'even': (0.25, 2, True), 'odd': (0.25, 1, False)}
    """
    sums, counts = _dialogue_sums(scored.values, dialogue, group, len(names))
    shown = [place for place, count in enumerate(counts) if count]
    if not shown:
        return {}
    packed = [packed_moments(part, 1) for part in torch.split(sums, [counts[place] for place in shown])]
    moments = unpack_moments(torch.stack(packed))
    weights = component_weights(moments, _MEAN)
    varying = varying_weights(moments, 1)
    means = interval(*ratio_spread(moments, 1), weights, varying=varying, low=view.low, high=view.high)
    columns = (column.flatten().tolist() for column in (means.value, means.lower, means.upper, weights.total))
    covered, expected = (torch.bincount(group[of & (group >= 0)], minlength=len(names)) for of in scored[1:])
    coverage = (covered.double() / expected).tolist()
    return {
        names[place]: GroupEstimate(value, lower, upper, int(records), counts[place], coverage[place])
        for place, value, lower, upper, records in zip(shown, *columns, strict=True)
    }


def _dialogue_sums(values: Tensor, dialogue: Tensor, group: Tensor, groups: int) -> tuple[Tensor, list[int]]:
    """Sum and number of the values of each dialogue, group by group; and how many dialogues each group has."""
    known = ~values.isnan() & (group >= 0)
    dialogues = int(dialogue.max()) + 1 if len(dialogue) else 1
    pairs, place = torch.unique(group[known] * dialogues + dialogue[known], return_inverse=True)
    sums = torch.zeros(len(pairs), 2, dtype=torch.float64)
    sums.index_add_(0, place, torch.stack([values[known], torch.ones(len(place), dtype=torch.float64)], 1))
    return sums, torch.bincount(pairs // dialogues, minlength=groups).tolist()


def row_scores(items: Sequence[Row], view: MetricSpec) -> dict[str, float]:
    """Mean, bounds and coverage of one metric, as flat scores; empty where no row has a value."""
    every = torch.zeros(len(items), dtype=torch.int64)
    found = group_estimates(scored_rows(items, view), dialogue_places(items), every, [""], view)
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
    """What retrieval comes to by chance: 1 over the image turns of the dialogue."""
    images = [row for row in items if row.get("modality") == "image"]
    turns = Counter(str(row["dialogue"]) for row in images)
    guessed = [1 / turns[str(row["dialogue"])] for row in images if not math.isnan(as_float(row.get("retrieval")))]
    return {CHANCE: math.fsum(guessed) / len(guessed)} if guessed else {}


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
