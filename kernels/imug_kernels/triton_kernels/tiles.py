# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Tiles of cosines between the rows of one segment, and the table that deals them to programs."""

from __future__ import annotations

import torch
import triton
import triton.language as tl
from torch import Tensor

from imug_kernels.triton_kernels.numerics import bounded_length


@triton.jit
def usable_rows(VALID, row, end, HAS_VALID: tl.constexpr):
    """Which rows lie in the segment and are valid."""
    usable = row < end
    if HAS_VALID:
        usable = usable & (tl.load(VALID + row, mask=usable, other=0) != 0)
    return usable


@triton.jit
def cosine_tile(
    X, Y, row_x, row_y, usable_x, usable_y, eps,
    D: tl.constexpr, STRIDE_X: tl.constexpr, STRIDE_Y: tl.constexpr, SAME: tl.constexpr,
    UPCAST: tl.constexpr, PRECISION: tl.constexpr,
    BLOCK_M: tl.constexpr, BLOCK_N: tl.constexpr, BLOCK_K: tl.constexpr,
):  # fmt: skip
    """Cosines [M, N]; with SAME the rows of X are their own columns and are read once.

    Rows that are not usable are not read: whatever they hold cannot reach another row.
    """
    dot = tl.zeros((BLOCK_M, BLOCK_N), tl.float32)
    squares_x = tl.zeros((BLOCK_M,), tl.float32)
    squares_y = tl.zeros((BLOCK_N,), tl.float32)
    at_x = X + row_x.to(tl.int64)[:, None] * STRIDE_X
    at_y = Y + row_y.to(tl.int64)[:, None] * STRIDE_Y
    for k in range(0, D, BLOCK_K):
        d = k + tl.arange(0, BLOCK_K)
        x = tl.load(at_x + d[None, :], mask=usable_x[:, None] & (d < D)[None, :], other=0.0)
        if SAME:  # noqa: SIM108  a ternary would trace both loads
            y = x
        else:
            y = tl.load(at_y + d[None, :], mask=usable_y[:, None] & (d < D)[None, :], other=0.0)
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
    X, row, column, usable, usable_column, length, eps,
    D: tl.constexpr, STRIDE: tl.constexpr, UPCAST: tl.constexpr, PRECISION: tl.constexpr,
    BLOCK_M: tl.constexpr, BLOCK_N: tl.constexpr, BLOCK_K: tl.constexpr,
):  # fmt: skip
    """Cosines [M, N] of a segment's rows with each other; one that fits into a block is read once."""
    if length <= BLOCK_M:
        cosine = cosine_tile(
            X, X, row, row, usable, usable, eps, D, STRIDE, STRIDE, True, UPCAST, PRECISION, BLOCK_M, BLOCK_N, BLOCK_K
        )
    else:
        cosine = cosine_tile(
            X, X, row, column, usable, usable_column, eps, D, STRIDE, STRIDE, False, UPCAST, PRECISION,
            BLOCK_M, BLOCK_N, BLOCK_K,
        )  # fmt: skip
    return cosine


def tile_config(rows: int, segments: int, dtype: torch.dtype) -> dict[str, int]:
    """Block sizes for segments of the mean length; none of them spills registers on capability 8.0, 9.0 or 10.0.

    The longest segment would be the better guide, but to know it is to wait for the device.
    """
    mean, wide = rows / max(segments, 1), dtype == torch.float32
    if mean <= 12:
        return _blocks(16, 64 if wide else 128, warps=4, stages=3)
    if mean <= 28:
        return _blocks(32, 32 if wide else 128, warps=4, stages=3)
    return _blocks(64, 16 if wide else 64, warps=8, stages=3)


def _blocks(edge: int, depth: int, warps: int, stages: int) -> dict[str, int]:
    return {"BLOCK_M": edge, "BLOCK_N": edge, "BLOCK_K": depth, "num_warps": warps, "num_stages": stages}


def block_table(offsets: Tensor, block: int, rows: int) -> tuple[Tensor, Tensor, Tensor]:
    """Return segment and first row of every block of at most ``block`` rows, and where each segment's blocks begin.

    The table is as long as the shapes allow it to become, with segment -1 where nothing is left to do: its true
    length is known to the device only, and asking would wait for it.
    """
    segments = len(offsets) - 1
    counts = (offsets[1:] - offsets[:-1] + block - 1) // block
    begins = torch.cat([counts.new_zeros(1), counts.cumsum(0)])
    place = torch.arange(rows // block + segments, device=offsets.device)
    segment = torch.searchsorted(begins[1:], place, right=True)
    inside = segment.clamp(max=segments - 1)
    start = offsets[inside] + (place - begins[inside]) * block
    return torch.where(segment < segments, segment, -1), start, begins
