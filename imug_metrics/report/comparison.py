# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Which model differs from which, in every metric: from the rows of their records, paired by dialogue and turn."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate, combinations
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from imug_metrics.dialogues.ids import hash_ids
from imug_metrics.report.metric_specs import MetricSpec, comparable_metrics
from imug_metrics.report.row_scores import turn_values
from imug_metrics.stats.bootstrap import poisson_weights
from imug_metrics.stats.comparison import PairedDifference, compared_sums, difference_sums, rank_bounds
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
        ranks: by model, the first and the last rank it can have; 1 is the best score, see `ranks`.
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
        metrics: those to compare; None: all `comparable_metrics`.
        slopes: compare the changes per turn as well.
        level, power, replicates, seed: see `imug_metrics.stats.comparison.paired_differences`.

    Returns:
        One comparison a metric, and behind it that of its slope if wanted. Empty for one model, or without a score.
    """
    views = comparable_metrics(models) if metrics is None else metrics
    if len(models) < 2 or not views:
        return []
    tables = [(view, _score_table(models, view)) for view in views]
    pairs = list(combinations(range(len(models)), 2))
    ids = torch.unique(torch.cat([table.ids for _, table in tables]))  # drawn once for all metrics
    weights = poisson_weights(ids, replicates if len(pairs) > 1 else 0, seed)
    found = []
    for view, table in tables:
        drawn = weights[torch.searchsorted(ids, table.ids)]
        sums = [(False, table.differences(pairs)), *([(True, table.slopes(pairs))] if slopes else [])]
        widest = view.high - view.low
        for slope, of in sums:
            found.append((view, slope, compared_sums(*of, drawn, pairs, level, power=power, widest=widest)))
    adjusted = holm_families([torch.tensor([pair.p for pair in pairs]) for _, _, pairs in found])
    return [
        MetricComparison(view, slope, tuple(pairs), ranks(view, pairs, len(models)), tuple(p.tolist()))
        for (view, slope, pairs), p in zip(found, adjusted, strict=True)
    ]


def ranks(view: MetricSpec, pairs: Sequence[PairedDifference], models: int) -> tuple[tuple[int, int], ...]:
    """The first and the last rank of each model: 1 is the lowest score where lower is better, else the highest."""
    return tuple(rank_bounds(pairs, models, higher_is_better=view.higher_is_better is not False))


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
    """Scores of the records that a model has, by dialogue and turn in rising order.

    Attributes:
        scores: `[M, N]`; NaN where a model has none.
        turn: float64 `[N]`.
        ids: int64 `[G]`, of the dialogues.
        offsets: int64 `[G + 1]`, where each begins.
    """

    scores: Tensor
    turn: Tensor
    ids: Tensor
    offsets: Tensor

    def differences(self, pairs: Sequence[tuple[int, int]]) -> tuple[Tensor, Tensor]:
        """Numerators and denominators by pair and dialogue of the mean difference."""
        owner = torch.repeat_interleave(torch.arange(len(self.ids)), self.offsets.diff())
        return difference_sums(self.scores, owner, len(self.ids), pairs)

    def slopes(self, pairs: Sequence[tuple[int, int]]) -> tuple[Tensor, Tensor]:
        """The same of the slope of the records' differences over turns, within dialogues."""
        sums = []
        for first, second in pairs:
            away = self.scores[first] - self.scores[second]
            sums.append(within_sums(self.turn, away.nan_to_num(0), ~away.isnan(), self.offsets))
        above, below = (torch.stack(parts) for parts in zip(*sums, strict=True))
        return above, below


def _score_table(models: Sequence[ModelScores], view: MetricSpec) -> _ScoreTable:
    known = [turn_values(model.items, view.item) for model in models]
    places = sorted({place for scores in known for place, value in scores.items() if not math.isnan(value)})
    lengths = Counter(dialogue for dialogue, _ in places)
    scores = [[scores.get(place, math.nan) for place in places] for scores in known]
    return _ScoreTable(
        torch.tensor(scores, dtype=torch.float64),
        torch.tensor([turn for _, turn in places], dtype=torch.float64),
        hash_ids(list(lengths)) if lengths else torch.zeros(0, dtype=torch.int64),
        torch.tensor([0, *accumulate(lengths.values())]),
    )
