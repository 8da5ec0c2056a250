# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Sum of the cosines of all pairs of a segment: a program adds the unit rows of one segment, each read once."""

from __future__ import annotations

import torch
import triton
import triton.language as tl
from torch import Tensor

from imug_kernels.triton_kernels.numerics import adjacent, bounded_length
from imug_kernels.triton_kernels.settings import whole_rows
from imug_kernels.triton_kernels.tiles import segment_bounds, valid_rows


@triton.jit
def _gram_sum_kernel(
    X, VALID, OFFSETS, OUT, segments, D: tl.constexpr, STRIDE: tl.constexpr, eps, HAS_VALID: tl.constexpr,
    BLOCK_R: tl.constexpr, BLOCK_D: tl.constexpr,
):  # fmt: skip
    segment = tl.program_id(0)
    first, end = segment_bounds(OFFSETS, segment)
    d = tl.arange(0, BLOCK_D)
    total = tl.zeros((BLOCK_D,), tl.float32)
    diagonal = tl.zeros((BLOCK_R,), tl.float32)
    count = tl.zeros((BLOCK_R,), tl.float32)
    for start in range(first, end, BLOCK_R):
        row = start + tl.arange(0, BLOCK_R)
        mask = valid_rows(VALID, row, end, HAS_VALID)
        x_ptrs = X + row.to(tl.int64)[:, None] * STRIDE + d[None, :]
        x = tl.load(x_ptrs, mask=mask[:, None] & (d < D)[None, :], other=0.0).to(tl.float32)
        squares = tl.sum(x * x, 1)
        length = bounded_length(squares, eps)
        total += tl.sum(x / length[:, None], 0)
        diagonal += squares / length / length
        count += tl.where(mask, 1.0, 0.0)
    rows = tl.sum(count).to(tl.float64)
    # A single row has no pair: its rounding must not show, nor its NaN.
    pairs = tl.where(rows > 1, (tl.sum(total * total) - tl.sum(diagonal)).to(tl.float64), 0.0)
    tl.store(OUT + segment, pairs)
    tl.store(OUT + segments + segment, rows * tl.where(rows > 1, rows - 1, 0.0))


def dialogue_gram_sum(rows: Tensor, offsets: Tensor, valid: Tensor | None, eps: float) -> Tensor:
    """Return sum and count over the ordered pairs of every segment, float64 ``[2, S]``."""
    segments, width = len(offsets) - 1, rows.shape[1]
    out = torch.empty(2, segments, dtype=torch.float64, device=rows.device)
    if segments == 0 or len(rows) == 0:
        return out.zero_()
    rows = adjacent(rows)
    _gram_sum_kernel[(segments,)](
        rows, valid, offsets, out, segments, width, rows.stride(0), eps, HAS_VALID=valid is not None,
        **whole_rows(width),
    )  # fmt: skip
    return out
