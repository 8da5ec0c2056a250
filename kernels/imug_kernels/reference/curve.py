# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Plain PyTorch form of `delta_curve`: blocks of cosines, scattered by distance."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from imug_kernels.checks import check_offset_values
from imug_kernels.dtypes import work_zeros
from imug_kernels.reference.cosine_blocks import Block, add_block_backward, cosine_blocks, off_diagonal
from imug_kernels.reference.directions import directions_backward


def delta_curve(rows: Tensor, offsets: Tensor, positions: Tensor, max_delta: int, valid: Tensor | None) -> Tensor:
    """Return sums and counts by distance, ``[S, 2, max_delta]``."""
    check_offset_values(offsets, len(rows))
    curve = work_zeros(rows, len(offsets) - 1, 2, max_delta)
    for block in cosine_blocks(rows, rows, offsets, valid, valid):
        curve[block.segments] += _block_curve(block, positions, max_delta)
    return curve


def _bins(block: Block, positions: Tensor, max_delta: int) -> Tensor:
    """Return which column of the curve each cosine counts in, ``[b, r, n]``; ``max_delta`` is none of them."""
    delta = (positions[block.rows][:, :, None] - positions[block.columns][:, None, :]).abs()
    counted = off_diagonal(block) & (block.local_columns > block.local_rows[:, None])
    return torch.where(counted & (delta >= 1) & (delta <= max_delta), delta - 1, max_delta)


def _block_curve(block: Block, positions: Tensor, max_delta: int) -> Tensor:
    """Return sums and counts by distance for a block, ``[b, 2, max_delta]``."""
    bins = _bins(block, positions, max_delta).flatten(1)
    values = torch.stack([block.cosine, torch.ones_like(block.cosine)]).flatten(2)
    sums = values.new_zeros(2, len(bins), max_delta + 1)
    segment = torch.arange(len(bins), device=bins.device)[:, None]
    for field, value in zip(sums, values, strict=True):
        field.index_put_((segment, bins), value, accumulate=True)  # in order on every device, unlike scatter_add
    return sums[..., :max_delta].transpose(0, 1)


def delta_curve_backward(
    grads: Sequence[Tensor],
    rows: Tensor,
    offsets: Tensor,
    positions: Tensor,
    max_delta: int,
    valid: Tensor | None,
) -> list[Tensor]:
    """Return the gradient of ``rows``."""
    gradient = work_zeros(rows, *rows.shape)
    # A column of zeros for the pairs that do not count.
    of_bins = torch.nn.functional.pad(grads[0][:, 0], (0, 1))
    for block in cosine_blocks(rows, rows, offsets, valid, valid):
        bins = _bins(block, positions, max_delta)
        weights = of_bins[block.segments].gather(1, bins.flatten(1)).view_as(block.cosine)
        add_block_backward(block, weights, gradient)
    return [directions_backward(rows, gradient)]
