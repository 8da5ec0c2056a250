# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Sum, count, minimum and maximum of every segment in float64, in an order that never changes."""

from __future__ import annotations

import torch
import triton
import triton.language as tl
from torch import Tensor

from imug_kernels.triton_kernels.settings import segment_values
from imug_kernels.triton_kernels.tiles import segment_bounds, valid_rows


@triton.jit
def _segment_reduce_kernel(
    VALUES, VALID, OFFSETS, OUT, width, field,
    HAS_VALID: tl.constexpr, EXTREMES: tl.constexpr, BLOCK_R: tl.constexpr, BLOCK_W: tl.constexpr,
):  # fmt: skip
    # All programs lie on one axis of the grid: the others end at 65,535.
    across = tl.cdiv(width, BLOCK_W)
    segment = (tl.program_id(0) // across).to(tl.int64)
    first, end = segment_bounds(OFFSETS, segment)
    column = tl.program_id(0) % across * BLOCK_W + tl.arange(0, BLOCK_W)
    mask_n = column < width
    total = tl.zeros((BLOCK_R, BLOCK_W), tl.float64)
    count = tl.zeros((BLOCK_R, BLOCK_W), tl.float64)
    nans = tl.zeros((BLOCK_R, BLOCK_W), tl.int32)
    lowest = tl.full((BLOCK_R, BLOCK_W), float("inf"), tl.float64)
    highest = tl.full((BLOCK_R, BLOCK_W), float("-inf"), tl.float64)
    for start in range(first, end, BLOCK_R):
        row = start + tl.arange(0, BLOCK_R)
        mask = valid_rows(VALID, row, end, HAS_VALID)[:, None] & mask_n[None, :]
        value_ptrs = VALUES + (row.to(tl.int64)[:, None] * width + column[None, :])
        value = tl.load(value_ptrs, mask=mask, other=0.0).to(tl.float64)
        total += tl.where(mask, value, 0.0)
        if EXTREMES:
            count += tl.where(mask, 1.0, 0.0)
            # Counted apart: the compiled minimum of NaN and a number is the number, the interpreted one is NaN.
            nans += tl.where(mask & (value != value), 1, 0)
            lowest = tl.where(mask & (value < lowest), value, lowest)
            highest = tl.where(mask & (value > highest), value, highest)
    out = OUT + segment * width + column
    tl.store(out, tl.sum(total, 0), mask=mask_n)
    if EXTREMES:
        counted = tl.sum(count, 0)
        undefined = (counted == 0) | (tl.sum(nans, 0) > 0)
        tl.store(out + field, counted, mask=mask_n)
        tl.store(out + 2 * field, tl.where(undefined, float("nan"), tl.min(lowest, 0)), mask=mask_n)
        tl.store(out + 3 * field, tl.where(undefined, float("nan"), tl.max(highest, 0)), mask=mask_n)


def segment_reduce(values: Tensor, offsets: Tensor, valid: Tensor | None, extremes: bool) -> Tensor:
    """Return sums ``[1, S, W]``, or sums, counts, minima and maxima ``[4, S, W]``, float64."""
    segments, width = len(offsets) - 1, values.shape[1]
    out = torch.empty(4 if extremes else 1, segments, width, dtype=torch.float64, device=values.device)
    if out.numel() == 0:
        return out
    if not values.is_floating_point():
        values = values.to(torch.float64)
    blocks = segment_values(width)
    _segment_reduce_kernel[(segments * triton.cdiv(width, blocks["BLOCK_W"]),)](
        values.contiguous(), valid, offsets, out, width, segments * width,
        HAS_VALID=valid is not None, EXTREMES=extremes, **blocks,
    )  # fmt: skip
    return out
