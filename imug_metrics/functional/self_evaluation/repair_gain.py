# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""What a re-run of a chain brings, and what it brings for its cost."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor

from imug_metrics.dialogues.arguments import Ids, Numbers, Turns
from imug_metrics.dialogues.columns import Bounds, Column
from imug_metrics.dialogues.inputs import pack_inputs
from imug_metrics.functional.decay.paired_gain import arm_columns, packed_arms, paired_gain
from imug_metrics.functional.decay.turn_cost import cost_column


def repair_gain(
    scores: Numbers,
    baseline: Numbers,
    *,
    dialogue: Ids | None = None,
    turn: Turns | None = None,
    valid: Tensor | None = None,
    lengths: Tensor | None = None,
    reduction: Literal["mean", "none"] = "mean",
) -> Tensor:
    """Score after a repair minus the score before it. Above 0 where the repair helps.

    Args:
        scores: `[N]` or `[B, T]`, after the repair, higher is better; where nothing was made again, the score before.
            NaN where a record is not scored.
        baseline: of the same shape, before it.
        dialogue, turn, valid, lengths: as in `align_rows`; `valid` speaks of `scores`.
        reduction: `"none"`, or `"mean"` of the records that have both.

    Returns:
        float64 scalar, or values in the shape of the records; NaN where a score is missing. Differentiable.

    Raises:
        ValueError: if shapes differ or turns are refused.

    Example:
        >>> repair_gain([[1, 1, 0]], [[0, 1, 1]], reduction="none")
        tensor([[ 1.,  0., -1.]], dtype=torch.float64)
    """
    return paired_gain(
        scores, baseline, dialogue=dialogue, turn=turn, valid=valid, lengths=lengths, reduction=reduction
    )


def gain_per_cost(
    scores: Numbers,
    baseline: Numbers,
    costs: Numbers,
    *,
    dialogue: Ids | None = None,
    turn: Turns | None = None,
    valid: Tensor | None = None,
    lengths: Tensor | None = None,
) -> Tensor:
    """Sum of the gains of repairs over the sum of their costs. Higher is better.

    Args:
        scores, baseline: as in `repair_gain`.
        costs: in their shape, what the re-run of each record cost, at least 0; 0 where nothing was made again, NaN
            where not known, which leaves the record out.
        dialogue, turn, valid, lengths: as in `align_rows`.

    Returns:
        float64 scalar; NaN where nothing was paid.

    Raises:
        ValueError: if shapes differ, a cost is below 0 or turns are refused.

    Example:
        >>> gain_per_cost([1, 1, 0, 1], [0, 1, 0, 1], [2, 0, 3, 0], dialogue=[1, 2, 3, 4], turn=[1, 1, 1, 1])
        tensor(0.2000, dtype=torch.float64)
    """
    inputs = pack_inputs(repair_columns(scores, baseline, costs), dialogue, turn, None, valid, lengths)
    arms = packed_arms(inputs)
    gained, paid = (part.sum() for part in paid_gain(arms.scores - arms.baseline, inputs.columns["costs"]))
    return torch.where(paid > 0, gained / torch.where(paid > 0, paid, 1), torch.nan)


def repair_columns(
    scores: Numbers, baseline: Numbers, costs: Numbers, bounds: Bounds | None = None
) -> dict[str, Column]:
    """Scores after and before, and costs, as rows."""
    return {**arm_columns(scores, baseline, bounds), "costs": cost_column(costs)}


def paid_gain(gain: Tensor, costs: Tensor) -> tuple[Tensor, Tensor]:
    """Gains and costs `[N]` of the records that have both, 0 elsewhere.

    Example:
        >>> paid_gain(torch.tensor([1.0, 0.5, torch.nan]), torch.tensor([2.0, torch.nan, 3.0]))
        (tensor([1., 0., 0.]), tensor([2., 0., 0.]))
    """
    both = (gain == gain) & (costs == costs)
    return gain.where(both, 0), costs.where(both, 0)
