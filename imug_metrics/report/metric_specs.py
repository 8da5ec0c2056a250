# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""What the report shows of each metric: where its numbers are, and the words beside them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from imug_metrics.dialogues.record import FAILED
from imug_metrics.metrics.answers.answer_accuracy import AnswerAccuracy
from imug_metrics.metrics.answers.point_score import PointScore
from imug_metrics.metrics.description import MetricDescription
from imug_metrics.metrics.dialogue_metric import DialogueMetric
from imug_metrics.metrics.images.copy_guard import CopyGuard
from imug_metrics.metrics.images.turn_alignment import TurnAlignment
from imug_metrics.metrics.images.turn_consistency import TurnConsistency
from imug_metrics.metrics.images.turn_retrieval import TurnRetrieval
from imug_metrics.report.estimates import as_float, curve, estimate
from imug_metrics.suite.carried import COST

if TYPE_CHECKING:
    from imug_metrics.suite import ModelScores


COPY_ALARM = 0.5
"""Above this copy rate a high consistency says that images were repeated rather than redrawn."""


@dataclass(frozen=True)
class MetricSpec:
    """One metric of the report, made of its description: where its numbers are, and the words beside them.

    Attributes:
        key: in the scores.
        item: its column in the items; empty: it has none.
        modality: of the turns that it is taken over; empty: of both.
        is_share: whether it lies in [0, 1] and is drawn so.
        label, noun, meaning, misleads: see `MetricDescription`.
        higher_is_better: True, False, or None where neither end is better.
        is_mean: whether it is the mean of the column `item`.
        low, high: ends that it cannot leave; infinite where there is none.
        range, direction: the range, and which end is better, in words.
    """

    key: str
    item: str
    modality: str
    is_share: bool
    label: str
    noun: str
    meaning: str
    misleads: str
    higher_is_better: bool | None = True
    is_mean: bool = True
    low: float = -math.inf
    high: float = math.inf
    range: str = ""
    direction: str = ""

    @property
    def is_cost(self) -> bool:
        """Whether it is what outputs cost, which is no score of theirs."""
        return self.key.startswith(COST)


def metric_spec(description: MetricDescription, item: str, modality: str) -> MetricSpec:
    """What the report shows of a metric that is described.

    Example:
        >>> metric_spec(TurnAlignment().describe(), "alignment", "image").label
        'Alignment'
    """
    return MetricSpec(
        description.name,
        item,
        modality,
        description.unit == "share" and description.low == 0,
        description.label,
        description.noun,
        description.meaning,
        description.misleads,
        description.higher_is_better,
        description.is_mean,
        -math.inf if description.low is None else description.low,
        math.inf if description.high is None else description.high,
        description.range,
        description.direction,
    )


def _standard(metric: DialogueMetric, item: str, modality: str) -> MetricSpec:
    name = metric.name if getattr(metric, "protocol", "strict") == "strict" else f"{metric.name}_imug"
    return metric_spec(replace(metric.describe(), name=name), item, modality)


METRICS: tuple[MetricSpec, ...] = (
    _standard(AnswerAccuracy(), "answer_strict", "text"),
    _standard(AnswerAccuracy(protocol="imug"), "answer_imug", "text"),
    _standard(PointScore(), "points_strict", "image"),
    _standard(PointScore(protocol="imug"), "points_imug", "image"),
    _standard(TurnAlignment(), "alignment", "image"),
    _standard(TurnRetrieval(), "retrieval", "image"),
    _standard(TurnConsistency(), "consistency", "image"),
    _standard(CopyGuard(), "copy", "image"),
)
"""The metrics that are always known, in the report's order; those of a run stand in its `ModelScores.descriptions`."""

COPY_RATE = "copy_guard"
_BY_COSINE = "turn_consistency_copy_rate"
CHANCE = "turn_retrieval_chance"
WITHOUT_KEY = "answer_accuracy_without_key"
EXPOSURE = "exposure_bias"
ALIGNMENT_GAP = "exposure_gap_alignment"


def records_by_turn(items: Sequence[Mapping[str, Any]], column: str) -> dict[int, int]:
    """How many records of each turn carry a value in ``column``.

    Example:
        >>> records_by_turn([{"turn": 1, "copy": None}, {"turn": 2, "copy": 0.0}], "copy")
        {2: 1}
    """
    counts: dict[int, int] = {}
    for item in items:
        if not math.isnan(as_float(item.get(column))):
            counts[int(item["turn"])] = counts.get(int(item["turn"]), 0) + 1
    return counts


