# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Sum of the cosines of each row to the others of its segment.

A program adds the directions of one segment and then multiplies each by the sum of the others. The second time the rows
come from a cache.
"""

from __future__ import annotations

import torch
import triton
import triton.language as tl
from torch import Tensor

from imug_kernels.triton_kernels.numerics import adjacent, any_of, direction_length, leaves_range, power_below
from imug_kernels.triton_kernels.settings import whole_rows
from imug_kernels.triton_kernels.tiles import segment_bounds, store_field, valid_rows


@triton.jit
def _directions(
    X, VALID, row, end, D: tl.constexpr, STRIDE: tl.constexpr, HAS_VALID: tl.constexpr, BLOCK_D: tl.constexpr
):
    """Directions [R, BLOCK_D] of whole rows, zeros where there is none, and where there is one."""
    d = tl.arange(0, BLOCK_D)
    mask = valid_rows(VALID, row, end, HAS_VALID)
    x_ptrs = X + row.to(tl.int64)[:, None] * STRIDE + d[None, :]
    x = tl.load(x_ptrs, mask=mask[:, None] & (d < D)[None, :], other=0.0).to(tl.float32)
    squares = tl.sum(x * x, 1)
    if any_of(mask & leaves_range(squares)):
        x *= tl.where(leaves_range(squares), power_below(tl.max(tl.abs(x), 1)), 1.0)[:, None]
        squares = tl.sum(x * x, 1)
    length = direction_length(squares)
    known = mask & (length == length)
    return tl.where(known[:, None], x / length[:, None], 0.0), known


@triton.jit
def _cosine_sum_kernel(
    X, VALID, OFFSETS, OUT, rows, D: tl.constexpr, STRIDE: tl.constexpr, HAS_VALID: tl.constexpr,
    BLOCK_R: tl.constexpr, BLOCK_D: tl.constexpr,
):  # fmt: skip
    first, end = segment_bounds(OFFSETS, tl.program_id(0))
    total = tl.zeros((BLOCK_D,), tl.float32)
    count = tl.zeros((BLOCK_R,), tl.float32)
    for start in range(first, end, BLOCK_R):
        row = start + tl.arange(0, BLOCK_R)
        unit, known = _directions(X, VALID, row, end, D, STRIDE, HAS_VALID, BLOCK_D)
        total += tl.sum(unit, 0)
        count += tl.where(known, 1.0, 0.0)
    others = tl.sum(count) - 1.0
    for start in range(first, end, BLOCK_R):
        row = start + tl.arange(0, BLOCK_R)
        unit, known = _directions(X, VALID, row, end, D, STRIDE, HAS_VALID, BLOCK_D)
        out = store_field(OUT + row, rows, tl.sum(unit * (total[None, :] - unit), 1), row < end)
        store_field(out, rows, tl.where(known, others, 0.0), row < end)


def dialogue_cosine_sum(rows: Tensor, offsets: Tensor, valid: Tensor | None) -> Tensor:
    """Return sum and count of the cosines of every row to the others of its segment, float32 ``[2, N]``."""
    segments, width = len(offsets) - 1, rows.shape[1]
    out = torch.empty(2, len(rows), dtype=torch.float32, device=rows.device)
    if out.numel():
        rows = adjacent(rows)
        _cosine_sum_kernel[(segments,)](
            rows, valid, offsets, out, len(rows), width, rows.stride(0), HAS_VALID=valid is not None,
            **whole_rows(width),
        )  # fmt: skip
    return out
