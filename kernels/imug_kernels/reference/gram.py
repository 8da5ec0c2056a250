# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Plain PyTorch form of `dialogue_gram`: blocks of cosines of equally long segments."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from imug_kernels.checks import check_offset_values
from imug_kernels.dtypes import fits_narrow, work_dtype, work_zeros
from imug_kernels.reference.cosine_blocks import Block, add_block_backward, cosine_blocks, off_diagonal
from imug_kernels.reference.directions import directions_backward
from imug_kernels.reference.narrow_blocks import narrow_blocks


def dialogue_gram(rows: Tensor, offsets: Tensor, valid: Tensor | None) -> Tensor:
    """Return the seven statistics of every row, ``[7, N]``."""
    check_offset_values(offsets, len(rows))
    stats = work_zeros(rows, 7, len(rows))
    narrow = fits_narrow(rows, rows)
    for block in narrow_blocks(rows, offsets, valid) if narrow else cosine_blocks(rows, rows, offsets, valid, valid):
        stats[:, block.rows] = _block_stats(block)
    return stats


def _block_stats(block: Block) -> Tensor:
    """Return the statistics of a block's rows, ``[7, b, r]``."""
    partner, earlier = _partners(block)
    cosine, previous, anchor = block.cosine, *_previous_and_anchor(block)
    # Cosines are finite, so that adding infinity takes one out, at a fifth of what filling by a mask costs.
    others, later = (cosine.new_zeros(mask.shape).masked_fill_(~mask, torch.inf) for mask in (partner, earlier))
    itself = cosine.diagonal(int(block.local_rows[0]), 1, 2)
    total = cosine.sum(2, dtype=work_dtype(cosine.device)) - itself  # those of rows that are no partners are 0
    return torch.stack(
        [
            total,
            partner.sum(2).to(total.dtype).expand_as(total),
            _nan_for(torch.inf, (cosine + others).amin(2)),
            _nan_for(-torch.inf, (cosine - others).amax(2)),
            _nan_for(-torch.inf, (cosine - later).amax(2)),
            _pick(cosine, earlier, previous),
            _pick(cosine, earlier, anchor),
        ]
    )


def _partners(block: Block) -> tuple[Tensor, Tensor]:
    """Return which columns are partners of which rows, and which of these come earlier."""
    partner = off_diagonal(block)
    return partner, partner & (block.local_columns < block.local_rows[:, None])


def _previous_and_anchor(block: Block) -> tuple[Tensor, Tensor]:
    """Return the columns ``[r]`` of the row before each row and of the first row of the segment."""
    return (block.local_rows - 1).clamp_min(0), torch.zeros_like(block.local_rows)


def _nan_for(infinity: float, extremes: Tensor) -> Tensor:
    """Return the extremes with NaN where only the filling is left: a cosine is never infinite."""
    return extremes.masked_fill(extremes == infinity, torch.nan)


def _pick(cosine: Tensor, among: Tensor, columns: Tensor) -> Tensor:
    """Return the cosine of every row to one column ``[r]``, NaN where that column is not ``among``."""
    rows = torch.arange(len(columns), device=columns.device)
    return cosine[:, rows, columns].masked_fill(~among[:, rows, columns], torch.nan)


def dialogue_gram_backward(
    grads: Sequence[Tensor], rows: Tensor, offsets: Tensor, valid: Tensor | None
) -> list[Tensor]:
    """Return the gradient of ``rows``."""
    gradient = work_zeros(rows, *rows.shape)
    for block in cosine_blocks(rows, rows, offsets, valid, valid):
        weights = _cosine_gradient(block, grads[0][:, block.rows].to(gradient.dtype))
        add_block_backward(block, weights, gradient)
    return [directions_backward(rows, gradient)]


def _cosine_gradient(block: Block, grads: Tensor) -> Tensor:
    """Return the gradient of the cosines ``[b, r, n]`` from that of the statistics ``[7, b, r]``."""
    partner, earlier = _partners(block)
    of_sum, _, of_min, of_max, of_max_before, *of_picked = grads.unbind()
    cosine = block.cosine
    weights = torch.where(partner, of_sum[:, :, None], 0)
    weights = weights + _shared(of_min, cosine, partner, cosine.masked_fill(~partner, torch.inf).amin(2))
    weights = weights + _shared(of_max, cosine, partner, cosine.masked_fill(~partner, -torch.inf).amax(2))
    weights = weights + _shared(of_max_before, cosine, earlier, cosine.masked_fill(~earlier, -torch.inf).amax(2))
    rows = torch.arange(len(block.local_rows), device=cosine.device)
    for grad, columns in zip(of_picked, _previous_and_anchor(block), strict=True):
        weights[:, rows, columns] += grad.masked_fill(~earlier[:, rows, columns], 0)
    return weights


def _shared(grad: Tensor, cosine: Tensor, among: Tensor, extremes: Tensor) -> Tensor:
    """Share the gradient of an extreme evenly among the cosines that attain it, as `torch.amin` does."""
    attained = among & (cosine == extremes[:, :, None])
    return torch.where(attained, (grad / attained.sum(2).clamp_min(1))[:, :, None], 0)
