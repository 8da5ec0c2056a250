# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Every metric by class, domain, modality or any other group of records, from the rows of the records."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from imug_metrics.dialogues.record import GROUPS
from imug_metrics.errors import ArgumentError
from imug_metrics.report.marks import absent_is_zero
from imug_metrics.report.metric_specs import MetricSpec, shown_metrics
from imug_metrics.report.row_scores import GroupEstimate, Row, group_estimates
from imug_metrics.suite.carried import RECORD_COLUMNS

if TYPE_CHECKING:
    from imug_metrics.suite import ModelScores

__all__ = ["MOST_GROUPS", "GroupEstimate", "GroupedMetric", "Grouping", "breakdown", "breakdowns", "group_names"]

MOST_GROUPS = 50
"""Groups of one kind that are told apart; of more the largest."""

_STANDARD = (GROUPS[0], GROUPS[1], GROUPS[2], "modality", *GROUPS[3:])
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
        names: of the groups, in alphabetical order; of more than `MOST_GROUPS` the largest by records.
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
        By group, in alphabetical order; one without a value is left out.

    Raises:
        ArgumentError: if the metric is not the mean of a column.

    Example:
        >>> from types import SimpleNamespace
        >>> from imug_metrics.report.metric_specs import METRICS
        >>> rows = [{"dialogue": d, "turn": 1, "modality": "image", "alignment": d / 4, "class": "ab"[d % 2]}
        ...         for d in range(5)]
        >>> found = breakdown(SimpleNamespace(model="mine", scores={}, items=rows), METRICS[4], "class")
        >>> {name: (mean.value, mean.records, mean.is_approximate) for name, mean in found.items()}
        {'a': (0.5, 3, True), 'b': (0.5, 2, True)}
    """
    if not (metric.item and metric.is_mean):
        raise ArgumentError("metric", f"expected the mean of a column of the rows, got {metric.key!r}")
    return _estimates(model, metric, group_rows(model.items, group))


def breakdowns(models: Sequence[ModelScores]) -> list[Grouping]:
    """Every metric by every kind of group of which there are two or more; kinds in the order of `group_names`.

    Args:
        models: with the rows of their records.
    """
    views = [view for view in shown_metrics(models) if view.item and view.is_mean]
    return [found for group in group_names(models) if (found := _grouping(models, views, group)) is not None]


def group_names(models: Iterable[ModelScores]) -> list[str]:
    """The kinds of groups that rows of the models have: the usual ones first, then others in alphabetical order."""
    found: set[str] = set()
    for model in models:
        for row in model.items:
            found.update(name for name, value in row.items() if name not in found and _is_group(name, value))
    return [*(name for name in _STANDARD if name in found), *sorted(found - {*_STANDARD})]


def group_rows(items: Iterable[Row], group: str) -> dict[str, list[Row]]:
    """The rows of each group, in alphabetical order; rows that are in none are left out."""
    found: dict[str, list[Row]] = {}
    for row in items:
        name = row.get(group)
        if _is_group(group, name):
            found.setdefault(str(name), []).append(row)
    return dict(sorted(found.items()))


def _is_group(name: str, value: Any) -> bool:
    """Whether a cell says what group its row is in: scores are numbers."""
    return isinstance(value, str) and name not in _NO_GROUPS


def _grouping(models: Sequence[ModelScores], views: Sequence[MetricSpec], group: str) -> Grouping | None:
    rows = [group_rows(model.items, group) for model in models]
    sizes: Counter[str] = Counter()
    for of in rows:
        sizes.update({name: len(mine) for name, mine in of.items()})
    largest = sorted(sizes, key=lambda name: (-sizes[name], name))[:MOST_GROUPS]
    names = tuple(sorted(largest))
    metrics = []
    for view in views:
        pairs = zip(models, rows, strict=True)
        estimates = tuple(_estimates(model, view, _chosen(of, names)) for model, of in pairs)
        if any(len(found) > 1 for found in estimates):
            metrics.append(GroupedMetric(view, estimates))
    return Grouping(group, names, len(sizes) - len(names), tuple(metrics)) if metrics else None


def _chosen(rows: Mapping[str, Sequence[Row]], names: Collection[str]) -> dict[str, Sequence[Row]]:
    return {name: rows[name] for name in names if name in rows}


def _estimates(model: ModelScores, view: MetricSpec, rows: Mapping[str, Sequence[Row]]) -> dict[str, GroupEstimate]:
    return group_estimates(rows, view, absent_is_zero=absent_is_zero(model, view))
