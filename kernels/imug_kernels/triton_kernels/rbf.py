# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Sums of a Gaussian kernel less one over all pairs of rows."""

from __future__ import annotations

import torch
import triton
import triton.language as tl
from torch import Tensor

from imug_kernels.rbf import squares
from imug_kernels.triton_kernels.cross import cross_config, dot_tile, operands, shares
from imug_kernels.triton_kernels.numerics import dot_precision, needs_upcast


@triton.jit
def _exponential_less_one(x):
    """exp(x) - 1 for x <= 0; near 0, where the difference would cancel, by its series (relative error 1e-8)."""
    series = x * (1 + x / 2 * (1 + x / 3 * (1 + x / 4 * (1 + x / 5 * (1 + x / 6)))))
    return tl.where(x > -0.25, series, tl.exp(x) - 1.0)


@triton.jit
def _rbf_kernel(
    X, Y, SQUARES_X, SQUARES_Y, OUT, rows, columns, share, factor,
    D: tl.constexpr, STRIDE_X: tl.constexpr, STRIDE_Y: tl.constexpr, SELF: tl.constexpr,
    UPCAST: tl.constexpr, PRECISION: tl.constexpr,
    BLOCK_M: tl.constexpr, BLOCK_N: tl.constexpr, BLOCK_K: tl.constexpr,
):  # fmt: skip
    row = tl.program_id(0) * BLOCK_M + tl.arange(0, BLOCK_M)
    inside = row < rows
    squares_x = tl.load(SQUARES_X + row, mask=inside, other=0.0)
    at_x = X + row.to(tl.int64) * STRIDE_X
    total = tl.zeros((BLOCK_M,), tl.float64)
    begin = tl.program_id(1) * share
    end = tl.minimum(begin + share, columns)
    if SELF:  # pairs below the diagonal are those above it
        begin = tl.maximum(begin, (tl.program_id(0) * BLOCK_M // BLOCK_N) * BLOCK_N)
    for first in range(begin, end, BLOCK_N):
        column = first + tl.arange(0, BLOCK_N)
        before_end = column < end
        at_y = Y + column.to(tl.int64) * STRIDE_Y
        dot = dot_tile(at_x, at_y, inside, before_end, D, UPCAST, PRECISION, BLOCK_M, BLOCK_N, BLOCK_K)
        distance = squares_x[:, None] + tl.load(SQUARES_Y + column, mask=before_end, other=0.0)[None, :] - 2.0 * dot
        distance = tl.where(distance < 0, 0.0, distance)
        kept = inside[:, None] & before_end[None, :]
        if SELF:
            # The pair of a row with itself adds 0, or NaN if it holds one.
            distance = tl.where((row[:, None] == column[None, :]) & (distance == distance), 0.0, distance)
            kept = kept & (column[None, :] >= row[:, None])
        total += tl.sum(tl.where(kept, _exponential_less_one(-factor * distance), 0.0), 1).to(tl.float64)
    tl.store(OUT + tl.program_id(0) * tl.num_programs(1) + tl.program_id(1), tl.sum(total))


def rbf_sum(x: Tensor, y: Tensor, sigma: float, config: dict[str, int] | None = None) -> Tensor:
    """Launch the kernel for the rows of two tensors."""
    return _launch(x, y, sigma, False, config)


def rbf_self_sum(x: Tensor, sigma: float, config: dict[str, int] | None = None) -> Tensor:
    """Launch the kernel for the upper half of the pairs of one tensor, and count it twice."""
    return 2 * _launch(x, x, sigma, True, config)


def _launch(x: Tensor, y: Tensor, sigma: float, alone: bool, config: dict[str, int] | None) -> Tensor:
    x, y = operands(x, y)
    blocks_of = config or cross_config(x.dtype)
    blocks = triton.cdiv(len(x), blocks_of["BLOCK_M"])
    parts, share = shares(len(y), blocks, blocks_of["BLOCK_N"])
    out = torch.zeros(blocks, parts, dtype=torch.float64, device=x.device)
    squares_x = squares(x.float())
    squares_y = squares_x if alone else squares(y.float())
    if len(x) and len(y):
        _rbf_kernel[(blocks, parts)](
            x, y, squares_x, squares_y, out, len(x), len(y), share, 0.5 / sigma**2,
            D=x.shape[1], STRIDE_X=x.stride(0), STRIDE_Y=y.stride(0), SELF=alone,
            UPCAST=needs_upcast(x), PRECISION=dot_precision(x.dtype), **blocks_of,
        )  # fmt: skip
    return out.sum()
