# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Sums of a segment's columns, about their means and by position, by one program in float64.

A program goes through its segment once for the sums, twice for what is about means, and once for each position. A
segment is a dialogue of some dozen rows: after the first time they come from a cache.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
import triton
import triton.language as tl
from torch import Tensor

from imug_kernels.triton_kernels.settings import segment_values
from imug_kernels.triton_kernels.tiles import segment_bounds, valid_rows


@triton.jit
def _values_tile(VALUES, VALID, row, end, column, mask_n, width, HAS_VALID: tl.constexpr):
    """Values [R, W] of valid rows, and which of them are numbers."""
    mask_m = valid_rows(VALID, row, end, HAS_VALID)
    value_ptrs = VALUES + (row[:, None] * width + column[None, :])
    value = tl.load(value_ptrs, mask=mask_m[:, None] & mask_n[None, :], other=float("nan")).to(tl.float64)
    return value, value == value


@triton.jit
def _sums(
    VALUES, POSITIONS, VALID, first, end, column, mask_n, width, point,
    HAS_VALID: tl.constexpr, BLOCK_R: tl.constexpr, BLOCK_W: tl.constexpr,
):  # fmt: skip
    """Sum and number [W] of the values at a position, or at point 0 of all."""
    total = tl.zeros((BLOCK_W,), tl.float64)
    count = tl.zeros((BLOCK_W,), tl.float64)
    for start in range(first, end, BLOCK_R):
        row = start + tl.arange(0, BLOCK_R)
        value, known = _values_tile(VALUES, VALID, row, end, column, mask_n, width, HAS_VALID)
        position = tl.load(POSITIONS + row, mask=row < end, other=0)
        known = known & ((point == 0) | (position == point))[:, None]
        total += tl.sum(tl.where(known, value, 0.0), 0)
        count += tl.sum(tl.where(known, 1.0, 0.0), 0)
    return total, count


@triton.jit
def _pairs_tile(
    VALUES, POSITIONS, OVER, VALID, row, end, column, mask_n, width, slopes,
    HAS_OVER: tl.constexpr, HAS_VALID: tl.constexpr,
):  # fmt: skip
    """Abscissas x and values y [R, W], and where both are numbers."""
    y, known = _values_tile(VALUES, VALID, row, end, column, mask_n, width, HAS_VALID)
    if HAS_OVER:
        x = tl.load(OVER + (row[:, None] * slopes + column[None, :]), mask=known, other=0.0).to(tl.float64)
    else:
        x = tl.load(POSITIONS + row, mask=row < end, other=0)[:, None]
    return x, y, known & (x == x)


@triton.jit
def _about_means(
    VALUES, POSITIONS, OVER, VALID, first, end, column, mask_n, width, slopes,
    HAS_OVER: tl.constexpr, HAS_VALID: tl.constexpr, BLOCK_R: tl.constexpr, BLOCK_W: tl.constexpr,
):  # fmt: skip
    """Sums [W] of products and of squares about the means, from what is left of x and y above their least.

    What is equal throughout is 0 then, and positions lose nothing: they become float64 when they are small.
    """
    BEYOND: tl.constexpr = float("inf") if HAS_OVER else 2**63 - 1
    least_x = tl.full((BLOCK_W,), BEYOND, tl.float64 if HAS_OVER else tl.int64)
    least_y = tl.full((BLOCK_W,), float("inf"), tl.float64)
    for start in range(first, end, BLOCK_R):
        row = start + tl.arange(0, BLOCK_R)
        x, y, pair = _pairs_tile(
            VALUES, POSITIONS, OVER, VALID, row, end, column, mask_n, width, slopes, HAS_OVER, HAS_VALID
        )
        least_x = tl.minimum(least_x, tl.min(tl.where(pair, x, BEYOND), 0))
        least_y = tl.minimum(least_y, tl.min(tl.where(pair, y, float("inf")), 0))
    count = tl.zeros((BLOCK_W,), tl.float64)
    of_x = tl.zeros((BLOCK_W,), tl.float64)
    of_y = tl.zeros((BLOCK_W,), tl.float64)
    products = tl.zeros((BLOCK_W,), tl.float64)
    squares = tl.zeros((BLOCK_W,), tl.float64)
    for start in range(first, end, BLOCK_R):
        row = start + tl.arange(0, BLOCK_R)
        x, y, pair = _pairs_tile(
            VALUES, POSITIONS, OVER, VALID, row, end, column, mask_n, width, slopes, HAS_OVER, HAS_VALID
        )
        x = tl.where(pair, (x - least_x[None, :]).to(tl.float64), 0.0)
        y = tl.where(pair, y - least_y[None, :], 0.0)
        count += tl.sum(tl.where(pair, 1.0, 0.0), 0)
        of_x += tl.sum(x, 0)
        of_y += tl.sum(y, 0)
        products += tl.sum(x * y, 0)
        squares += tl.sum(x * x, 0)
    mean = of_x / tl.maximum(count, 1.0)
    return products - mean * of_y, squares - mean * of_x


