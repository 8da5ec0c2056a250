# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Cosine matrices of segments, reduced to seven numbers a row or to their sum."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from imug_kernels.checks import check_offset_values, check_offsets, check_rows, check_valid
from imug_kernels.ops import register, result_dtype
from imug_kernels.reference.cosine_blocks import Block, cosine_blocks, others, pull_back, zeros


class GramStats(NamedTuple):
    """Cosines of each row to the other valid rows of its segment.

    Every field is ``[N]``, float64 on a CPU and float32 elsewhere. ``sum`` and ``count`` over all partners
    (0 without any), ``min`` and ``max`` over them; ``max_before`` over the earlier ones; ``previous`` and ``anchor``:
    the cosine to the row directly before and to the first row of the segment. Undefined is NaN.
    """

    sum: Tensor
    count: Tensor  # type: ignore[assignment]  # hides tuple.count, which nobody needs here
    min: Tensor
    max: Tensor
    max_before: Tensor
    previous: Tensor
    anchor: Tensor


def dialogue_gram(rows: Tensor, offsets: Tensor, valid: Tensor | None = None, *, eps: float = 1e-8) -> GramStats:
    """Reduce the cosine matrix of every segment to seven numbers a row.

    An invalid row is no partner of any row and gets sum 0, count 0 and NaN elsewhere. A valid row that holds NaN or
    infinity makes NaN of every number it takes part in. Differentiable with respect to ``rows``.

    Args:
        rows: ``[N, D]``, any floating dtype.
        offsets: int64 ``[S + 1]``, rising from 0 to N; empty segments are allowed.
        valid: bool ``[N]``. Default: all rows.
        eps: Lower bound of a row's length in the denominator.

    Returns:
        The statistics, see :class:`GramStats`.

    Raises:
        TypeError: If a dtype does not fit.
        ValueError: If a shape or a device does not fit, or ``offsets`` do not rise from 0 to N.

    Example:
        >>> import torch
        >>> from imug_kernels import dialogue_gram
        >>> rows = torch.tensor([[1.0, 0.0], [0.0, 1.0], [3.0, 4.0], [1.0, 1.0]])
        >>> stats = dialogue_gram(rows, torch.tensor([0, 3, 4]))
        >>> stats.sum, stats.count
        (tensor([0.6000, 0.8000, 1.4000, 0.0000], dtype=torch.float64), tensor([2., 2., 2., 0.], dtype=torch.float64))
        >>> stats.anchor
        tensor([   nan, 0.0000, 0.6000,    nan], dtype=torch.float64)
    """
    check_rows("rows", rows)
    check_valid("valid", valid, rows)
    stats: Tensor = _dialogue_gram(rows, check_offsets(offsets, rows.device), valid, eps)
    return GramStats(*stats.unbind())


def _plain(rows: Tensor, offsets: Tensor, valid: Tensor | None, eps: float) -> Tensor:
    check_offset_values(offsets, len(rows))
    stats = zeros(rows, len(GramStats._fields), len(rows))
    for block in cosine_blocks(rows, rows, offsets, valid, valid, eps):
        stats[:, block.rows] = _block_stats(block)
    return stats


def _block_stats(block: Block) -> Tensor:
    """Return the fields of :class:`GramStats` for a block, ``[7, b, r]``."""
    partner, cosine = others(block), block.cosine
    place = torch.arange(cosine.shape[2], device=block.at.device)
    earlier = partner & (place < block.at[:, None])
    strangers = ~partner
    total = cosine.masked_fill(strangers, 0).sum(2)
    return torch.stack(
        [
            total,
            partner.sum(2).to(cosine.dtype).expand_as(total),
            _nan_for(torch.inf, cosine.masked_fill(strangers, torch.inf).amin(2)),
            _nan_for(-torch.inf, cosine.masked_fill(strangers, -torch.inf).amax(2)),
            _nan_for(-torch.inf, cosine.masked_fill(~earlier, -torch.inf).amax(2)),
            _pick(cosine, earlier, (block.at - 1).clamp_min(0)),
            _pick(cosine, earlier, torch.zeros_like(block.at)),
        ]
    )


def _nan_for(infinity: float, extremes: Tensor) -> Tensor:
    """Return the extremes with NaN where only the filling is left: a cosine is never infinite."""
    return extremes.masked_fill(extremes == infinity, torch.nan)


def _pick(cosine: Tensor, among: Tensor, columns: Tensor) -> Tensor:
    """Return the cosine of every row to one column ``[r]``, NaN where that column is not ``among``."""
    rows = torch.arange(len(columns), device=columns.device)
    return cosine[:, rows, columns].masked_fill(~among[:, rows, columns], torch.nan)


def _like(rows: Tensor, offsets: Tensor, valid: Tensor | None, eps: float) -> Tensor:
    return rows.new_empty(len(GramStats._fields), len(rows), dtype=result_dtype(rows.device))


def _gradient(grads: Sequence[Tensor], rows: Tensor, offsets: Tensor, valid: Tensor | None, eps: float) -> list[Tensor]:
    gradient = zeros(rows, *rows.shape)
    for block in cosine_blocks(rows, rows, offsets, valid, valid, eps):
        weights = _block_weights(block, GramStats(*grads[0][:, block.rows].to(gradient.dtype)))
        pull_back(block, weights, eps, gradient)
    return [gradient.to(rows.dtype)]


def _block_weights(block: Block, grads: GramStats) -> Tensor:
    """Return the gradient of the cosines ``[b, r, n]`` from that of the fields ``[b, r]``."""
    partner, cosine = others(block), block.cosine
    earlier = partner & (torch.arange(cosine.shape[2], device=block.at.device) < block.at[:, None])
    weights = torch.where(partner, grads.sum[:, :, None], 0)
    weights = weights + _shared(grads.min, cosine, partner, cosine.masked_fill(~partner, torch.inf).amin(2))
    weights = weights + _shared(grads.max, cosine, partner, cosine.masked_fill(~partner, -torch.inf).amax(2))
    weights = weights + _shared(grads.max_before, cosine, earlier, cosine.masked_fill(~earlier, -torch.inf).amax(2))
    rows = torch.arange(len(block.at), device=block.at.device)
    for grad, columns in ((grads.previous, (block.at - 1).clamp_min(0)), (grads.anchor, torch.zeros_like(block.at))):
        weights[:, rows, columns] += grad.masked_fill(~earlier[:, rows, columns], 0)
    return weights


def _shared(grad: Tensor, cosine: Tensor, among: Tensor, extremes: Tensor) -> Tensor:
    """Share the gradient of an extreme evenly among the cosines that attain it, as `torch.amin` does."""
    attained = among & (cosine == extremes[:, :, None])
    return torch.where(attained, (grad / attained.sum(2).clamp_min(1))[:, :, None], 0)


_dialogue_gram = register(
    "dialogue_gram",
    "(Tensor rows, Tensor offsets, Tensor? valid, float eps) -> Tensor",
    _plain,
    _like,
    module="gram",
    gradient=_gradient,
    wrt=(0,),
)
