# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""What does it bring to make a chain again from its fault, and at what cost?"""

import math

import torch
from torch import Tensor
from typing_extensions import Unpack

from imug_metrics.dialogues.arguments import Ids, Numbers, Turns
from imug_metrics.dialogues.columns import SHARE, Bounds
from imug_metrics.functional.decay.paired_gain import packed_arms
from imug_metrics.functional.self_evaluation.repair_gain import paid_gain, repair_columns
from imug_metrics.metrics.description import MetricDescription
from imug_metrics.metrics.dialogue_metric import DialogueMetric
from imug_metrics.metrics.options import MetricOptions, check_range, within
from imug_metrics.metrics.paired_metric import PairedMetric


class RepairGain(PairedMetric):
    """What does a repair bring? Mean of the score after it minus the score before it; above 0 where it helps.

    Over all records, so that a check which rarely asks for a repair gains little: where nothing was made again the
    score after is the score before, and the cost is 0. Pairing takes the difficulty of the records out, as in
    `PairedGain`. The functional counterparts are `repair_gain` and `gain_per_cost`. The detail adds

    - `repair_gain_turn_k`, `_slope`: the gain at turn k, and its slope within dialogues
    - `repair_gain_scores`, `_baseline`: mean score after and before
    - `repair_gain_better`, `_worse`, `_equal`: shares of the records; of scores 1 and 0 those that were fixed, those
      that were broken, and the rest
    - `repair_gain_cost`: mean cost of a record, of those whose cost is known
    - `repair_gain_rerun`: share of these that cost anything, which are those that were made again
    - `repair_gain_gain_per_cost`: sum of the gains / sum of the costs, over records with both; NaN where nothing was
      paid
    - `repair_gain_unpaired`: number of records with one of both scores alone

    As output `compute` gives a float64 scalar, or the dict of `DialogueMetric` with `detail=True`.

    Args:
        score_range: ends that scores cannot leave, such as (0, 1): bounds then keep to them; others are refused. None:
            not known.
        kwargs: those of all metrics, see `MetricOptions`. With `missing="zero"` an absent score counts as 0.

    Raises:
        ValueError: if an argument is outside its range.

    Example:
        >>> metric = RepairGain(detail=True)
        >>> metric.update([[1, 1], [0, 1]], [[0, 1], [0, 0]], [[2, 0], [4, 2]])
        >>> found = metric.compute()
        >>> [round(float(found[f"repair_gain{end}"]), 3) for end in ("", "_better", "_cost", "_gain_per_cost")]
        [0.5, 0.5, 2.0, 0.25]
    """

    name = "repair_gain"
    description = MetricDescription(
        label="Repair gain",
        noun="gain by repair",
        unit="score",
        measures="mean difference of the score after and before",
        span="that of a difference of scores",
        direction="higher is better; above 0 repairs help",
        meaning="Score after a chain was made again from its fault, minus the score before.",
        misleads="A second attempt alone can gain by chance: hold it against a re-run from the start, or of chains "
        "that nobody faulted, at the same cost. A mean of 0 can be as much fixed as broken.",
    )
    level_of_curve = (0.0, "no gain")
    configuration = (*DialogueMetric.configuration, "score_range")
    ranges = within(SHARE, "better", "worse", "equal", "rerun") | within((0.0, math.inf), "cost")

    def __init__(self, *, score_range: Bounds | None = None, **kwargs: Unpack[MetricOptions]) -> None:
        self.score_range = self.bounds = check_range("score_range", score_range)
        if self.score_range is not None:
            widest = self.score_range[1] - self.score_range[0]
            self.ranges = self.ranges | within(self.score_range, "scores", "baseline")
            self.ranges = self.ranges | within((-widest, widest), "mean", "turn_")
        super().__init__(**kwargs)

    def update(
        self,
        scores: Numbers,
        baseline: Numbers,
        costs: Numbers,
        *,
        dialogue: Ids | None = None,
        turn: Turns | None = None,
        valid: Tensor | None = None,
        lengths: Tensor | None = None,
    ) -> None:
        """Add a batch of whole dialogues.

        Args:
            scores: `[N]` or `[B, T]`, after the repair, higher is better; where nothing was made again, the score
                before. NaN where a record is not scored.
            baseline: of the same shape, before the repair.
            costs: of the same shape, at least 0, what the re-run cost: 0 where there was none, NaN where not known.
            dialogue, turn, valid, lengths: as in every metric, see `DialogueMetric`; `valid` speaks of `scores`.

        Raises:
            InputError: if shapes differ, a cost is below 0 or turns are refused.
        """
        columns = repair_columns(scores, baseline, costs, self.bounds)
        inputs = self._pack(columns, dialogue, turn, None, valid, lengths)
        arms, paid = self._zero_filled(packed_arms(inputs)), inputs.columns["costs"]
        gain = arms.scores - arms.baseline

        def shares() -> dict[str, Tensor]:
            unpriced = paid.isnan()
            return {
                "better": gain > 0,
                "worse": gain < 0,
                "equal": gain == 0,
                "cost": paid,
                "rerun": (paid > 0).double().masked_fill(unpriced, torch.nan),
            }

        ratios = {"gain_per_cost": paid_gain(gain, paid)} if self.detail else None
        self._add_arms(inputs.batch, arms, gain, shares, ratios=ratios)

    def _ratios(self) -> list[str]:
        return [*super()._ratios(), "better", "worse", "equal", "cost", "rerun", "gain_per_cost"]
