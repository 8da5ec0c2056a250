# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Every dialogue of every model: its turns, what became of them, and how it stands among the others."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from imug_metrics.report.dialogues.outcomes import Outcome, outcome
from imug_metrics.report.estimates import as_float, mean
from imug_metrics.report.metric_specs import MetricSpec

if TYPE_CHECKING:
    from imug_metrics.report.row_scores import Row
    from imug_metrics.suite import ModelScores

MOST_LISTED = 3000
"""Rows of the page's list of dialogues; of all there is a file."""
_MOST_CELLS = 45_000
_OTHER_COLUMNS = 11  # besides those of metrics

_TOWARDS_BETTER = {True: 1.0, False: -1.0, None: math.nan}


@dataclass(frozen=True, slots=True)
class ScoredDialogue:
    """One dialogue of one model.

    Attributes:
        place: its number among all; what the page's anchor is made of.
        model: place of the model.
        dialogue: its id.
        rows: its turns in order.
        outcomes: what became of each.
        means: by the metrics of `row_metrics`, the mean over the turns; NaN where there is none.
        standing: mean over the metrics that are no costs of how many standard deviations it lies on the better side of
            the mean over all dialogues; 0 where nothing tells.
    """

    place: int
    model: int
    dialogue: str
    rows: Sequence[Row]
    outcomes: tuple[Outcome, ...]
    means: tuple[float, ...]
    standing: float

    @property
    def wrong(self) -> int:
        """How many answers are wrong."""
        return self.outcomes.count(Outcome.WRONG)

    @property
    def faults(self) -> int:
        """At how many turns something went wrong."""
        return sum(found.is_fault for found in self.outcomes)

    @property
    def is_judged(self) -> bool:
        """Whether at any turn it's known if something went wrong."""
        return any(found is not Outcome.UNJUDGED for found in self.outcomes)

    @property
    def is_scored(self) -> bool:
        """Whether any metric has a value."""
        return any(not math.isnan(mean) for mean in self.means)

    @property
    def anchor(self) -> str:
        """Its id in the page: numbers alone, whatever the dialogue is called."""
        return f"dialogue-{self.place}"

    @property
    def rank(self) -> tuple[int, int, float]:
        """Rises from the worst to the best: wrong answers first, then whatever else went wrong, then the scores."""
        return -self.wrong, -self.faults, self.standing


def scored_dialogues(models: Sequence[ModelScores], metrics: Sequence[MetricSpec]) -> list[ScoredDialogue]:
    """The dialogues of all models, model by model in the order in which they begin.

    Args:
        models: with the rows of their records.
        metrics: those that are shown, see `row_metrics`.

    Example:
        >>> from imug_metrics.suite import ModelScores
        >>> row = {"turn": 1, "modality": "text", "text": "A"}
        >>> rows = [row | {"dialogue": "a", "answer_strict": 1.0}, row | {"dialogue": "b", "answer_strict": 0.0}]
        >>> [(found.dialogue, found.wrong) for found in scored_dialogues([ModelScores("mine", {}, rows)], [])]
        [('a', 0), ('b', 1)]
    """
    found = [(place, name, rows) for place, model in enumerate(models) for name, rows in _by_dialogue(model.items)]
    means = [tuple(_mean(rows, view.item) for view in metrics) for _, _, rows in found]
    return [
        ScoredDialogue(place, model, name, rows, tuple(map(outcome, rows)), mean, standing)
        for place, ((model, name, rows), mean, standing) in enumerate(
            zip(found, means, _standings(means, metrics), strict=True)
        )
    ]


def listed(found: Sequence[ScoredDialogue]) -> list[ScoredDialogue]:
    """The worst first; where they are too many for the page, the worst, the typical and the best of every model."""
    ranked = sorted(found, key=lambda one: one.rank)
    most = min(MOST_LISTED, _MOST_CELLS // (_OTHER_COLUMNS + len(ranked[0].means))) if ranked else 0
    if len(ranked) <= most:
        return ranked
    models: dict[int, list[ScoredDialogue]] = {}
    for one in ranked:
        models.setdefault(one.model, []).append(one)
    share = max(1, most // len(models))
    kept = {one.place for mine in models.values() for one in _ends_and_middle(mine, share)}
    return [one for one in ranked if one.place in kept]


def _ends_and_middle(ranked: Sequence[ScoredDialogue], count: int) -> Sequence[ScoredDialogue]:
    if len(ranked) <= count:
        return ranked
    ends, middle = count // 3, count - 2 * (count // 3)
    start = (len(ranked) - middle) // 2
    return [*ranked[:ends], *ranked[start : start + middle], *ranked[len(ranked) - ends :]]


def _by_dialogue(items: Iterable[Row]) -> Iterable[tuple[str, list[Row]]]:
    dialogues: dict[str, list[Row]] = {}
    for row in items:
        dialogues.setdefault(str(row["dialogue"]), []).append(row)
    for name, rows in dialogues.items():
        yield name, sorted(rows, key=_turn)


def _turn(row: Row) -> int:
    return int(row["turn"])


def _mean(rows: Iterable[Row], column: str) -> float:
    return mean(as_float(row.get(column)) for row in rows)


def _standings(means: Sequence[tuple[float, ...]], metrics: Sequence[MetricSpec]) -> list[float]:
    """Metrics of any scale are compared in standard deviations; one in which all dialogues agree says nothing."""
    if not means or not metrics:
        return [0.0] * len(means)
    values = torch.tensor(means, dtype=torch.float64)
    towards = [math.nan if view.is_cost else _TOWARDS_BETTER[view.higher_is_better] for view in metrics]
    values = values * torch.tensor(towards, dtype=torch.float64)
    centred = values - values.nanmean(0)
    deviations = centred / centred.square().nanmean(0).sqrt()
    return deviations.where(deviations.isfinite(), math.nan).nanmean(1).nan_to_num(0.0).tolist()
