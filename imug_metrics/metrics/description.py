# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""What a metric says of itself: tables, reports and the documentation are made of it."""

from __future__ import annotations

import inspect
import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any


@dataclass(frozen=True)
class MetricDescription:
    """How to read the primary estimate of a metric.

    A class states what it knows, see `DialogueMetric.description`; `describe` fills in what hangs on its options.

    Attributes:
        label: heading of a column.
        noun: what it is called within a sentence.
        measures: how the estimate is formed.
        direction: which end is better, in words.
        meaning: what it says, for readers of a report.
        misleads: when it says something else.
        unit: of the estimate: "share" of 1, "score", "score per turn", "%", "turns", ...
        span: its range in words; empty: as `low` and `high` say.
        low, high: ends that the estimate cannot leave, infinite where there is none; None: those of `ranges`.
        name: what the names of its scores begin with.
        higher_is_better: True, False, or None where neither end is better.
        is_mean: whether it is the mean of one value a record.

    Example:
        >>> from imug_metrics import TurnAlignment
        >>> found = TurnAlignment(variant="cosine").describe()
        >>> found.label, found.range, found.higher_is_better
        ('Alignment', '-1 to 1', True)
    """

    label: str
    noun: str
    measures: str
    direction: str
    meaning: str
    misleads: str
    unit: str = "score"
    span: str = ""
    low: float | None = None
    high: float | None = None
    name: str = ""
    higher_is_better: bool | None = None
    is_mean: bool = False

    @property
    def range(self) -> str:
        """The range in words."""
        if self.span:
            return self.span
        low, high = _end(self.low, -math.inf), _end(self.high, math.inf)
        if math.isinf(low):
            return "unbounded" if math.isinf(high) else f"up to {high:g}"
        return f"from {low:g}" if math.isinf(high) else f"{low:g} to {high:g}"

    @classmethod
    def from_json(cls, row: Mapping[str, Any]) -> MetricDescription:
        """A description that was written as JSON, where infinities are text."""
        ends = {end: None if row[end] is None else float(row[end]) for end in ("low", "high")}
        return cls(**{field.name: row[field.name] for field in fields(cls)} | ends)


def describe(metric: Any) -> MetricDescription:
    """How to read a metric; of one that does not say it, what its class tells.

    Args:
        metric: any metric; `DialogueMetric`s and wrappers of them describe themselves.

    Example:
        >>> from torchmetrics import MeanMetric
        >>> found = describe(MeanMetric())
        >>> found.name, found.label, found.range
        ('MeanMetric', 'MeanMetric', 'unbounded')
    """
    if hasattr(metric, "describe"):
        found: MetricDescription = metric.describe()
        return found
    name = getattr(metric, "name", type(metric).__name__)
    return undescribed(metric, str(name))


def undescribed(metric: Any, name: str) -> MetricDescription:
    """What the name, the docstring and `higher_is_better` of a metric tell."""
    direction = {True: "higher is better", False: "lower is better"}
    higher = getattr(metric, "higher_is_better", None)
    words = direction.get(higher, "neither end is better") if isinstance(higher, bool) else "not known"
    summary = " ".join((inspect.getdoc(type(metric)) or "").split("\n\n")[0].split())
    return MetricDescription(name, name, "", words, summary, "", name=name, higher_is_better=higher)


def _end(value: float | None, unknown: float) -> float:
    return unknown if value is None else value
