# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Do the images of later turns still come from where those of turn 1 come from: a kernel distance of embeddings."""

from __future__ import annotations

import math
from typing import Literal

import torch
from imug_kernels import rbf_sum
from torch import Tensor

from imug_metrics.dialogues.arguments import Ids, Images, Turns
from imug_metrics.dialogues.columns import embedding_column
from imug_metrics.dialogues.inputs import pack_inputs
from imug_metrics.dialogues.padding import has_direction
from imug_metrics.dialogues.unit_rows import unit_rows


def turn_distribution_shift(
    images: Images,
    *,
    dialogue: Ids | None = None,
    turn: Turns | None = None,
    valid: Tensor | None = None,
    lengths: Tensor | None = None,
    sigma: float = 10.0,
    scale: float = 1000.0,
    unbiased: bool = True,
    reduction: Literal["mean", "none"] = "mean",
) -> Tensor:
    r"""Squared maximum mean discrepancy between the images of turn 1 and those of each later turn. Lower is better.

    .. math:: \mathrm{scale}\,\left(\overline{k(x, x')} + \overline{k(y, y')} - 2\,\overline{k(x, y)}\right), \qquad
        k(x, y) = \exp\left(-\frac{|x - y|^2}{2\sigma^2}\right)

    over unit-length embeddings x of turn 1 and y of turn t: CMMD (Jayasumana et al., CVPR 2024) with its kernel width
    10 and its factor 1000, between turns instead of between a model and photographs. All pairs are used, in memory that
    does not grow with their number.

    The published estimator averages over all pairs, an image's with itself among them, which adds about
    `scale (1 - mean cosine) / sigma^2 * (1 / n_1 + 1 / n_t)`: a curve that rises as dialogues end. By default the
    averages run over pairs of *different dialogues* only. That is unbiased for independent dialogues, the images of one
    of which resemble each other, and may come out below 0 where there is no shift.

    Args:
        images: embeddings `[N, D]` or `[B, T, D]`; zero rows count as absent.
        dialogue, turn, valid, lengths: as in `align_rows`.
        sigma: width of the kernel.
        scale: factor of the result.
        unbiased: False for the published estimator over all pairs.
        reduction: `"mean"`: over the later turns, weighted by their images; `"none"`: the curve.

    Returns:
        float64 scalar, or the curve `[T]` up to the last turn; NaN at turn 1 and where a turn has no images (with
        `unbiased`, none of two dialogues). Differentiable.

    Raises:
        ValueError: if `sigma` is not positive.
        InputError: if shapes differ or turns are refused.

    Example:
        >>> images = torch.tensor([[[1.0, 0.0], [0.0, 1.0]], [[1.0, 0.0], [0.0, 1.0]]])
        >>> turn_distribution_shift(images)
        tensor(19.9003, dtype=torch.float64)
    """
    inputs = pack_inputs({"images": embedding_column("images", images)}, dialogue, turn, None, valid, lengths)
    batch, rows = inputs.batch, inputs.columns["images"]
    there = batch.valid & usable_images(rows)
    rows, turns, owner = unit_rows(rows, there)[there], batch.turn[there], batch.owner[batch.segment][there]
    last = max(batch.last_turn(), 1)
    first, of_first = rows[turns == 1], owner[turns == 1]
    curve, counts = [rows.new_tensor(torch.nan)], [0]
    for t in range(2, last + 1):
        later, of_later = rows[turns == t], owner[turns == t]
        pairs = _same_dialogue(of_first, of_later)
        curve.append(scale * _discrepancy(first, later, pairs, sigma, unbiased))
        counts.append(len(later))
    found = torch.stack(curve)
    return found if reduction == "none" else mean_curve(found, found.new_tensor(counts))


def usable_images(rows: Tensor) -> Tensor:
    """True `[N]` where an embedding has a direction: finite and not zero."""
    return has_direction(rows)


def mean_curve(curve: Tensor, counts: Tensor) -> Tensor:
    """Mean `[...]` of a curve `[..., T]` weighted by counts, over the turns that are defined; NaN if none is."""
    weights = counts.to(curve) * ~curve.isnan()
    return (curve.nan_to_num(0) * weights).sum(-1) / torch.where(weights.sum(-1) > 0, weights.sum(-1), torch.nan)


def linear_shift(
    first: Tensor, later: Tensor, counts: Tensor, squares: Tensor, same: Tensor, both: Tensor, unbiased: bool
) -> tuple[Tensor, Tensor, Tensor]:
    """The discrepancy of the plain cosine as a kernel, and the mean cosine it was taken around, from sums.

    Args:
        first, later: sums `[..., D]` of the unit rows of turn 1 (may have to be expanded) and of turn t.
        counts: `[..., 2]`, numbers of rows n and m.
        squares: `[..., 2]`, sums of their squared lengths.
        same: `[...]`, sum of the cosines of pairs of one dialogue.
        both: `[...]`, number of those pairs.
        unbiased: leave pairs of one dialogue out.

    Returns:
        `mean x.x' + mean y.y' - 2 mean x.y`, the mean cosine, and where both are defined (every mean has pairs); each
        `[...]`.
    """
    n, m = counts.unbind(-1)
    left_out = float(unbiased)
    first = first.expand_as(later)
    totals = torch.stack([first.square().sum(-1), later.square().sum(-1), (first * later).sum(-1)], -1)
    out = torch.stack([squares[..., 0], squares[..., 1], same], -1) * left_out
    pairs = torch.stack([n * n - left_out * n, m * m - left_out * m, n * m - left_out * both], -1)
    # Finite where undefined: a NaN there would reach the gradients of what is defined.
    a, b, c = ((totals - out) / torch.where(pairs > 0, pairs, 1)).unbind(-1)
    return a + b - 2 * c, (a + b + 2 * c) / 4, (pairs > 0).all(-1)


def kernel_slope(cosine: Tensor, sigma: float) -> Tensor:
    """Derivative of the Gaussian kernel of unit rows, `exp((cosine - 1) / sigma^2)`, with respect to their cosine."""
    return torch.exp((cosine - 1) / sigma**2) / sigma**2


def _same_dialogue(first: Tensor, later: Tensor) -> tuple[Tensor, Tensor]:
    """Places of the dialogues that both turns have; both lists rise, as packed rows do."""
    if not len(first) or not len(later):
        return first[:0], first[:0]
    at = torch.searchsorted(first, later).clamp_max(len(first) - 1)
    found = first[at] == later
    return at[found], found.nonzero()[:, 0]


def _discrepancy(first: Tensor, later: Tensor, pairs: tuple[Tensor, Tensor], sigma: float, unbiased: bool) -> Tensor:
    n, m = len(first), len(later)
    out = int(unbiased)
    within = rbf_sum(first, sigma=sigma), rbf_sum(later, sigma=sigma)
    between = rbf_sum(first, later, sigma=sigma)
    squares = (first[pairs[0]] - later[pairs[1]]).square().sum(1)
    between = between - out * torch.expm1(-squares / (2 * sigma**2)).sum()
    sums = zip((*within, between), (n * (n - out), m * (m - out), n * m - out * len(squares)))
    a, b, c = (total / (count if count > 0 else math.nan) for total, count in sums)
    return a + b - 2 * c