@triton.jit
def _coverage(
    VALUES, VALID, PRESENT, EXPECTED, first, end, width, coverage,
    HAS_VALID: tl.constexpr, HAS_PRESENT: tl.constexpr, HAS_EXPECTED: tl.constexpr, BLOCK_R: tl.constexpr,
):  # fmt: skip
    """How many rows have a value in the column and are present, and how many have one or are expected to."""
    covered = tl.zeros((BLOCK_R,), tl.float64)
    due = tl.zeros((BLOCK_R,), tl.float64)
    for start in range(first, end, BLOCK_R):
        row = start + tl.arange(0, BLOCK_R)
        mask = valid_rows(VALID, row, end, HAS_VALID)
        value = tl.load(VALUES + (row * width + coverage), mask=mask, other=float("nan"))
        scored = value == value
        covered += tl.where(scored & valid_rows(PRESENT, row, end, HAS_PRESENT), 1.0, 0.0)
        due += tl.where(scored | (mask & valid_rows(EXPECTED, row, end, HAS_EXPECTED)), 1.0, 0.0)
    return tl.sum(covered), tl.sum(due)


@triton.jit
def _segment_moments_kernel(
    VALUES, OFFSETS, POSITIONS, OVER, VALID, PRESENT, EXPECTED, OUT,
    width, slopes, first_curve, curves, points, coverage, fields,
    HAS_OVER: tl.constexpr, HAS_VALID: tl.constexpr, HAS_PRESENT: tl.constexpr, HAS_EXPECTED: tl.constexpr,
    BLOCK_R: tl.constexpr, BLOCK_W: tl.constexpr,
):  # fmt: skip
    # All programs lie on one axis of the grid: the others end at 65,535.
    across = tl.cdiv(width, BLOCK_W)
    segment = (tl.program_id(0) // across).to(tl.int64)
    first, end = segment_bounds(OFFSETS, segment)
    column = tl.program_id(0) % across * BLOCK_W + tl.arange(0, BLOCK_W)
    out = OUT + segment * fields
    mask_n = column < width
    total, count = _sums(
        VALUES, POSITIONS, VALID, first, end, column, mask_n, width, 0, HAS_VALID, BLOCK_R, BLOCK_W
    )  # fmt: skip
    tl.store(out + column, total, mask=mask_n)
    tl.store(out + width + column, count, mask=mask_n)
    out += 2 * width
    if slopes > 0:
        mask_n = column < slopes
        products, squares = _about_means(
            VALUES, POSITIONS, OVER, VALID, first, end, column, mask_n, width, slopes,
            HAS_OVER, HAS_VALID, BLOCK_R, BLOCK_W,
        )  # fmt: skip
        tl.store(out + column, products, mask=mask_n)
        tl.store(out + slopes + column, squares, mask=mask_n)
    out += 2 * slopes
    if tl.program_id(0) % across == 0:
        covered, due = _coverage(
            VALUES, VALID, PRESENT, EXPECTED, first, end, width, coverage,
            HAS_VALID, HAS_PRESENT, HAS_EXPECTED, BLOCK_R,
        )  # fmt: skip
        tl.store(out, covered)
        tl.store(out + 1, due)
    out += 2
    mask_n = (column >= first_curve) & (column < first_curve + curves)
    for point in range(1, points + 1):
        total, count = _sums(
            VALUES, POSITIONS, VALID, first, end, column, mask_n, width, point, HAS_VALID, BLOCK_R, BLOCK_W
        )
        tl.store(out + (column - first_curve), total, mask=mask_n)
        tl.store(out + curves + (column - first_curve), count, mask=mask_n)
        out += 2 * curves


def segment_moments(
    values: Tensor,
    offsets: Tensor,
    positions: Tensor,
    over: Tensor | None,
    valid: Tensor | None,
    present: Tensor | None,
    expected: Tensor | None,
    slopes: int,
    curves: Sequence[int],
    points: int,
    coverage: int,
) -> Tensor:
    """Return ``[S, 2 W + 2 K + 2 + 2 C points]``, float64, as `imug_kernels.segment_moments` has them side by side."""
    segments, width, (first_curve, end) = len(offsets) - 1, values.shape[1], curves
    fields = 2 * (width + slopes + 1 + (end - first_curve) * points)
    out = torch.empty(segments, fields, dtype=torch.float64, device=values.device)
    if segments == 0:
        return out
    blocks = segment_values(width)
    _segment_moments_kernel[(segments * triton.cdiv(width, blocks["BLOCK_W"]),)](
        _single_or_double(values), offsets, positions, None if over is None else _single_or_double(over),
        valid, present, expected, out, width, slopes, first_curve, end - first_curve, points, coverage, fields,
        HAS_OVER=over is not None, HAS_VALID=valid is not None, HAS_PRESENT=present is not None,
        HAS_EXPECTED=expected is not None, **blocks,
    )  # fmt: skip
    return out


def _single_or_double(table: Tensor) -> Tensor:
    """Rows without gaps, in a precision that every kernel reads alike."""
    return (table if table.dtype in (torch.float32, torch.float64) else table.to(torch.float64)).contiguous()