def is_missing(item: Mapping[str, Any]) -> bool:
    """Whether a record has no output: no image, or no answer but the note of a failure.

    Example:
        >>> is_missing({"modality": "text", "text": "ERROR: timed out"}), is_missing({"modality": "text", "text": "B"})
        (True, False)
    """
    output = item.get("image" if item.get("modality") == "image" else "text")
    return output is None or str(output).startswith(FAILED)


def known_metrics(models: Sequence[ModelScores]) -> list[MetricSpec]:
    """The metrics that are always known, then others that the models were scored with, all as these describe them.

    Example:
        >>> from imug_metrics.suite import ModelScores
        >>> described = {"far": replace(TurnConsistency(mode="anchor").describe(), name="far", label="far")}
        >>> model = ModelScores("mine", {"far": 0.5}, [], descriptions=described)
        >>> [view.key for view in known_metrics([model])][-2:]
        ['copy_guard', 'far']
    """
    found = {view.key: view for view in METRICS}
    described: dict[str, MetricDescription] = {}
    for model in models:
        for key, description in model.descriptions.items():
            described.setdefault(key, description)
    for key, description in described.items():
        own = found.get(key)
        item, modality = (own.item, own.modality) if own else _column(models, key)
        found[key] = metric_spec(replace(description, name=key), item, modality)
    return list(found.values())


def shown_metrics(models: Sequence[ModelScores]) -> list[MetricSpec]:
    """The metrics that at least one model has a value for, in the report's order."""
    return [view for view in known_metrics(models) if any(estimate(model.scores, view.key).known for model in models)]


def own_metrics(models: Sequence[ModelScores]) -> list[MetricSpec]:
    """Those that are shown and not always known: of metrics that were given, and of what records carry."""
    always = {view.key for view in METRICS}
    return [view for view in shown_metrics(models) if view.key not in always]


def comparable_metrics(models: Sequence[ModelScores]) -> list[MetricSpec]:
    """Those that are shown, means of the records' own values, that say which end is better, so that models are ranked.

    What outputs cost is no score of theirs: costs are compared where they are asked for.
    """
    directed = [view for view in row_metrics(shown_metrics(models)) if view.higher_is_better is not None]
    return [view for view in directed if not view.is_cost]


def row_metrics(metrics: Iterable[MetricSpec]) -> list[MetricSpec]:
    """The metrics that are means of a column of the rows."""
    return [view for view in metrics if view.item and view.is_mean]


def _column(models: Sequence[ModelScores], key: str) -> tuple[str, str]:
    """Column of the items and modality of its rows; empty where there is none, or both."""
    rows = [item for model in models for item in model.items if item.get(key) is not None]
    kinds = {str(item.get("modality")) for item in rows}
    return (key, kinds.pop() if len(kinds) == 1 else "") if rows else ("", "")


def compares_histories(model: ModelScores) -> bool:
    """Whether a run on the reference history was scored beside the model's own."""
    return any(estimate(model.scores, key).known for key in (f"{EXPOSURE}_mean", ALIGNMENT_GAP))


def horizon(model: ModelScores) -> int:
    """The last turn at which both histories were scored; 0 where none was."""
    return max(curve(model.scores, EXPOSURE), default=0)


def copies(model: ModelScores) -> bool:
    """Whether the model repeats images so often that its consistency must not be read as identity kept."""
    return copy_rate(model) > COPY_ALARM


def copy_rate(model: ModelScores) -> float:
    """Share of images that are copies; where nothing guards against them, of those that are copies by cosine."""
    rates = (as_float(model.scores.get(key)) for key in (COPY_RATE, _BY_COSINE))
    return next((rate for rate in rates if not math.isnan(rate)), math.nan)


def check_models(models: Sequence[ModelScores]) -> None:
    """Raise a ValueError where there is no model to report, or two of one name."""
    if not models:
        raise ValueError("Expected argument `models` to hold at least one model, got none.")
    names = [model.model for model in models]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ValueError(f"Expected argument `models` to name each model once, got {twice[0]!r} more than once.")
