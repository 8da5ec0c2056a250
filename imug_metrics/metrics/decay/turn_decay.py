# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Decay of scores over turns."""

import math
from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import Tensor
from torchmetrics.utilities import dim_zero_cat
from typing_extensions import Unpack

from imug_metrics.dialogues.arguments import Ids, Numbers, Turns
from imug_metrics.dialogues.batch import DialogueBatch
from imug_metrics.dialogues.inputs import score_column
from imug_metrics.functional.decay.turn_decay import (
    SLOPES,
    Slope,
    decay_rate,
    effective_turns,
    pooled_parts,
    retention_parts,
    scored_pairs,
)
from imug_metrics.metrics.dialogue_metric import DialogueMetric, check_choice
from imug_metrics.metrics.dialogue_sums import Terms
from imug_metrics.metrics.options import MetricOptions
from imug_metrics.stats import pooled_slope, sen_slope

_POOLED = ("n", "x", "y", "xx", "xy")


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
      weighted by records; infinite where the rate is not positive, NaN where a mean on the curve is not positive
    - `turn_decay_effective_turns`: the last turn up to which every turn keeps `keep` of turn 1 (NoLiMa's ratio,
      arXiv 2502.05167), or with `longest=True` the latest turn that does; its interval needs `bootstrap`

    As output `compute` gives a float64 scalar, or the dict of `DialogueMetric` with `detail=True`. The curve mixes
    dialogues of different lengths; the within-dialogue slope does not.

    Args:
        slope: the primary estimate: `"within"`, `"pooled"`, or `"theil-sen"`, the median of pairwise slopes with Sen's
            interval by dialogue-wise Kendall's tau. The last keeps every pairwise slope (float32), all else is constant
            memory.
        keep: share of turn 1 that effective turns keep.
        longest: count the latest turn that passes, whatever happened before.
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
    primary = "slope"
    configuration = (*DialogueMetric.configuration, "slope", "keep", "longest")
    slopes: list[Tensor]
    kendall: Tensor

    def __init__(
        self, slope: Slope = "within", *, keep: float = 0.85, longest: bool = False, **kwargs: Unpack[MetricOptions]
    ) -> None:
        check_choice("slope", slope, SLOPES)
        if not 0 < keep <= 1:
            raise ValueError(f"Expected argument `keep` to be above 0 and at most 1, got {keep}.")
        self.slope, self.keep, self.longest = slope, keep, longest
        if slope == "pooled":
            self.primary = "pooled"
        super().__init__(**kwargs)
        if slope == "theil-sen":
            self.add_state("slopes", [], dist_reduce_fx="cat")
            self.add_state("kendall", torch.zeros((), dtype=torch.float64), dist_reduce_fx="sum")

    def update(
        self,
        scores: Numbers,
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
        inputs = self._pack({"scores": score_column("scores", scores)}, dialogue, turn, None, valid, lengths)
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
            self.slopes.append(pairs.slopes.flatten().float().to(self.device))
            self._increase("kendall", pairs.variance.sum().to(self.device))

    def _terms(self, scored: DialogueBatch, filled: Tensor) -> Terms:
        """What the pooled slope and the detail need beside the values."""
        sums = pooled_parts(scored, filled)
        if not self.detail:
            return Terms(sums=sums)
        last, first, both = retention_parts(scored, filled)
        return Terms(sums=sums, by_segment={"retention": (last, first), "both": both})

    def compute(self) -> Tensor | dict[str, Tensor]:
        """The slope, or all estimates with their intervals (`detail=True`)."""
        if self.slope != "theil-sen":
            return super().compute()
        slopes = dim_zero_cat(self.slopes) if len(self.slopes) else torch.zeros(0)
        median = torch.tensor(sen_slope(slopes, float(self.kendall), self.level), dtype=torch.float64)
        found = super().compute() if self.detail else median[0].to(self.device)
        if not isinstance(found, dict):
            return found
        bounds = dict(zip((self.name, f"{self.name}_lower", f"{self.name}_upper"), median.to(self.device)))
        within = {key.replace(self.name, f"{self.name}_within", 1): found[key] for key in bounds}
        return {**found, **bounds, **within}

    def _needed(self) -> Sequence[str]:
        return {"within": super()._needed(), "pooled": _POOLED, "theil-sen": ()}[self.slope]

    def _ratios(self) -> list[str]:
        return ["retention"]

    def _sums(self) -> list[str]:
        return [*_POOLED, "both"]

    def _supports(self) -> dict[str, str]:
        return {"retention": "both"}

    def _derived(self, sums: dict[str, Tensor]) -> dict[str, Tensor]:
        pooled = {"pooled": pooled_slope(*(sums[name] for name in _POOLED))}
        if not self.detail:
            return pooled
        turns = range(1, self.max_turns + 1)
        count = torch.stack([sums[f"turn_{k}.den"] for k in turns], -1)
        total = torch.stack([sums[f"turn_{k}.num"] for k in turns], -1)
        rate, last = decay_rate(total, count), effective_turns(total, count, self.keep, self.longest)
        return {**pooled, "rate": rate, "effective_turns": last}

    def _finish(self, found: dict[str, Tensor]) -> dict[str, Tensor]:
        rate = [found.pop(f"{self.name}_rate{bound}") for bound in ("", "_upper", "_lower")]
        for bound, value in zip(("", "_lower", "_upper"), rate):
            half_life = torch.where(value > 0, math.log(2) / value.clamp_min(1e-300), torch.inf)
            found[f"{self.name}_half_life{bound}"] = half_life.masked_fill(value.isnan(), torch.nan)
        if not self.bootstrap:  # a step has no derivative, so the delta method says nothing of it
            for bound in ("_lower", "_upper"):
                found[f"{self.name}_effective_turns{bound}"] = torch.full_like(rate[0], torch.nan)
        return found
