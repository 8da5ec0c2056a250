# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Tiles of products and of cosines, and which rows they are made of."""

from __future__ import annotations

import triton
import triton.language as tl

from imug_kernels.triton_kernels.numerics import any_of, direction_length, leaves_range, power_below

# Elements of each row at a time where rows have to be scaled: the least a dot takes.
RARE_K = tl.constexpr(16)


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
def load_scaled(pointers, mask, power, SCALED: tl.constexpr):
    """Elements [R, K] of rows, times a power of two for each row where SCALED: 16 bits hold the product exactly."""
    x = tl.load(pointers, mask=mask, other=0.0)
    if SCALED:
        x = (x.to(tl.float32) * power[:, None]).to(x.dtype)
    return x


@triton.jit
def dot_tile(
    x_ptrs, y_ptrs, mask_m, mask_n, power_x, power_y, D: tl.constexpr, SCALED: tl.constexpr, UPCAST: tl.constexpr,
    PRECISION: tl.constexpr, BLOCK_M: tl.constexpr, BLOCK_N: tl.constexpr, BLOCK_K: tl.constexpr,
):  # fmt: skip
    """Products [M, N] of the rows that begin at the pointers; equal rows give equal products in every tile."""
    dot = tl.zeros((BLOCK_M, BLOCK_N), tl.float32)
    for k in tl.range(0, D, BLOCK_K, num_stages=1 if SCALED else None):
        d = k + tl.arange(0, BLOCK_K)
        x = load_scaled(x_ptrs[:, None] + d[None, :], mask_m[:, None] & (d < D)[None, :], power_x, SCALED)
        y = load_scaled(y_ptrs[:, None] + d[None, :], mask_n[:, None] & (d < D)[None, :], power_y, SCALED)
        if UPCAST:
            dot = tl.dot(x.to(tl.float32), tl.trans(y.to(tl.float32)), dot, input_precision=PRECISION)
        else:
            dot = tl.dot(x, tl.trans(y), dot, input_precision=PRECISION)
    return dot


@triton.jit
def descriptor_dot(
    x_tiles, y_tiles, first_row, first_column, D: tl.constexpr, UPCAST: tl.constexpr, PRECISION: tl.constexpr,
    BLOCK_M: tl.constexpr, BLOCK_N: tl.constexpr, BLOCK_K: tl.constexpr,
):  # fmt: skip
    """`dot_tile` of consecutive rows, copied by descriptors, a whole tile an instruction; beyond a tensor are zeros."""
    dot = tl.zeros((BLOCK_M, BLOCK_N), tl.float32)
    for k in tl.range(0, D, BLOCK_K):
        x = x_tiles.load([first_row, k])
        y = y_tiles.load([first_column, k])
        if UPCAST:
            dot = tl.dot(x.to(tl.float32), tl.trans(y.to(tl.float32)), dot, input_precision=PRECISION)
        else:
            dot = tl.dot(x, tl.trans(y), dot, input_precision=PRECISION)
    return dot


@triton.jit
def row_powers(x_ptrs, mask, squares, D: tl.constexpr, BLOCK: tl.constexpr, STEP: tl.constexpr):
    """Power of two by which each row has to be multiplied for float32 to hold its squares: 1 for almost all."""
    peak = tl.zeros((BLOCK,), tl.float32)
    for k in tl.range(0, D, STEP, num_stages=1):
        d = k + tl.arange(0, STEP)
        x = tl.load(x_ptrs[:, None] + d[None, :], mask=mask[:, None] & (d < D)[None, :], other=0.0)
        peak = tl.maximum(peak, tl.max(tl.abs(x.to(tl.float32)), 1))
    return tl.where(leaves_range(squares), power_below(peak), 1.0)


@triton.jit
def _squares_tile(
    x_ptrs, y_ptrs, mask_m, mask_n, power_x, power_y,
    D: tl.constexpr, SAME: tl.constexpr, SCALED: tl.constexpr, UPCAST: tl.constexpr, PRECISION: tl.constexpr,
    BLOCK_M: tl.constexpr, BLOCK_N: tl.constexpr, BLOCK_K: tl.constexpr,
):  # fmt: skip
    """Products [M, N] and the sums of squares of the rows on either side."""
    dot = tl.zeros((BLOCK_M, BLOCK_N), tl.float32)
    squares_x = tl.zeros((BLOCK_M,), tl.float32)
    squares_y = tl.zeros((BLOCK_N,), tl.float32)
    for k in tl.range(0, D, BLOCK_K, num_stages=1 if SCALED else None):
        d = k + tl.arange(0, BLOCK_K)
        x = load_scaled(x_ptrs[:, None] + d[None, :], mask_m[:, None] & (d < D)[None, :], power_x, SCALED)
        if SAME:  # a ternary would trace both loads
            y = x
        else:
            y = load_scaled(y_ptrs[:, None] + d[None, :], mask_n[:, None] & (d < D)[None, :], power_y, SCALED)
        wide_x = x.to(tl.float32)
        wide_y = y.to(tl.float32)
        if UPCAST:
            dot = tl.dot(wide_x, tl.trans(wide_y), dot, input_precision=PRECISION)
        else:
            dot = tl.dot(x, tl.trans(y), dot, input_precision=PRECISION)
        squares_x += tl.sum(wide_x * wide_x, 1)
        squares_y += tl.sum(wide_y * wide_y, 1)
    return dot, squares_x, squares_y


