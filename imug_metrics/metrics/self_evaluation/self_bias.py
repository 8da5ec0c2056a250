# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Does a model flatter itself, and more so over turns?"""

import torch
from torch import Tensor
from torchmetrics.utilities import dim_zero_cat
from typing_extensions import Unpack

from imug_metrics.dialogues.arguments import Ids, Numbers, Turns
from imug_metrics.dialogues.columns import Bounds, score_column
from imug_metrics.functional.self_evaluation.self_bias import bias_values
from imug_metrics.metrics.description import MetricDescription
from imug_metrics.metrics.dialogue_metric import DialogueMetric
from imug_metrics.metrics.options import MetricOptions, check_range, within
from imug_metrics.stats.correlation import distance_skewness


class SelfBias(DialogueMetric):
    """Does a model score itself above a reference, and more so over turns? 0 is best; above 0 it flatters itself.

    Self-bias (Xu et al., arXiv 2402.11436) is the mean over records of

        d = score the model gives itself - score of the reference

    The functional counterpart is `self_bias`. The detail adds

    - `self_bias_turn_k`, `self_bias_slope`: by turn, and its slope within dialogues (above 0: it grows)
    - `self_bias_distance_skewness`, with `skewness=True`: `1 - sum_ij |d_i - d_j| / sum_ij |d_i + d_j|`, 0 where the
      differences are symmetric about zero (or all zero), 1 where all are equal; without an interval

    As output `compute` gives a float64 scalar, or the dict of `DialogueMetric` with `detail=True`. With
    `missing="zero"` an absent score counts as no bias.

    Args:
        skewness: keep every difference (float32) for the distance skewness; all else is constant memory.
        score_range: ends that scores cannot leave, such as (0, 1): bounds then keep to what can be; None: not known.
        kwargs: those of all metrics, see `MetricOptions`.

    Raises:
        ValueError: if an argument is outside its range.

    Example:
        >>> metric = SelfBias(skewness=True, detail=True)
        >>> metric.update([[0.9, 0.8], [0.7, 1.0]], [[0.5, 0.8], [0.7, 0.6]])
        >>> found = metric.compute()
        >>> [round(float(found[f"self_bias{key}"]), 2) for key in ("", "_distance_skewness")]
        [0.2, 0.5]
    """

    name = "self_bias"
    description = MetricDescription(
        label="Self-bias",
        noun="self-bias",
        unit="score",
        measures="mean of self-score minus reference score",
        span="that of the scores' differences",
        direction="0 is best; above 0 the model flatters itself",
        meaning="By how much the model's scores of its own work exceed those of a reference.",
        misleads="It needs one scale for both, and where the reference is at the top of it no flattery can show.",
    )
    level_of_curve = (0.0, "no bias")
    higher_is_better = None
    configuration = (*DialogueMetric.configuration, "skewness", "score_range")
    differences: list[Tensor]
    row_width = 2  # a difference, and 1 where there is one

    def __init__(
        self, *, skewness: bool = False, score_range: Bounds | None = None, **kwargs: Unpack[MetricOptions]
    ) -> None:
        self.skewness, self.score_range = skewness, check_range("score_range", score_range)
        if self.score_range is not None:
            widest = self.score_range[1] - self.score_range[0]
            self.ranges = within((-widest, widest), "mean", "turn_")
        super().__init__(**kwargs)
        if skewness:
            self.add_state("differences", [], dist_reduce_fx="cat")

    def update(
        self,
        scores: Numbers,
        references: Numbers,
        *,
        dialogue: Ids | None = None,
        turn: Turns | None = None,
        valid: Tensor | None = None,
        lengths: Tensor | None = None,
    ) -> None:
        """Add a batch of whole dialogues.

        Args:
            scores: the scores the model gives itself, `[N]` or `[B, T]`; NaN where absent.
            references: scores by people or by a trusted judge, or the truth as 1 and 0, on the same scale and in the
                same shape; NaN where not known: such a record cannot be scored and lowers the coverage.
            dialogue, turn, valid, lengths: as in every metric, see `DialogueMetric`.

        Raises:
            InputError: if shapes differ or turns are refused.
        """
        columns = {
            name: score_column(name, given, self.score_range)
            for name, given in (("scores", scores), ("references", references))
        }
        inputs = self._pack(columns, dialogue, turn, None, valid, lengths)
        bias = bias_values(inputs)
        if self.skewness:
            there = ~bias.isnan() if inputs.batch.record is None else ~bias.isnan() & inputs.batch.record
            kept = torch.stack([bias.where(there, 0), there.double()], 1)
            self.differences.append(kept.detach().float().flatten().to(self.device))
        self._add(inputs.batch, bias, inputs.batch.valid | inputs.columns["references"].isfinite())

    def _finish(self, found: dict[str, Tensor]) -> dict[str, Tensor]:
        if not self.skewness:
            return found
        differences = dim_zero_cat(self.differences) if len(self.differences) else torch.zeros(0, device=self.device)
        value, there = differences.view(-1, self.row_width).unbind(1)
        return {**found, f"{self.name}_distance_skewness": distance_skewness(value[there > 0])}
