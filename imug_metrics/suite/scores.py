# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""What is known of one model in the end."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from imug_metrics.metrics.description import MetricDescription
from imug_metrics.metrics.dialogue_metric import DialogueMetric
from imug_metrics.metrics.state_file import SavedState
from imug_metrics.suite.unread import AnswersRead, answers_read


@dataclass(frozen=True)
class ModelScores:
    """Every metric of one model.

    Attributes:
        model: its name.
        scores: flat, by name; "answer_accuracy..." is protocol "strict", "answer_accuracy_imug..." the official one,
            "answer_accuracy_without_key" the number of text turns whose key is absent or names no option, and
            "turn_consistency_graph..." the agreement along links, where records have any. Undefined is NaN.
        reasons: why estimates have no interval, by name.
        items: one row a record: dialogue, turn, modality, prompt, target, text, image, class, domain, subdomain, read
            and reading (the letters read in an answer, and how or why none: `imug_metrics.reading.choice.REASONS`),
            further groups that records are in, such as difficulty and question, and the record's own answer_strict,
            answer_imug, alignment, retrieval, consistency, copy, further metrics, scores and costs (None where
            undefined).
        descriptions: how to read the metrics, by what the names of their scores begin with.
        embedded: contents of images that are no files, by their names in the rows; they are not kept in files.
        state: the suite's state, where it was asked for; it is kept in a file of its own.
    """

    model: str
    scores: dict[str, float]
    items: list[dict[str, Any]]
    reasons: Mapping[str, str] = field(default_factory=dict)
    descriptions: Mapping[str, MetricDescription] = field(default_factory=dict)
    embedded: Mapping[str, bytes] = field(default_factory=dict, repr=False, compare=False)
    state: SavedState | None = field(default=None, repr=False, compare=False)

    @cached_property
    def counts(self) -> Mapping[str, int]:
        """By column of the rows, how many have a value."""
        return Counter(column for row in self.items for column, value in row.items() if value is not None)

    @property
    def answers_read(self) -> AnswersRead:
        """How many answers were read by which rule, and which could not be read and why."""
        return answers_read(self.items)


def metric_scores(metric: DialogueMetric, name: str | None = None) -> dict[str, float]:
    """What a metric with `detail=True` computes, as floats, flat.

    Args:
        metric: it has been updated.
        name: what the keys begin with in place of the metric's own name.

    Example:
        >>> from imug_metrics import TurnDecay
        >>> metric = TurnDecay(detail=True)
        >>> metric.update([[0.5, 0.25]])
        >>> found = metric_scores(metric, "loss")
        >>> found["loss"], found["loss_mean"]
        (-0.25, 0.375)
    """
    found = metric.compute()
    named = found if isinstance(found, dict) else {metric.name: found}
    own = metric.name
    return {f"{name or own}{key.removeprefix(own)}": float(value) for key, value in named.items()}
