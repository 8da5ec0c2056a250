# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""What turns cost, and whether they get dearer."""

import math
from dataclasses import replace

import torch
from torch import Tensor
from typing_extensions import Unpack

from imug_metrics.dialogues.arguments import Ids, Numbers, Turns
from imug_metrics.dialogues.batch import DialogueBatch
from imug_metrics.dialogues.columns import score_column
from imug_metrics.errors import InputError
from imug_metrics.functional.decay.turn_cost import cost_column, dialogue_costs, sums_so_far
from imug_metrics.functional.decay.turn_decay import retention_parts
from imug_metrics.functional.relative_change import relative_change
from imug_metrics.metrics.description import MetricDescription
from imug_metrics.metrics.dialogue_metric import DialogueMetric
from imug_metrics.metrics.dialogue_sums import Terms
from imug_metrics.metrics.options import MetricOptions, within


class TurnCost(DialogueMetric):
    """Does a turn cost more the later it comes? Growth per turn in parts of the first turn's cost; lower is better.

    For cost c (tokens, seconds, images, ...) at turn t of dialogue d, whose first known cost is c_d1:

        sum_d sum_t (t - mean_d t) (c - mean_d c) / sum_d sum_t (t - mean_d t)^2 c_d1

    0.1 says that every turn costs a tenth of the first turn more than the one before; 0 is no growth. It is a ratio of
    sums over dialogues, compares turns of one dialogue alone, and has no unit: neither what a model costs at turn 1 nor
    how long its dialogues are moves it. The functional counterpart is `turn_cost`. The detail adds

    - `turn_cost_mean`, `_slope`, `_turn_k`: mean cost, its change per turn within dialogues, and its curve
    - `turn_cost_sum`: the sum of all known costs
    - `turn_cost_per_dialogue`: mean cost of a dialogue all of whose costs are known
    - `turn_cost_cumulative_turn_k`: mean cost of a dialogue that is stopped at turn k; one that ends before counts with
      all it cost, one with an unknown cost up to there does not count
    - `turn_cost_retention`: mean last cost / mean first cost, on dialogues that have turn 1 and a later one
    - with `scored`, `turn_cost_score`: mean score of the records whose cost is known as well; `_per_point`: sum of the
      costs / sum of the scores of these; `_score_until_turn_k`: mean of all scores up to turn k. With
      `_cumulative_turn_k` the last is the front of score against cost, over where dialogues are stopped

    As output `compute` gives a float64 scalar, or the dict of `DialogueMetric` with `detail=True`.

    Args:
        unit: what is counted, such as `"tokens"`, for texts and axes.
        scored: scores come with the costs.
        kwargs: those of all metrics, see `MetricOptions`. With `missing="zero"` an absent output costs nothing.

    Raises:
        ValueError: if an argument is outside its range.

    Example:
        >>> metric = TurnCost("tokens", detail=True)
        >>> metric.update([[100, 150, 200], [40, 60, 80]])
        >>> found = metric.compute()
        >>> [round(float(found[f"turn_cost{end}"]), 3) for end in ("", "_slope", "_per_dialogue")]
        [0.5, 35.0, 315.0]
    """

    name = "turn_cost"
    description = MetricDescription(
        label="Cost growth",
        noun="growth of the cost",
        unit="share of the first turn's cost per turn",
        measures="slope within dialogues / cost of the first turn",
        span="unbounded; 0 is no growth",
        direction="lower is better; above 0 later turns cost more",
        meaning="How much more each turn costs than the one before, in parts of what the first turn cost.",
        misleads="Later turns that ask for more cost more, and a history that grows costs more to read whatever the "
        "model does. It says nothing of how dear the first turn is.",
    )
    primary = "growth"
    higher_is_better: bool | None = False
    configuration = (*DialogueMetric.configuration, "unit", "scored")
    limits = within((0.0, math.inf), "mean", "turn_", "per_dialogue", "cumulative_")

    def __init__(self, unit: str = "", *, scored: bool = False, **kwargs: Unpack[MetricOptions]) -> None:
        self.unit, self.scored = unit, scored
        self.curve_of = f"mean cost, {unit}" if unit else "mean cost"
        super().__init__(**kwargs)

    def update(
        self,
        costs: Numbers,
        *,
        scores: Numbers | None = None,
        dialogue: Ids | None = None,
        turn: Turns | None = None,
        valid: Tensor | None = None,
        lengths: Tensor | None = None,
    ) -> None:
        """Add a batch of whole dialogues.

        Args:
            costs: `[N]` or `[B, T]`, at least 0; NaN where not known, which lowers the coverage.
            scores: with `scored`, what was got for the costs, in their shape, higher is better; NaN where a record
                could not be scored, which concerns the estimates with scores alone.
            dialogue, turn, valid, lengths: as in every metric, see `DialogueMetric`.

        Raises:
            InputError: if shapes differ, a cost is below 0, there are scores without `scored` or none with it, or turns
                are refused.
        """
        if self.scored != (scores is not None):
            expected = "to be given with `scored=True`" if self.scored else "to be None without `scored=True`"
            raise InputError("scores", expected, "None" if self.scored else "some")
        columns = {"costs": cost_column(costs)}
        if scores is not None:
            columns["scores"] = score_column("scores", scores)
        inputs = self._pack(columns, dialogue, turn, None, valid, lengths)
        batch = inputs.batch
        known, *scored = (batch.present(column) for column in inputs.columns.values())
        if self.missing == "zero":
            known, *scored = (batch.zero_filled(column) for column in (known, *scored))
        growth = relative_change(batch, known)
        if not self.detail:
            self._add(batch, known, None, Terms(by_segment={"growth": growth}))
            return
        spent, counted = dialogue_costs(batch, known, self.max_turns)
        filled = known.nan_to_num(0)
        last, first, both = retention_parts(replace(batch, there=known == known), filled)
        terms = Terms(
            sums={"spent": filled},
            by_segment={
                "growth": growth,
                "per_dialogue": (spent[:, -1], counted[:, -1]),
                "cumulative_turn": (spent[:, :-1], counted[:, :-1]),
                "retention": (last, first),
                "both": both,
            },
        )
        self._add(batch, known, None, self._with_scores(terms, batch, known, scored[0]) if scored else terms)

    def _with_scores(self, terms: Terms, batch: DialogueBatch, costs: Tensor, scores: Tensor) -> Terms:
        """With what was got for the costs."""
        there = scores == scores
        both = there & (costs == costs)
        paid, got = (column.where(both, 0) for column in (costs, scores))
        so_far = sums_so_far(batch, torch.stack([scores.nan_to_num(0), there], 1), self.max_turns)
        return replace(
            terms,
            means={**terms.means, "score": scores.where(both, torch.nan)},
            ratios={**terms.ratios, "per_point": (paid, got)},
            by_segment={**terms.by_segment, "score_until_turn": (so_far[..., 0], so_far[..., 1])},
        )

    def _ratios(self) -> list[str]:
        found = ["growth", "retention", "per_dialogue", *(f"cumulative_turn_{k}" for k in self._turns())]
        if self.scored:
            found += ["score", "per_point", *(f"score_until_turn_{k}" for k in self._turns())]
        return found

    def _sums(self) -> list[str]:
        return ["spent", "both"]

    def _supports(self) -> dict[str, str]:
        return {"retention": "both"}

    def _finish(self, found: dict[str, Tensor]) -> dict[str, Tensor]:
        return {**found, f"{self.name}_sum": self._named(self._totals)["spent"]}
