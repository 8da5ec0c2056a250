# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Cosine of row pairs: one program for a few pairs, one read of each of their rows."""

from __future__ import annotations

import torch
import triton
import triton.language as tl
from torch import Tensor

from imug_kernels.triton_kernels.numerics import adjacent, any_of, direction_length, leaves_range
from imug_kernels.triton_kernels.settings import row_blocks
from imug_kernels.triton_kernels.tiles import load_scaled, row_powers


@triton.jit
def _products(
    x_ptrs, y_ptrs, exists, power_x, power_y, D: tl.constexpr, SCALED: tl.constexpr,
    BLOCK_R: tl.constexpr, BLOCK_D: tl.constexpr,
):  # fmt: skip
    """Product of each pair and sums of squares of its rows."""
    dot = tl.zeros((BLOCK_R,), tl.float32)
    squares_x = tl.zeros((BLOCK_R,), tl.float32)
    squares_y = tl.zeros((BLOCK_R,), tl.float32)
    for k in range(0, D, BLOCK_D):
        d = k + tl.arange(0, BLOCK_D)
        mask = exists[:, None] & (d < D)[None, :]
        x = load_scaled(x_ptrs[:, None] + d[None, :], mask, power_x, SCALED).to(tl.float32)
        y = load_scaled(y_ptrs[:, None] + d[None, :], mask, power_y, SCALED).to(tl.float32)
        dot += tl.sum(x * y, 1)
        squares_x += tl.sum(x * x, 1)
        squares_y += tl.sum(y * y, 1)
    return dot, squares_x, squares_y


@triton.jit
def pair_products(
    X, Y, IX, IY, pairs, rows_x, rows_y,
    D: tl.constexpr, STRIDE_X: tl.constexpr, STRIDE_Y: tl.constexpr, HAS_IX: tl.constexpr, HAS_IY: tl.constexpr,
    BLOCK_R: tl.constexpr, BLOCK_D: tl.constexpr,
):  # fmt: skip
    """A program's pairs and which of them exist, pointers to their rows, their products and their sums of squares.

    Products are of rows times the powers of two that are returned with them: 1 for almost all.
    """
    pair = tl.program_id(0).to(tl.int64) * BLOCK_R + tl.arange(0, BLOCK_R)
    inside = pair < pairs
    row_x = pair
    row_y = pair
    if HAS_IX:
        row_x = tl.load(IX + pair, mask=inside, other=-1).to(tl.int64)
    if HAS_IY:
        row_y = tl.load(IY + pair, mask=inside, other=-1).to(tl.int64)
    # Row numbers are not checked on a device, so one out of range must not become a wild read.
    exists = inside & (row_x >= 0) & (row_y >= 0) & (row_x < rows_x) & (row_y < rows_y)
    x_ptrs = X + tl.where(exists, row_x, 0) * STRIDE_X
    y_ptrs = Y + tl.where(exists, row_y, 0) * STRIDE_Y
    power_x = tl.full((BLOCK_R,), 1.0, tl.float32)
    power_y = tl.full((BLOCK_R,), 1.0, tl.float32)
    dot, squares_x, squares_y = _products(x_ptrs, y_ptrs, exists, 1.0, 1.0, D, False, BLOCK_R, BLOCK_D)
    if any_of(exists & (leaves_range(squares_x) | leaves_range(squares_y))):
        RARE_STEP: tl.constexpr = BLOCK_D // 4 if BLOCK_D > 64 else BLOCK_D
        power_x = row_powers(x_ptrs, exists, squares_x, D, BLOCK_R, RARE_STEP)
        power_y = row_powers(y_ptrs, exists, squares_y, D, BLOCK_R, RARE_STEP)
        dot, squares_x, squares_y = _products(x_ptrs, y_ptrs, exists, power_x, power_y, D, True, BLOCK_R, RARE_STEP)
    return pair, exists, x_ptrs, y_ptrs, power_x, power_y, dot, squares_x, squares_y


@triton.jit
def _paired_cosine_kernel(
    X, Y, IX, IY, OUT, pairs, rows_x, rows_y,
    D: tl.constexpr, STRIDE_X: tl.constexpr, STRIDE_Y: tl.constexpr, scale, floor,
    HAS_IX: tl.constexpr, HAS_IY: tl.constexpr,
    BLOCK_R: tl.constexpr, BLOCK_D: tl.constexpr,
):  # fmt: skip
    pair, exists, _x_ptrs, _y_ptrs, _power_x, _power_y, dot, squares_x, squares_y = pair_products(
        X, Y, IX, IY, pairs, rows_x, rows_y, D, STRIDE_X, STRIDE_Y, HAS_IX, HAS_IY, BLOCK_R, BLOCK_D
    )
    cosine = dot / direction_length(squares_x) / direction_length(squares_y)
    cosine = tl.where(cosine < floor, floor, cosine)  # a comparison with NaN is false, so NaN stays
    tl.store(OUT + pair, tl.where(exists, cosine * scale, float("nan")), mask=pair < pairs)


def paired_cosine(
    x: Tensor, y: Tensor, ix: Tensor | None, iy: Tensor | None, scale: float, floor: float | None
) -> Tensor:
    """Return the scaled cosine of every pair, float32 ``[R]``."""
    pairs = len(x if ix is None else ix)
    out = torch.empty(pairs, dtype=torch.float32, device=x.device)
    if pairs == 0 or len(x) == 0 or len(y) == 0:
        return out.fill_(torch.nan)
    x, y, blocks = adjacent(x), adjacent(y), row_blocks(x.shape[1])
    _paired_cosine_kernel[(triton.cdiv(pairs, blocks["BLOCK_R"]),)](
        x, y, ix, iy, out, pairs, len(x), len(y), x.shape[1], x.stride(0), y.stride(0),
        scale, float("-inf") if floor is None else floor,
        HAS_IX=ix is not None, HAS_IY=iy is not None, **blocks,
    )  # fmt: skip
    return out
