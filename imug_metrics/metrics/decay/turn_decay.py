# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Decay of scores over turns."""

import math
from collections.abc import Sequence
from dataclasses import replace
from types import MappingProxyType

import torch
from torch import Tensor
from torchmetrics.utilities import dim_zero_cat
from typing_extensions import Unpack

from imug_metrics.dialogues.arguments import Ids, Numbers, Turns
from imug_metrics.dialogues.batch import DialogueBatch
from imug_metrics.dialogues.columns import Bounds, score_column
from imug_metrics.dialogues.ids import id_halves, whole_ids
from imug_metrics.functional.decay.turn_decay import (
    SLOPES,
    Slope,
    decay_rate,
    effective_turns,
    pooled_parts,
    retention_parts,
    scored_pairs,
)
from imug_metrics.metrics.description import MetricDescription
from imug_metrics.metrics.dialogue_metric import DialogueMetric
from imug_metrics.metrics.dialogue_sums import Terms
from imug_metrics.metrics.naming import rename
from imug_metrics.metrics.options import MetricOptions, check_choice, check_range, within
from imug_metrics.stats import (
    POOLED_SUMS,
    Moments,
    Weights,
    interval,
    median,
    median_slope,
    pooled_slope,
    pooled_weights,
)


class TurnDecay(DialogueMetric):
    """How does a score change from turn to turn? A slope, negative where the model decays; higher is better.

    With turn t and score s about the means of their dialogue d (fixed effects), the slope is

        sum_d sum_t (t - mean_d t) (s - mean_d s) / sum_d sum_t (t - mean_d t)^2

    The functional counterpart is `turn_decay`. Slope and cluster-robust interval (Liang and Zeger, Biometrika 73, 1986)
    come from streaming sums and equal ordinary least squares on within-centred data with covariance clustered by
    dialogue. Dialogues without two scored turns say nothing about a slope and do not count as clusters (Correia, 2015,
    on singletons). The detail adds

    - `turn_decay_mean`: mean of all scores
    - `turn_decay_pooled`: ordinary least squares over all turns, confounded by the mix of dialogues at each turn
    - `turn_decay_retention`: mean last score / mean first score, on dialogues that have turn 1 and a later one
    - `turn_decay_half_life`: ln 2 / rate of the log-linear fit `s = s_1 exp(-rate (t - 1))` to the curve, in turns,
      weighted by records; infinite where the rate is negative, NaN where a mean on the curve is not positive or all are
      equal
    - `turn_decay_effective_turns`: the last turn up to which every turn keeps `keep` of turn 1 (NoLiMa's ratio,
      arXiv 2502.05167), or with `longest=True` the latest turn that does; its interval needs `bootstrap`

    As output `compute` gives a float64 scalar, or the dict of `DialogueMetric` with `detail=True`. The curve mixes
    dialogues of different lengths; the within-dialogue slope does not.

    Args:
        slope: the primary estimate: `"within"`, `"pooled"`, or `"theil-sen"`, the median of pairwise slopes within
            dialogues, with an interval by dialogue (`imug_metrics.stats.median_slope`). The last keeps every pairwise
            slope (float32), all else is constant memory.
        keep: share of turn 1 that effective turns keep.
        longest: count the latest turn that passes, whatever happened before.
        score_range: ends that scores cannot leave, such as (0, 1): the bounds of means and of the curve then keep to
            them, and hold near them; others are refused. None: not known.
        kwargs: those of all metrics, see `MetricOptions`.

    Raises:
        ValueError: if an argument is outside its range.

    Example:
        >>> import torch
        >>> metric = TurnDecay(detail=True)
        >>> metric.update(torch.tensor([[0.9, 0.8, 0.6], [0.7, 0.5, 0.5], [0.8, 0.8, 0.7]]), dialogue=["a", "b", "c"])
        >>> {key: round(float(value), 3) for key, value in metric.compute().items() if key.count("_") < 3}["turn_decay"]
        -0.1
    """

    name = "turn_decay"
    description = MetricDescription(
        label="Decay",
        noun="the change per turn",
        unit="score per turn",
        measures="slope within dialogues",
        span="unbounded; the score's own unit per turn",
        direction="higher is better; negative where the model decays",
        meaning="Change of the score per turn, by comparing turns of one dialogue with each other.",
        misleads="Harder late turns look like decay, a score that starts at its floor cannot fall, and a straight "
        "line hides whether the loss is sudden.",
    )
    curve_of = "mean score"
    primary = "slope"
    configuration = (*DialogueMetric.configuration, "slope", "keep", "longest", "score_range")
    steps = ("effective_turns",)
    events = MappingProxyType(dict.fromkeys(("pooled", "rate"), ("slope",)))  # where nothing changes, nothing is told
    fitted = MappingProxyType({"pooled": 2, "rate": 2})
    slopes: list[Tensor]
    row_width = 3  # a slope, and the two halves of the dialogue's id

    def __init__(
        self,
        slope: Slope = "within",
        *,
        keep: float = 0.85,
        longest: bool = False,
        score_range: Bounds | None = None,
        **kwargs: Unpack[MetricOptions],
    ) -> None:
        check_choice("slope", slope, SLOPES)
        if not 0 < keep <= 1:
            raise ValueError(f"Expected argument `keep` to be above 0 and at most 1, got {keep}.")
        self.slope, self.keep, self.longest = slope, keep, longest
        self.score_range = check_range("score_range", score_range)
        if self.score_range is not None:
            low, high = self.score_range
            if kwargs.get("missing") == "zero":  # which an absent score counts as, whatever the range
                low, high = min(low, 0.0), max(high, 0.0)
            self.ranges = within((low, high), "mean", "turn_")
            steepest = high - low
            self.limits = within((-steepest, steepest), "pooled", "theil_sen")
        if slope != "within":
            self.primary = slope.replace("-", "_")
        super().__init__(**kwargs)
        if slope == "theil-sen":
            self.add_state("slopes", [], dist_reduce_fx="cat")

    def describe(self) -> MetricDescription:
        """How to read it under this slope."""
        measures = {"pooled": "slope over all turns", "theil-sen": "median of the slopes within dialogues"}
        found = super().describe()
        return replace(found, measures=measures.get(self.slope, found.measures))

    def update(
        self,
        scores: Numbers,
        *,
        dialogue: Ids | None = None,
        turn: Turns | None = None,
        valid: Tensor | None = None,
        lengths: Tensor | None = None,
    ) -> None:
        """Add a batch of whole dialogues.

        Args:
            scores: `[N]` or `[B, T]`, higher is better; NaN where a turn could not be scored.
            dialogue, turn, valid, lengths: as in every metric, see `DialogueMetric`.

        Raises:
            ValueError: if shapes differ or turns are refused.
        """
        column = score_column("scores", scores, self.score_range)
        inputs = self._pack({"scores": column}, dialogue, turn, None, valid, lengths)
        batch, values = inputs.batch, inputs.batch.present(inputs.columns["scores"])
        if self.missing == "zero":
            values = batch.zero_filled(values)
        if self.slope == "within" and not self.detail:
            self._add(batch, values)
            return
        scored = replace(batch, there=values == values)
        if self.slope == "theil-sen":
            self._keep_pairs(scored, values.detach())
        if self.slope == "pooled" or self.detail:
            self._add(batch, values, None, self._terms(scored, values.nan_to_num(0)))

    def _keep_pairs(self, scored: DialogueBatch, values: Tensor) -> None:
        """Keep all slopes between two turns, for their median."""
        for pairs in scored_pairs(scored, values):
            ids = scored.ids[scored.owner[pairs.segments]][:, None].expand(pairs.slopes.shape)
            rows = torch.stack([pairs.slopes, *id_halves(ids)], 2)
            self.slopes.append(rows.float().flatten().to(self.device))

    def _terms(self, scored: DialogueBatch, filled: Tensor) -> Terms:
        """What the pooled slope and the detail need beside the values."""
        sums = pooled_parts(scored, filled)
        if not self.detail:
            return Terms(sums=sums)
        last, first, both = retention_parts(scored, filled)
        return Terms(sums=sums, by_segment={"retention": (last, first), "both": both})

    def compute(self) -> Tensor | dict[str, Tensor]:
        """The slope, or all estimates with their intervals (`detail=True`)."""
        if self.slope == "theil-sen" and not self.detail:
            return median(self._pairs()[0])
        return super().compute()

    def _primary_of(self, totals: Tensor) -> Tensor:
        if self.slope == "theil-sen":
            raise ValueError("Expected sums to tell the slope, but a median of slopes is made of pairs of turns.")
        return super()._primary_of(totals)

    def _pairs(self) -> tuple[Tensor, Tensor]:
        """The slopes that were kept, and the dialogue of each."""
        rows = dim_zero_cat(self.slopes) if len(self.slopes) else torch.zeros(0, device=self.device)
        slopes, *halves = rows.view(-1, self.row_width).double().unbind(1)
        return slopes, whole_ids(*halves)

    def _needed(self) -> Sequence[str]:
        return {"within": super()._needed(), "pooled": POOLED_SUMS, "theil-sen": ()}[self.slope]

    def _ratios(self) -> list[str]:
        return ["retention"]

    def _sums(self) -> list[str]:
        return [*POOLED_SUMS, "both"]

    def _supports(self) -> dict[str, str]:
        return {"retention": "both"}

    def _derived(self, sums: dict[str, Tensor]) -> dict[str, Tensor]:
        pooled = {"pooled": pooled_slope(*(sums[name] for name in POOLED_SUMS))}
        if not self.detail:
            return pooled
        turns = self._turns()
        count = torch.stack([sums[f"turn_{k}.den"] for k in turns], -1)
        total = torch.stack([sums[f"turn_{k}.num"] for k in turns], -1)
        rate, last = decay_rate(total, count), effective_turns(total, count, self.keep, self.longest)
        return {**pooled, "rate": rate, "effective_turns": last}

    def _weights(self, names: list[str], moments: Moments) -> Weights:
        """Of lines through all records, what is far from the mean turn weighs most."""
        found = super()._weights(names, moments)
        pooled = pooled_weights(moments, *(self._components.index(part) for part in ("n", "x", "xx")))
        on_line = torch.tensor([name in ("pooled", "rate") for name in names], device=self.device)
        return Weights(*(torch.where(on_line, line, own) for line, own in zip(pooled, found)))

    def _finish(self, found: dict[str, Tensor]) -> dict[str, Tensor]:
        found = rename(found, self.name, {"rate": "half_life"})
        key = f"{self.name}_half_life"
        ends = {end: found[f"{key}{end}"] for end in ("", "_lower", "_upper")}
        for end, rate in zip(ends, (ends[""], ends["_upper"], ends["_lower"])):
            half_life = torch.where(rate > 0, math.log(2) / rate.clamp_min(1e-300), torch.inf)
            found[f"{key}{end}"] = half_life.masked_fill(rate.isnan() | (ends[""] == 0), torch.nan)
        return self._with_median(found) if self.slope == "theil-sen" else found

    def _with_median(self, found: dict[str, Tensor]) -> dict[str, Tensor]:
        """With the median slope, whose rows are kept apart from the sums."""
        slopes, dialogue = self._pairs()
        value, lower, upper = median_slope(slopes, dialogue, self.level)
        size = torch.unique(dialogue, return_counts=True)[1].double()
        reason = interval(value, (lower < upper).double(), Weights(size.sum(), (size * size).sum())).reason
        key = f"{self.name}_theil_sen"
        return {**found, key: value, f"{key}_lower": lower, f"{key}_upper": upper, f"{key}_reason": reason}
