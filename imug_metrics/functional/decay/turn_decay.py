# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""How scores change over the turns of a dialogue."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

import torch
from torch import Tensor

from imug_metrics.dialogues.arguments import Ids, Numbers, Turns
from imug_metrics.dialogues.batch import DialogueBatch
from imug_metrics.dialogues.columns import score_column
from imug_metrics.dialogues.inputs import pack_inputs
from imug_metrics.functional.reduce import reduce_values
from imug_metrics.stats import PairSlopes, median, pair_slopes, pooled_slope, within_sums

Slope = Literal["within", "pooled", "theil-sen"]
SLOPES: tuple[Slope, ...] = ("within", "pooled", "theil-sen")


def turn_decay(
    scores: Numbers,
    *,
    dialogue: Ids | None = None,
    turn: Turns | None = None,
    valid: Tensor | None = None,
    lengths: Tensor | None = None,
    slope: Slope = "within",
    reduction: Literal["mean", "none"] = "mean",
) -> Tensor:
    """Slope of scores over turns: change of the score per turn, negative where it decays. Higher is better.

    - `within`: `sum_d Sxy_d / sum_d Sxx_d`, sums of products and squares of turn and score about their dialogue's mean
      (fixed effects). Immune to long dialogues being harder. Default.
    - `pooled`: ordinary least squares over all turns; confounds decay with the mix of dialogues at each turn.
    - `theil-sen`: median of all slopes between two turns of one dialogue (Sen, JASA 63, 1968); robust to outliers.

    Args:
        scores: `[N]` or `[B, T]`; NaN where a turn could not be scored.
        dialogue, turn, valid, lengths: as in `align_rows`.
        slope: see above.
        reduction: `"mean"` for the slope, `"none"` for the slope of each dialogue (ordered by id; NaN for dialogues
            with fewer than two scored turns; with `pooled` the same as with `within`).

    Returns:
        float64 scalar, or `[G]`; NaN where undefined. Differentiable but for `theil-sen`.

    Raises:
        ValueError: if shapes differ, turns are refused or the slope is unknown.

    Example:
        >>> turn_decay([[0.9, 0.8, 0.7], [0.5, 0.4, 0.3]])
        tensor(-0.1000, dtype=torch.float64)
    """
    if slope not in SLOPES:
        raise ValueError(f"Expected argument `slope` to be one of {SLOPES}, got {slope!r}.")
    inputs = pack_inputs({"scores": score_column("scores", scores)}, dialogue, turn, None, valid, lengths)
    batch, y = inputs.batch, inputs.columns["scores"].nan_to_num(0)
    if slope == "theil-sen":
        median, each = _sen_slopes(batch, y)
        return reduce_values(batch.by_id(each), reduction) if reduction != "mean" else median
    xy, xx = within_sums(batch.turns_from_least, y, batch.valid, batch.offsets)
    each = torch.where(xx > 0, xy / torch.where(xx > 0, xx, 1), torch.nan)
    if reduction != "mean":
        return reduce_values(batch.by_id(each), reduction)
    if slope == "pooled":
        return pooled_slope(*(part.sum() for part in pooled_parts(batch, y).values()))
    return torch.where(xx.sum() > 0, xy.sum() / xx.sum(), torch.nan)


def pooled_parts(batch: DialogueBatch, scores: Tensor) -> dict[str, Tensor]:
    """What ordinary least squares sums over records `[N]`: 1, turn, score, turn squared, product; 0 if not scored."""
    turn = batch.turns
    x = turn * batch.valid
    return {"n": batch.valid, "x": x, "y": scores, "xx": x * turn, "xy": turn * scores}


def retention_parts(batch: DialogueBatch, scores: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Last score, first score and 1 by segment `[S]` where turn 1 and a later turn are scored, 0 elsewhere."""
    first, end = batch.valid & (batch.turn == 1), batch.is_latest(batch.valid) & (batch.turn > 1)
    ends = torch.stack([first, end], 1)
    sums = batch.sum_segments(torch.cat([ends * scores[:, None], ends], 1))
    both = sums[:, 2] * sums[:, 3]
    of_first, of_end = (sums[:, :2] * both[:, None]).unbind(1)
    return of_end, of_first, both


def decay_rate(total: Tensor, count: Tensor) -> Tensor:
    """Rate of the log-linear fit to a curve, weighted by records: `log mean_t = a - rate * t`.

    Args:
        total: sums of scores by turn, `[..., T]`.
        count: numbers of scores by turn; turns without any are left out.

    Returns:
        `[...]`; NaN with fewer than two turns or where a mean is not positive, exactly 0 where all means are equal.

    Example:
        >>> import math
        >>> round(float(decay_rate(torch.tensor([8.0, 4.0, 1.0]), torch.tensor([8.0, 8.0, 4.0])) / math.log(2)), 6)
        1.0
    """
    seen = count > 0
    mean = total / torch.where(seen, count, 1)
    turns = torch.arange(total.shape[-1], dtype=total.dtype, device=total.device)
    log = torch.log(torch.where(seen & (mean > 0), mean, 1))
    sums = ((count * part).sum(-1) for part in (torch.ones_like(log), turns, log, turns * turns, turns * log))
    level = torch.where(seen, mean, torch.nan)
    # Equal means leave a remainder of rounding, whose half-life would be a number.
    flat = level.nan_to_num(-torch.inf).amax(-1) - level.nan_to_num(torch.inf).amin(-1) <= 1e-12 * mean.abs().amax(-1)
    rate = -pooled_slope(*sums).masked_fill((seen & (mean <= 0)).any(-1), torch.nan)
    return torch.where(flat & ~rate.isnan(), 0 * rate, rate)


def effective_turns(total: Tensor, count: Tensor, keep: float = 0.85, longest: bool = False) -> Tensor:
    """The last turn up to which every turn keeps a share of turn 1's mean, or the latest turn that does.

    Args:
        total: sums of scores by turn, `[..., T]`.
        count: numbers of scores by turn; a turn without any does not pass.
        keep: the share.
        longest: the latest turn that passes.

    Returns:
        `[...]`; NaN where turn 1 has no score or its mean is not positive.

    Example:
        >>> effective_turns(torch.tensor([1.0, 0.9, 0.5, 0.9]), torch.ones(4))
        tensor(2.)
    """
    mean = total / torch.where(count > 0, count, torch.nan)
    passes = mean >= keep * mean[..., :1]
    turns = torch.arange(1, total.shape[-1] + 1, device=total.device)
    found = (passes * turns).amax(-1) if longest else passes.cumprod(-1).sum(-1)
    return found.to(total).masked_fill(~(mean[..., 0] > 0), torch.nan)


def scored_pairs(batch: DialogueBatch, scores: Tensor) -> Iterator[PairSlopes]:
    """Slopes between all scored turns of one segment."""
    lengths = batch.sum_segments(batch.valid).long()
    offsets = torch.cat([lengths.new_zeros(1), lengths.cumsum(0)])
    return pair_slopes(batch.turn[batch.valid].double(), scores[batch.valid].double(), offsets)


def _sen_slopes(batch: DialogueBatch, scores: Tensor) -> tuple[Tensor, Tensor]:
    """Median of all pairwise slopes, and by segment."""
    pairs = list(scored_pairs(batch, scores))
    each = torch.full_like(batch.owner, torch.nan, dtype=torch.float64)
    for found in pairs:
        each = each.index_copy(0, found.segments, found.slopes.quantile(0.5, dim=1))
    slopes = torch.cat([found.slopes.flatten() for found in pairs]) if pairs else each[:0]
    return median(slopes), each