@triton.jit
def _cosines(
    dot, squares_x, squares_y, x_ptrs, y_ptrs, mask_m, mask_n, D: tl.constexpr, UPCAST: tl.constexpr,
    PRECISION: tl.constexpr, BLOCK_M: tl.constexpr, BLOCK_N: tl.constexpr,
):  # fmt: skip
    """Cosines [M, N] from products; lengths of the rows on either side, and the powers of two these are made with.

    The length of a row without a direction is NaN.

    Rows whose squares float32 cannot hold are rare: a tile with one, or with a row of zeros, which looks like one, is
    made again of scaled rows. That is done in small steps, so that the registers are those of the common case.
    """
    power_x = tl.full((BLOCK_M,), 1.0, tl.float32)
    power_y = tl.full((BLOCK_N,), 1.0, tl.float32)
    if any_of(mask_m & leaves_range(squares_x)) | any_of(mask_n & leaves_range(squares_y)):
        power_x = row_powers(x_ptrs, mask_m, squares_x, D, BLOCK_M, RARE_K)
        power_y = row_powers(y_ptrs, mask_n, squares_y, D, BLOCK_N, RARE_K)
        dot, squares_x, squares_y = _squares_tile(
            x_ptrs, y_ptrs, mask_m, mask_n, power_x, power_y, D, False, True, UPCAST, PRECISION,
            BLOCK_M, BLOCK_N, RARE_K,
        )  # fmt: skip
    length_x = direction_length(squares_x)
    length_y = direction_length(squares_y)
    return dot / length_x[:, None] / length_y[None, :], length_x, length_y, power_x, power_y


@triton.jit
def cosine_tile(
    X, Y, row_x, row_y, mask_m, mask_n,
    D: tl.constexpr, STRIDE_X: tl.constexpr, STRIDE_Y: tl.constexpr, UPCAST: tl.constexpr, PRECISION: tl.constexpr,
    BLOCK_M: tl.constexpr, BLOCK_N: tl.constexpr, BLOCK_K: tl.constexpr,
):  # fmt: skip
    """Cosines [M, N], and which rows of ``x`` have a direction; those that are masked are not read and have none."""
    x_ptrs = X + row_x.to(tl.int64) * STRIDE_X
    y_ptrs = Y + row_y.to(tl.int64) * STRIDE_Y
    dot, squares_x, squares_y = _squares_tile(
        x_ptrs, y_ptrs, mask_m, mask_n, 1.0, 1.0, D, False, False, UPCAST, PRECISION, BLOCK_M, BLOCK_N, BLOCK_K
    )
    cosine, length_x, _length_y, _power_x, _power_y = _cosines(
        dot, squares_x, squares_y, x_ptrs, y_ptrs, mask_m, mask_n, D, UPCAST, PRECISION, BLOCK_M, BLOCK_N
    )
    return cosine, length_x == length_x


@triton.jit
def segment_tile(
    X, row, column, mask_m, mask_n, is_single,
    D: tl.constexpr, STRIDE: tl.constexpr, UPCAST: tl.constexpr, PRECISION: tl.constexpr,
    BLOCK_M: tl.constexpr, BLOCK_N: tl.constexpr, BLOCK_K: tl.constexpr,
):  # fmt: skip
    """Cosines [M, N] of the rows of segments with each other, and which rows and columns have a direction."""
    cosine, length_x, length_y, _power_x, _power_y = measured_tile(
        X, row, column, mask_m, mask_n, is_single, D, STRIDE, UPCAST, PRECISION, BLOCK_M, BLOCK_N, BLOCK_K
    )
    return cosine, mask_m & (length_x == length_x), mask_n & (length_y == length_y)  # without masks registers spill


@triton.jit
def measured_tile(
    X, row, column, mask_m, mask_n, is_single,
    D: tl.constexpr, STRIDE: tl.constexpr, UPCAST: tl.constexpr, PRECISION: tl.constexpr,
    BLOCK_M: tl.constexpr, BLOCK_N: tl.constexpr, BLOCK_K: tl.constexpr,
):  # fmt: skip
    """Cosines [M, N] of the rows of segments, with lengths and powers as `_cosines` has them.

    Where the columns are the rows, these are read once. Rows that are masked are not read: whatever they hold cannot
    reach another row, and they have no direction.
    """
    x_ptrs = X + row.to(tl.int64) * STRIDE
    y_ptrs = X + column.to(tl.int64) * STRIDE
    if is_single:
        dot, squares_x, squares_y = _squares_tile(
            x_ptrs, x_ptrs, mask_m, mask_m, 1.0, 1.0, D, True, False, UPCAST, PRECISION, BLOCK_M, BLOCK_N, BLOCK_K
        )
    else:
        dot, squares_x, squares_y = _squares_tile(
            x_ptrs, y_ptrs, mask_m, mask_n, 1.0, 1.0, D, False, False, UPCAST, PRECISION, BLOCK_M, BLOCK_N, BLOCK_K
        )
    return _cosines(dot, squares_x, squares_y, x_ptrs, y_ptrs, mask_m, mask_n, D, UPCAST, PRECISION, BLOCK_M, BLOCK_N)


@triton.jit
def store_field(out, rows, values, mask):
    """Store one field of every row; returns where the next field of them lies."""
    tl.store(out, values, mask=mask)
    return out + rows
