# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Does a model flatter itself, and more so over turns."""

from typing import Any

import torch
from torch import Tensor
from torchmetrics.utilities import dim_zero_cat
from typing_extensions import Unpack

from imug_metrics.dialogues.inputs import score_column
from imug_metrics.metrics.dialogue_metric import DialogueMetric
from imug_metrics.metrics.options import MetricOptions
from imug_metrics.stats.correlation import distance_skewness


class SelfBias(DialogueMetric):
    """Self-bias: a model's score of its own output minus the reference score, by turn. 0 is best, above 0 it flatters.

    After Xu et al., 2024. The functional counterpart is `self_bias`. The detail
    adds

    - `self_bias_turn_k`, `self_bias_slope`: by turn, and its slope within dialogues (above 0: it grows)
    - `self_bias_distance_skewness`, with `skewness=True`: `1 - sum_ij |d_i - d_j| / sum_ij |d_i + d_j|` of the
      differences d, 0 where they are symmetric about zero (or all zero), 1 where all are equal; without an interval

    As input to `forward` and `update` the metric accepts

    - `scores`: the scores the model gives itself, `[N]` or `[B, T]`; NaN where absent
    - `target`: reference scores on the same scale; NaN where not known (such records are not expected to be scored)
    - `dialogue`, `turn`, `valid`: see `align_rows`

    As output `compute` gives a float64 scalar, or the dict of `DialogueMetric`
    with `detail=True`. With `missing="zero"` an absent score counts as no bias.

    Args:
        skewness: keep every difference (float32) for the distance skewness; all else is constant memory.
        kwargs: those of all metrics, see `MetricOptions`.

    Raises:
        ValueError: if shapes differ or turns are refused.

    Example:
        >>> metric = SelfBias(skewness=True, detail=True)
        >>> metric.update([[0.9, 0.8], [0.7, 1.0]], [[0.5, 0.8], [0.7, 0.6]])
        >>> found = metric.compute()
        >>> [round(float(found[f"self_bias{key}"]), 2) for key in ("", "_distance_skewness")]
        [0.2, 0.5]
    """

    name = "self_bias"
    higher_is_better = None
    configuration = (*DialogueMetric.configuration, "skewness")

    def __init__(self, *, skewness: bool = False, **kwargs: Unpack[MetricOptions]) -> None:
        self.skewness = skewness
        super().__init__(**kwargs)
        if skewness:
            self.add_state("differences", [], dist_reduce_fx="cat")

    def update(
        self, scores: Any, target: Any, dialogue: Any = None, turn: Any = None, valid: Tensor | None = None
    ) -> None:
        """Add a batch of whole dialogues."""
        rows = {"scores": score_column("scores", scores), "target": score_column("target", target)}
        inputs = self._pack(dialogue, turn, None, valid, **rows)
        target = inputs.columns["target"]
        bias = (inputs.columns["scores"] - target).masked_fill(~inputs.batch.valid, torch.nan)
        if self.skewness:
            self.differences.append(bias[~bias.isnan()].detach().float().to(self.device))
        self._add(inputs.batch, bias, ~target.isnan())

    def _finish(self, found: dict[str, Tensor]) -> dict[str, Tensor]:
        if not self.skewness:
            return found
        rows = dim_zero_cat(self.differences) if len(self.differences) else torch.zeros(0, device=self.device)
        return {**found, f"{self.name}_distance_skewness": distance_skewness(rows)}
