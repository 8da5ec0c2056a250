# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Sums of a Gaussian kernel less one over all pairs of rows."""

from __future__ import annotations

import torch
import triton
import triton.language as tl
from torch import Tensor

from imug_kernels.reference.rbf import squared_lengths
from imug_kernels.triton_kernels import settings
from imug_kernels.triton_kernels.descriptors import all_pairs
from imug_kernels.triton_kernels.numerics import dot_operands, dot_precision, needs_upcast
from imug_kernels.triton_kernels.tiles import descriptor_dot, dot_tile


@triton.jit
def _exponential_less_one(x):
    """exp(x) - 1 for x <= 0; near 0, where the difference would cancel, by its series (relative error 1e-8)."""
    series = x * (1 + x / 2 * (1 + x / 3 * (1 + x / 4 * (1 + x / 5 * (1 + x / 6)))))
    return tl.where(x > -0.25, series, tl.exp(x) - 1.0)


@triton.jit
def _rbf_kernel(
    X, Y, X_TILES, Y_TILES, SQUARES_X, SQUARES_Y, OUT, rows, columns, split_size, factor,
    D: tl.constexpr, STRIDE_X: tl.constexpr, STRIDE_Y: tl.constexpr, IS_SELF: tl.constexpr,
    UPCAST: tl.constexpr, PRECISION: tl.constexpr,
    DESCRIPTORS: tl.constexpr, BLOCK_M: tl.constexpr, BLOCK_N: tl.constexpr, BLOCK_K: tl.constexpr,
):  # fmt: skip
    row = tl.program_id(0) * BLOCK_M + tl.arange(0, BLOCK_M)
    mask_m = row < rows
    squares_x = tl.load(SQUARES_X + row, mask=mask_m, other=0.0)
    x_ptrs = X + row.to(tl.int64) * STRIDE_X
    total = tl.zeros((BLOCK_M,), tl.float64)
    begin = tl.program_id(1) * split_size
    end = tl.minimum(begin + split_size, columns)
    if IS_SELF:  # pairs below the diagonal are those above it
        begin = tl.maximum(begin, (tl.program_id(0) * BLOCK_M // BLOCK_N) * BLOCK_N)
    for first in range(begin, end, BLOCK_N):
        column = first + tl.arange(0, BLOCK_N)
        mask_n = column < end
        if DESCRIPTORS:
            first_row = tl.program_id(0) * BLOCK_M
            dot = descriptor_dot(X_TILES, Y_TILES, first_row, first, D, UPCAST, PRECISION, BLOCK_M, BLOCK_N, BLOCK_K)
        else:
            y_ptrs = Y + column.to(tl.int64) * STRIDE_Y
            dot = dot_tile(
                x_ptrs, y_ptrs, mask_m, mask_n, 1.0, 1.0, D, False, UPCAST, PRECISION, BLOCK_M, BLOCK_N, BLOCK_K
            )
        distance = squares_x[:, None] + tl.load(SQUARES_Y + column, mask=mask_n, other=0.0)[None, :] - 2.0 * dot
        distance = tl.where(distance < 0, 0.0, distance)
        mask = mask_m[:, None] & mask_n[None, :]
        if IS_SELF:
            # The pair of a row with itself adds 0, or NaN if it holds one.
            distance = tl.where((row[:, None] == column[None, :]) & (distance == distance), 0.0, distance)
            mask = mask & (column[None, :] >= row[:, None])
        total += tl.sum(tl.where(mask, _exponential_less_one(-factor * distance), 0.0), 1).to(tl.float64)
    tl.store(OUT + tl.program_id(0) * tl.num_programs(1) + tl.program_id(1), tl.sum(total))


def rbf_sum(x: Tensor, y: Tensor, sigma: float) -> Tensor:
    """Launch the kernel for the rows of two tensors."""
    return _launch(x, y, sigma, is_self=False)


def rbf_self_sum(x: Tensor, sigma: float) -> Tensor:
    """Launch the kernel for the upper half of the pairs of one tensor, and count it twice."""
    return 2 * _launch(x, x, sigma, is_self=True)


def _launch(x: Tensor, y: Tensor, sigma: float, *, is_self: bool) -> Tensor:
    x, y = dot_operands(x, y)
    tile, x_tiles, y_tiles = all_pairs("rbf", x, y)
    row_blocks = triton.cdiv(len(x), tile["BLOCK_M"])
    splits, split_size = settings.column_splits(len(y), row_blocks, tile["BLOCK_N"])
    out = torch.zeros(row_blocks, splits, dtype=torch.float64, device=x.device)
    squares_x = squared_lengths(x.float())
    squares_y = squares_x if is_self else squared_lengths(y.float())
    if len(x) and len(y):
        _rbf_kernel[(row_blocks, splits)](
            x, y, x_tiles, y_tiles, squares_x, squares_y, out, len(x), len(y), split_size, 0.5 / sigma**2,
            D=x.shape[1], STRIDE_X=x.stride(0), STRIDE_Y=y.stride(0), IS_SELF=is_self,
            UPCAST=needs_upcast(x), PRECISION=dot_precision(x.dtype), **tile,
        )  # fmt: skip
    return out.sum()
