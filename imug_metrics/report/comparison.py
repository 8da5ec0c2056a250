# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Which model differs from which, in every metric: from the rows of their records, paired by dialogue and turn."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING, Any, TypedDict

import torch
from torch import Tensor

from imug_metrics.dialogues.ids import hash_ids
from imug_metrics.report.metric_specs import MetricSpec, as_float, shown_metrics
from imug_metrics.stats.comparison import PairedDifference, compared_sums, paired_differences, rank_bounds
from imug_metrics.stats.multiple_comparisons import holm_families
from imug_metrics.stats.slopes import within_sums

if TYPE_CHECKING:
    from imug_metrics.suite import ModelScores

REPLICATES = 2000
"""Of the bootstrap behind bounds that hold for all pairs; their Monte-Carlo error is then a fiftieth of their width."""


@dataclass(frozen=True)
class MetricComparison:
    """All pairs of models under one metric.

    Attributes:
        view: the metric.
        slope: whether its change per turn is compared, and not its mean.
        differences: of each two models, in the order of `itertools.combinations`.
        ranks: by model, the first and the last rank it can have; 1 is the highest score.
        p: by pair, the p-value adjusted for all pairs and all metrics compared (Holm's rule over metrics).
    """

    view: MetricSpec
    slope: bool
    differences: tuple[PairedDifference, ...]
    ranks: tuple[tuple[int, int], ...]
    p: tuple[float, ...]

    @property
    def key(self) -> str:
        """The estimate's name in the scores."""
        return f"{self.view.key}_slope" if self.slope else self.view.key

    @property
    def leader(self) -> int | None:
        """The place of the model that is ahead of every other one; None where none is."""
        return next((place for place, rank in enumerate(self.ranks) if rank == (1, 1)), None)


def compare_models(
    models: Sequence[ModelScores],
    metrics: Sequence[MetricSpec] | None = None,
    *,
    slopes: bool = False,
    level: float = 0.95,
    power: float = 0.8,
    replicates: int = REPLICATES,
    seed: int = 0,
) -> list[MetricComparison]:
    """Every two models, metric by metric, on the records that both have a score of.

    Args:
        models: at least two, with the rows of their records.
        metrics: those to compare; None: all that one of the models has a value for.
        slopes: compare the changes per turn as well.
        level, power, replicates, seed: see `imug_metrics.stats.comparison.paired_differences`.

    Returns:
        One comparison a metric, and behind it that of its slope if wanted. Empty for one model.
    """
    if len(models) < 2:
        return []
    found = []
    for view in shown_metrics(models) if metrics is None else metrics:
        table = _score_table(models, view)
        options = _Options(power=power, replicates=replicates, seed=seed)
        found.append((view, False, paired_differences(table.scores, table.dialogue, level, **options)))
        if slopes:
            found.append((view, True, _slope_differences(table, level, options)))
    adjusted = holm_families([torch.tensor([pair.p for pair in pairs]) for _, _, pairs in found])
    return [
        MetricComparison(view, slope, tuple(pairs), tuple(rank_bounds(pairs, len(models))), tuple(p.tolist()))
        for (view, slope, pairs), p in zip(found, adjusted, strict=True)
    ]


def comparison_rows(models: Sequence[str], compared: Sequence[MetricComparison]) -> list[dict[str, Any]]:
    """One row a metric and pair, with the models' names, for files and data frames.

    Args:
        models: names, by the places in the differences.
        compared: all metrics.
    """
    found = []
    for metric in compared:
        for pair, adjusted in zip(metric.differences, metric.p, strict=True):
            names = {"metric": metric.key, "first": models[pair.first], "second": models[pair.second]}
            found.append({**pair._asdict(), **names, "p_all_metrics": adjusted})
    return found


@dataclass(frozen=True)
class _ScoreTable:
    """Scores `[M, N]` of the records that a model has, by dialogue and turn in rising order."""

    scores: Tensor
    dialogue: Tensor
    turn: Tensor


def _score_table(models: Sequence[ModelScores], view: MetricSpec) -> _ScoreTable:
    known = [
        {(str(item["dialogue"]), int(item["turn"])): as_float(item.get(view.item)) for item in model.items}
        for model in models
    ]
    places = sorted({place for scores in known for place, value in scores.items() if not math.isnan(value)})
    ids = hash_ids([dialogue for dialogue, _ in places]) if places else torch.zeros(0, dtype=torch.int64)
    scores = [[scores.get(place, math.nan) for place in places] for scores in known]
    turns = torch.tensor([turn for _, turn in places], dtype=torch.float64)
    return _ScoreTable(torch.tensor(scores, dtype=torch.float64), ids, turns)


class _Options(TypedDict):
    power: float
    replicates: int
    seed: int


def _slope_differences(table: _ScoreTable, level: float, options: _Options) -> list[PairedDifference]:
    """Differences of slopes: the slope of the records' differences over turns, within dialogues."""
    pairs = list(combinations(range(len(table.scores)), 2))
    ids, counts = torch.unique_consecutive(table.dialogue, return_counts=True)
    offsets = torch.cat([counts.new_zeros(1), counts.cumsum(0)])
    sums = []
    for first, second in pairs:
        away = table.scores[first] - table.scores[second]
        sums.append(within_sums(table.turn, away.nan_to_num(0), ~away.isnan(), offsets))
    above, below = (torch.stack(parts) for parts in zip(*sums, strict=True))
    return compared_sums(above, below, ids, pairs, level, **options)
