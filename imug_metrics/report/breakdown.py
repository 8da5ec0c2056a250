# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Every metric by class, domain, modality or any other group of records, from the rows of the records."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from imug_metrics.dialogues.record import GROUPS
from imug_metrics.errors import ArgumentError
from imug_metrics.report.marks import absent_is_zero
from imug_metrics.report.metric_specs import MetricSpec, row_metrics, shown_metrics
from imug_metrics.report.row_scores import GroupEstimate, Row, dialogue_places, group_estimates, scored_rows
from imug_metrics.suite.carried import RECORD_COLUMNS

if TYPE_CHECKING:
    from imug_metrics.suite import ModelScores

__all__ = ["MOST_GROUPS", "GroupEstimate", "GroupedMetric", "Grouping", "breakdown", "breakdowns", "group_names"]

MOST_GROUPS = 50
"""Groups of one kind that are told apart; of more the largest."""

_STANDARD = (GROUPS[0], GROUPS[1], GROUPS[2], "modality", *GROUPS[3:])
_LEVELS = ("easy", "medium", "hard")
_NO_GROUPS = frozenset({*RECORD_COLUMNS, "model", "points"}) - {*_STANDARD}


@dataclass(frozen=True)
class GroupedMetric:
    """One metric by group.

    Attributes:
        metric: which.
        estimates: one mapping a model, in their order, by group; a group is absent where the model has no value.
    """

    metric: MetricSpec
    estimates: tuple[Mapping[str, GroupEstimate], ...]


@dataclass(frozen=True)
class Grouping:
    """All metrics by one kind of group.

    Attributes:
        group: the kind, such as "class".
        names: of the groups, in the order of `group_order`; of more than `MOST_GROUPS` the largest by records.
        left_out: how many groups are not among them.
        metrics: those that have values in two groups or more.
    """

    group: str
    names: tuple[str, ...]
    left_out: int
    metrics: tuple[GroupedMetric, ...]


def breakdown(model: ModelScores, metric: MetricSpec, group: str) -> dict[str, GroupEstimate]:
    """The mean of a metric over the records of each group, with its interval by dialogue.

    What an absent output counts as is what the model's score of all records says.

    Args:
        model: with the rows of its records.
        metric: one that is the mean of a column of the rows.
        group: the kind: "class", "domain", "subdomain", "modality", "difficulty", "question", or any other name that
            records carry in their groups.

    Returns:
        By group, in the order of `group_order`; one without a value is left out.

    Raises:
        ArgumentError: if the metric is not the mean of a column.

    Example:
        >>> from imug_metrics.report.metric_specs import METRICS
        >>> from imug_metrics.suite import ModelScores
        >>> rows = [{"dialogue": d, "turn": 1, "modality": "image", "alignment": d / 4, "class": "ab"[d % 2]}
        ...         for d in range(5)]
        >>> found = breakdown(ModelScores("mine", {}, rows), METRICS[4], "class")
        >>> {name: (mean.value, mean.records, mean.is_approximate) for name, mean in found.items()}
        {'a': (0.5, 3, True), 'b': (0.5, 2, True)}
    """
    if not (metric.item and metric.is_mean):
        raise ArgumentError("metric", f"expected the mean of a column of the rows, got {metric.key!r}")
    groups = _groups(model.items, group)
    names = group_order({name for name in groups if name is not None})
    return _Columns(model, [metric]).estimates(metric, _places(groups, names), names)


def breakdowns(models: Sequence[ModelScores]) -> list[Grouping]:
    """Every metric by every kind of group of which there are two or more; kinds in the order of `group_names`.

    Args:
        models: with the rows of their records.
    """
    views = row_metrics(shown_metrics(models))
    columns = [_Columns(model, views) for model in models]
    return [found for group in group_names(models) if (found := _grouping(columns, views, group)) is not None]


def group_order(names: Iterable[str]) -> list[str]:
    """Groups in alphabetical order; where all are easy, medium or hard, from easy to hard.

    Example:
        >>> group_order({"hard", "Easy", "medium"}), group_order({"hard", "easy", "odd"})
        (['Easy', 'medium', 'hard'], ['easy', 'hard', 'odd'])
    """
    found = sorted(names)
    levels = {level: place for place, level in enumerate(_LEVELS)}
    if not all(name.lower() in levels for name in found):
        return found
    return sorted(found, key=lambda name: levels[name.lower()])


def group_names(models: Iterable[ModelScores]) -> list[str]:
    """The kinds of groups that rows of the models have: the usual ones first, then others in alphabetical order."""
    found: set[str] = set()
    for model in models:
        others = set[str]().union(*model.items) - _NO_GROUPS - found
        found |= {name for name in others if any(isinstance(row.get(name), str) for row in model.items)}
    return [*(name for name in _STANDARD if name in found), *sorted(found - {*_STANDARD})]


class _Columns:
    """What metrics make of a model's rows, each looked through once, whatever they are grouped by."""

    def __init__(self, model: ModelScores, views: Iterable[MetricSpec]) -> None:
        self.items = model.items
        self.dialogue = dialogue_places(model.items)
        self.scored = {
            view.key: scored_rows(model.items, view, absent_is_zero=absent_is_zero(model, view)) for view in views
        }

    def estimates(self, view: MetricSpec, group: Tensor, names: Sequence[str]) -> dict[str, GroupEstimate]:
        return group_estimates(self.scored[view.key], self.dialogue, group, names, view)


def _grouping(columns: Sequence[_Columns], views: Sequence[MetricSpec], group: str) -> Grouping | None:
    groups = [_groups(of.items, group) for of in columns]
    sizes = Counter(name for of in groups for name in of if name is not None)
    names = tuple(group_order(sorted(sizes, key=lambda name: (-sizes[name], name))[:MOST_GROUPS]))
    placed = [(of, _places(mine, names)) for of, mine in zip(columns, groups, strict=True)]
    metrics = []
    for view in views:
        estimates = tuple(of.estimates(view, places, names) for of, places in placed)
        if any(len(found) > 1 for found in estimates):
            metrics.append(GroupedMetric(view, estimates))
    return Grouping(group, names, len(sizes) - len(names), tuple(metrics)) if metrics else None


def _groups(items: Iterable[Row], group: str) -> list[str | None]:
    """The group of each row; None where it is in none, as a cell that is no text is a score."""
    return [name if isinstance(name := row.get(group), str) else None for row in items]


def _places(groups: Iterable[str | None], names: Sequence[str]) -> Tensor:
    """The place of each row's group among the names; -1 where it is not among them."""
    places = {name: place for place, name in enumerate(names)}
    return torch.tensor([-1 if name is None else places.get(name, -1) for name in groups], dtype=torch.int64)
