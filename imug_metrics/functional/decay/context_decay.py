# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""How scores change as the context grows, in tokens."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor

from imug_metrics._constants import constant
from imug_metrics.dialogues.arguments import Ids, Numbers, Turns
from imug_metrics.dialogues.batch import DialogueBatch
from imug_metrics.dialogues.checks import Check
from imug_metrics.dialogues.columns import Bounds, Column, check_shapes, score_column
from imug_metrics.dialogues.holders import place_of
from imug_metrics.dialogues.inputs import PackedInputs, pack_inputs
from imug_metrics.errors import InputError
from imug_metrics.functional.reduce import reduce_values
from imug_metrics.stats import pooled_slope, within_sums

Slope = Literal["within", "pooled"]
SLOPES: tuple[Slope, ...] = ("within", "pooled")
Weights = Literal["equal", "rising", "falling"]
EDGES = (4096, 8192, 16384, 32768, 65536, 131072)


def context_decay(
    scores: Numbers,
    context_lengths: Numbers,
    *,
    dialogue: Ids | None = None,
    turn: Turns | None = None,
    valid: Tensor | None = None,
    lengths: Tensor | None = None,
    slope: Slope = "within",
    reduction: Literal["mean", "none"] = "mean",
) -> Tensor:
    """Slope of scores over context length: change of the score per doubling of the context. Higher is better.

    - `within`: `sum_d Sxy_d / sum_d Sxx_d` with x = log2 of the length, sums about each dialogue's own mean. It
      compares lengths within a dialogue only and does not mistake dialogues that are long and hard for decay. Default.
    - `pooled`: ordinary least squares over all records, for data in which every dialogue has one length.

    Args:
        scores: `[N]` or `[B, T]`; NaN where a record could not be scored.
        context_lengths: tokens of context at each record, of the same shape, at least 1; not read where there is no
            score.
        dialogue, turn, valid, lengths: as in `align_rows`.
        slope: see above.
        reduction: `"mean"` for the slope, `"none"` for the slope of each dialogue (ordered by id; NaN for dialogues
            without two different lengths).

    Returns:
        float64 scalar, or `[G]`; NaN where undefined. Differentiable.

    Raises:
        ValueError: if shapes differ, turns are refused, a length is below 1 or the slope is unknown.

    Example:
        >>> context_decay([[0.9, 0.8, 0.7], [0.5, 0.4, 0.3]], [[4000, 8000, 16000], [1000, 2000, 4000]])
        tensor(-0.1000, dtype=torch.float64)
    """
    if slope not in SLOPES:
        raise ValueError(f"Expected argument `slope` to be one of {SLOPES}, got {slope!r}.")
    inputs = pack_inputs(length_columns(scores, context_lengths), dialogue, turn, None, valid, lengths)
    placed, doublings = placed_scores(inputs)
    xy, xx = within_doublings(inputs.batch, placed, doublings)
    each = torch.where(xx > 0, xy / torch.where(xx > 0, xx, 1), torch.nan)
    if reduction != "mean":
        return reduce_values(inputs.batch.by_id(each), reduction)
    if slope == "pooled":
        return doubling_slope(*(part.sum() for part in pooled_doublings(placed, doublings)))
    total = xx.sum()
    return torch.where(total > 0, xy.sum() / torch.where(total > 0, total, 1), torch.nan)


def effective_length(
    scores: Numbers,
    context_lengths: Numbers,
    *,
    keep: float = 0.85,
    base: Tensor | float | None = None,
    base_buckets: int = 1,
    threshold: float | None = None,
    longest: bool = True,
) -> Tensor:
    """The longest context at which the score holds, from one score a length.

    The score holds where it is at least `keep * base` (NoLiMa, arXiv 2502.05167) or at least a fixed `threshold`
    (RULER, arXiv 2404.06654: 85.6 on a scale of 100).

    Args:
        scores: `[..., K]`, one a length; NaN at lengths that were not tested, which are passed over.
        context_lengths: `[K]`, ascending.
        keep: share of the base score.
        base: the score at short context where it was measured apart; None: the mean of the `base_buckets` shortest
            lengths tested.
        base_buckets: see `base`.
        threshold: a fixed bar instead of `keep * base`.
        longest: the longest length that holds; False: the last one before the first that does not.

    Returns:
        float64 `[...]`: a length, 0 where none holds (without `longest`: where the shortest tested one does not), NaN
        where nothing was tested or the base score is not positive.

    Example:
        >>> effective_length([0.90, 0.88, 0.70, 0.80], [4096, 8192, 16384, 32768])
        tensor(32768., dtype=torch.float64)
        >>> effective_length([0.90, 0.88, 0.70, 0.80], [4096, 8192, 16384, 32768], longest=False)
        tensor(8192., dtype=torch.float64)
    """
    scores = torch.as_tensor(scores, dtype=torch.float64)
    context_lengths = torch.as_tensor(context_lengths, dtype=torch.float64, device=scores.device)
    seen = ~scores.isnan()
    if threshold is None:
        short = seen & (seen.cumsum(-1) <= base_buckets)
        own = scores.where(short, torch.nan).nanmean(-1)
        bar = keep * (own if base is None else torch.as_tensor(base, dtype=torch.float64, device=scores.device))
        bar = bar.masked_fill(~(bar > 0), torch.nan)
    else:
        bar = torch.full_like(scores[..., 0], threshold)
    holds = scores >= bar[..., None]
    kept = holds if longest else (holds | ~seen).cumprod(-1).bool() & seen
    found: Tensor = (kept * context_lengths).amax(-1)
    return found.masked_fill(bar.isnan() | ~seen.any(-1), torch.nan)


