# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""What turns cost, and how that grows over a dialogue."""

from __future__ import annotations

import math
from typing import Literal

import torch
from torch import Tensor

from imug_metrics._constants import constant
from imug_metrics.dialogues.arguments import Ids, Numbers, Turns
from imug_metrics.dialogues.batch import DialogueBatch
from imug_metrics.dialogues.columns import Column, score_column
from imug_metrics.dialogues.inputs import pack_inputs
from imug_metrics.functional.reduce import reduce_values
from imug_metrics.functional.relative_change import relative_change


def turn_cost(
    costs: Numbers,
    *,
    dialogue: Ids | None = None,
    turn: Turns | None = None,
    valid: Tensor | None = None,
    lengths: Tensor | None = None,
    reduction: Literal["mean", "none"] = "mean",
) -> Tensor:
    """Growth of the cost per turn, in parts of what the first turn of the dialogue cost. Lower is better, 0 is none.

        sum_d sum_t (t - mean_d t) (c - mean_d c) / sum_d sum_t (t - mean_d t)^2 c_d1

    for cost c at turn t of dialogue d, whose first known cost is c_d1: 0.1 says that every turn costs a tenth of the
    first turn more than the one before.

    Args:
        costs: `[N]` or `[B, T]`, at least 0, in any unit; NaN where not known.
        dialogue, turn, valid, lengths: as in `align_rows`.
        reduction: `"mean"` for all dialogues, `"none"` for the growth of each (ordered by id; NaN with fewer than two
            known costs).

    Returns:
        float64 scalar, or `[G]`; NaN where undefined: no dialogue has two known costs, or the first turns are free.

    Raises:
        InputError: if shapes differ, a cost is below 0 or turns are refused.

    Example:
        >>> turn_cost([[100, 150, 200], [40, 60, 80]])
        tensor(0.5000, dtype=torch.float64)
    """
    inputs = pack_inputs({"costs": cost_column(costs)}, dialogue, turn, None, valid, lengths)
    batch = inputs.batch
    above, below = relative_change(batch, batch.present(inputs.columns["costs"]))
    if reduction == "mean":
        above, below = above.sum(), below.sum()
    found = torch.where(below > 0, above / torch.where(below > 0, below, 1), torch.nan)
    return reduce_values(found if reduction == "mean" else batch.by_id(found), reduction)


def cost_column(costs: Numbers) -> Column:
    """Costs `[N]` or `[B, T]` as rows, with the check that none is below 0."""
    return score_column("costs", costs, (0.0, math.inf))


def dialogue_costs(batch: DialogueBatch, costs: Tensor, turns: int) -> tuple[Tensor, Tensor]:
    """What each dialogue would have cost if it were stopped at a turn, and last what it cost in all, `[S, turns + 1]`.

    A dialogue that ends before costs what it cost in all. Where a cost is not known, nothing is from there on.

    Args:
        batch: the packed dialogues.
        costs: float64 `[N]`, packed; NaN where not known.
        turns: number of turns.

    Returns:
        The costs, 0 where not known, and 1 where they are known, else 0.
    """
    known = costs == costs
    columns = torch.stack([costs.nan_to_num(0), ~known & batch.is_record, known], 1)
    total = batch.sum_segments(columns)
    so_far = torch.cat([sums_so_far(batch, columns, turns), total[:, None]], 1)
    there = ((so_far[..., 1] == 0) & (total[:, None, 2] > 0)).double()
    return so_far[..., 0] * there, there


def sums_so_far(batch: DialogueBatch, columns: Tensor, turns: int) -> Tensor:
    """Sums `[S, turns, C]` of finite packed columns `[N, C]` over the turns of each segment up to each turn."""
    return constant(_lower_triangle, turns, like=columns) @ batch.by_turn(columns, turns)


def _lower_triangle(size: int, device: torch.device) -> Tensor:
    return torch.ones(size, size, dtype=torch.float64, device=device).tril()
