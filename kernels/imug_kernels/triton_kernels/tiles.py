# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Tiles of products and of cosines, and which rows they are made of."""

from __future__ import annotations

import triton
import triton.language as tl

from imug_kernels.triton_kernels.numerics import bounded_length


@triton.jit
def segment_bounds(OFFSETS, segment):
    """First row of a segment, and the first after it."""
    return tl.load(OFFSETS + segment), tl.load(OFFSETS + segment + 1)


@triton.jit
def valid_rows(VALID, row, end, HAS_VALID: tl.constexpr):
    """Which rows lie in the segment and are valid."""
    mask = row < end
    if HAS_VALID:
        mask = mask & (tl.load(VALID + row, mask=mask, other=0) != 0)
    return mask


@triton.jit
def segment_rows(VALID, start, first, end, HAS_VALID: tl.constexpr, BLOCK: tl.constexpr):
    """Packed numbers of the rows from ``start``, their numbers within the segment, and which of them are valid."""
    row = start + tl.arange(0, BLOCK)
    local = (row - first).to(tl.int32)  # 32 bits halve the registers of what is compared by tile
    return row, local, valid_rows(VALID, row, end, HAS_VALID)


@triton.jit
def dot_tile(
    x_ptrs, y_ptrs, mask_m, mask_n, D: tl.constexpr, UPCAST: tl.constexpr, PRECISION: tl.constexpr,
    BLOCK_M: tl.constexpr, BLOCK_N: tl.constexpr, BLOCK_K: tl.constexpr,
):  # fmt: skip
    """Products [M, N] of the rows that begin at the pointers; equal rows give equal products in every tile."""
    dot = tl.zeros((BLOCK_M, BLOCK_N), tl.float32)
    for k in range(0, D, BLOCK_K):
        d = k + tl.arange(0, BLOCK_K)
        x = tl.load(x_ptrs[:, None] + d[None, :], mask=mask_m[:, None] & (d < D)[None, :], other=0.0)
        y = tl.load(y_ptrs[:, None] + d[None, :], mask=mask_n[:, None] & (d < D)[None, :], other=0.0)
        if UPCAST:
            dot = tl.dot(x.to(tl.float32), tl.trans(y.to(tl.float32)), dot, input_precision=PRECISION)
        else:
            dot = tl.dot(x, tl.trans(y), dot, input_precision=PRECISION)
    return dot


@triton.jit
def cosine_tile(
    X, Y, row_x, row_y, mask_m, mask_n, eps,
    D: tl.constexpr, STRIDE_X: tl.constexpr, STRIDE_Y: tl.constexpr, SAME: tl.constexpr,
    UPCAST: tl.constexpr, PRECISION: tl.constexpr,
    BLOCK_M: tl.constexpr, BLOCK_N: tl.constexpr, BLOCK_K: tl.constexpr,
):  # fmt: skip
    """Cosines [M, N]; with SAME the rows of X are their own columns and are read once.

    Rows that are masked are not read: whatever they hold cannot reach another row.
    """
    dot = tl.zeros((BLOCK_M, BLOCK_N), tl.float32)
    squares_x = tl.zeros((BLOCK_M,), tl.float32)
    squares_y = tl.zeros((BLOCK_N,), tl.float32)
    x_ptrs = X + row_x.to(tl.int64)[:, None] * STRIDE_X
    y_ptrs = Y + row_y.to(tl.int64)[:, None] * STRIDE_Y
    for k in range(0, D, BLOCK_K):
        d = k + tl.arange(0, BLOCK_K)
        x = tl.load(x_ptrs + d[None, :], mask=mask_m[:, None] & (d < D)[None, :], other=0.0)
        if SAME:  # noqa: SIM108  a ternary would trace both loads
            y = x
        else:
            y = tl.load(y_ptrs + d[None, :], mask=mask_n[:, None] & (d < D)[None, :], other=0.0)
        wide_x = x.to(tl.float32)
        wide_y = y.to(tl.float32)
        if UPCAST:
            dot = tl.dot(wide_x, tl.trans(wide_y), dot, input_precision=PRECISION)
        else:
            dot = tl.dot(x, tl.trans(y), dot, input_precision=PRECISION)
        squares_x += tl.sum(wide_x * wide_x, 1)
        squares_y += tl.sum(wide_y * wide_y, 1)
    return dot / bounded_length(squares_x, eps)[:, None] / bounded_length(squares_y, eps)[None, :]


@triton.jit
def segment_tile(
    X, row, column, mask_m, mask_n, length, eps,
    D: tl.constexpr, STRIDE: tl.constexpr, UPCAST: tl.constexpr, PRECISION: tl.constexpr,
    BLOCK_M: tl.constexpr, BLOCK_N: tl.constexpr, BLOCK_K: tl.constexpr,
):  # fmt: skip
    """Cosines [M, N] of a segment's rows with each other; one that fits into a block is read once."""
    if length <= BLOCK_M:
        cosine = cosine_tile(
            X, X, row, row, mask_m, mask_m, eps, D, STRIDE, STRIDE, True, UPCAST, PRECISION, BLOCK_M, BLOCK_N, BLOCK_K
        )
    else:
        cosine = cosine_tile(
            X, X, row, column, mask_m, mask_n, eps, D, STRIDE, STRIDE, False, UPCAST, PRECISION,
            BLOCK_M, BLOCK_N, BLOCK_K,
        )  # fmt: skip
    return cosine


@triton.jit
def store_field(out, rows, values, mask):
    """Store one field of every row; returns where the next field of them lies."""
    tl.store(out, values, mask=mask)
    return out + rows