def ranked_average(scores: Numbers, weights: Weights = "equal") -> Tensor:
    """Average over lengths with weights linear in their rank (RULER, arXiv 2404.06654).

    Args:
        scores: `[..., K]`, one a length, ascending; NaN at lengths that were not tested, which have no rank.
        weights: `"rising"` 1, 2, ... favours long contexts, `"falling"` ..., 2, 1 short ones, `"equal"` is the mean.

    Returns:
        float64 `[...]`; NaN where nothing was tested.

    Raises:
        ValueError: if the weights are unknown.

    Example:
        >>> [round(float(ranked_average([0.9, 0.6], weights)), 3) for weights in ("equal", "rising", "falling")]
        [0.75, 0.7, 0.8]
    """
    scores = torch.as_tensor(scores, dtype=torch.float64)
    seen = ~scores.isnan()
    rank = seen.cumsum(-1)
    ranks = {"equal": torch.ones_like(rank), "rising": rank, "falling": rank[..., -1:] + 1 - rank}
    if weights not in ranks:
        raise ValueError(f"Expected argument `weights` to be one of {tuple(ranks)}, got {weights!r}.")
    weight = ranks[weights] * seen
    total = weight.sum(-1)
    average: Tensor = (scores.nan_to_num(0) * weight).sum(-1) / total.clamp_min(1)
    return average.masked_fill(total == 0, torch.nan)


def check_edges(edges: Sequence[int]) -> tuple[int, ...]:
    """Edges of the buckets as integers.

    Raises:
        ValueError: if there are none, or they are not whole numbers from 1 that rise.

    Example:
        >>> check_edges([1024, 2048])
        (1024, 2048)
    """
    found = tuple(int(edge) for edge in edges)
    rises = all(low < high for low, high in zip((0, *found), found))
    if not found or not rises or any(edge != whole for edge, whole in zip(edges, found)):
        raise ValueError(f"Expected argument `edges` to be whole numbers of tokens that rise, got {list(edges)}.")
    return found


def placed_scores(inputs: PackedInputs, *, zero: bool = False) -> tuple[Tensor, Tensor]:
    """Packed scores that have a place on the length axis, and log2 of the lengths (0 where there is no score).

    Args:
        inputs: with the columns `scores` and `context_lengths`.
        zero: an absent score is 0.
    """
    batch, tokens = inputs.batch, inputs.columns["context_lengths"]
    scores = batch.present(inputs.columns["scores"])
    scores = batch.zero_filled(scores) if zero else scores
    scores = scores.masked_fill(~(tokens >= 1), torch.nan)
    return scores, torch.log2(tokens.masked_fill(scores != scores, 1))  # a length that is not read has no gradient


def length_columns(
    scores: Numbers, context_lengths: Numbers, *, zero: bool = False, bounds: Bounds | None = None
) -> dict[str, Column]:
    """Scores and context lengths as rows, with the check that lengths are at least 1 where there is a score.

    Args:
        scores, context_lengths: as in `context_decay`.
        zero: an absent score is 0, and so needs a length too.
        bounds: where scores have to lie.
    """
    rows, tokens = score_column("scores", scores, bounds), score_column("context_lengths", context_lengths)
    check_shapes(scores=rows, context_lengths=tokens)
    wrong = tokens.values.nan_to_num(0.0, 0.0, 0.0).to(rows.values.device) < 1

    def error(cell: int) -> InputError:
        got = f"{float(tokens.values[cell]):g}"
        return InputError("context_lengths", "to be >= 1 where there is a score", got, place_of(cell, tokens.shape))

    if zero:
        return {"scores": rows, "context_lengths": tokens._replace(checks=(Check(wrong, error),))}
    return {
        "scores": rows._replace(checks=(*rows.checks, Check(wrong & (rows.values * 0 == 0), error))),
        "context_lengths": tokens,
    }


def within_doublings(batch: DialogueBatch, scores: Tensor, doublings: Tensor) -> tuple[Tensor, Tensor]:
    """`Sxy, Sxx` by segment `[S]`, whose sums give the within-dialogue slope."""
    return within_sums(doublings, scores.nan_to_num(0), ~scores.isnan(), batch.offsets)


def pooled_doublings(scores: Tensor, doublings: Tensor) -> tuple[Tensor, ...]:
    """What ordinary least squares sums over records `[N]`: n, x, y, xx, xy."""
    used, y = (scores == scores).to(scores), scores.nan_to_num(0)
    return used, doublings, y, doublings * doublings, doublings * y


def doubling_slope(n: Tensor, x: Tensor, y: Tensor, xx: Tensor, xy: Tensor) -> Tensor:
    """Ordinary least squares' slope; NaN where all lengths are equal up to the sums' rounding."""
    flat = n * xx - x * x <= 1e-12 * n * xx
    return pooled_slope(n, x, y, xx, xy).masked_fill(flat, torch.nan)


def bucket_columns(scores: Tensor, doublings: Tensor, edges: Sequence[int]) -> Tensor:
    """1 in the bucket of each score that is there, 0 elsewhere, `[N, K + 1]`; the last is beyond the last edge."""
    bounds = constant(_log2_edges, tuple(edges), like=doublings)
    places = constant(torch.arange, len(edges) + 1, like=doublings)
    return ((torch.bucketize(doublings, bounds)[:, None] == places) & ~scores.isnan()[:, None]).double()


def _log2_edges(edges: tuple[int, ...], device: torch.device) -> Tensor:
    return torch.tensor(edges, dtype=torch.float64, device=device).log2()
