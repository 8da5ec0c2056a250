# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Cosines between all rows of two tensors, reduced while a tile of them is in registers.

A program owns a block of rows of X and meets one split of the rows of Y; PyTorch merges the splits. Everything but the
counts of the histograms is written by one program alone, and integer counts do not depend on the order they come in.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
import triton
import triton.language as tl
from torch import Tensor

from imug_kernels.tolerances import TIE
from imug_kernels.triton_kernels import settings
from imug_kernels.triton_kernels.descriptors import all_pairs
from imug_kernels.triton_kernels.numerics import (
    any_of,
    clamp,
    direction_length,
    dot_operands,
    dot_precision,
    leaves_range,
    needs_upcast,
)
from imug_kernels.triton_kernels.tiles import RARE_K, descriptor_dot, dot_tile, load_scaled, row_powers, store_field
from imug_kernels.triton_kernels.top_k import merge_splits, merge_top_k

# How many largest cosines a row leave room for wide tiles in registers.
_FEW = 16


@triton.jit
def _squares(x_ptrs, mask, power, D: tl.constexpr, SCALED: tl.constexpr, BLOCK_R: tl.constexpr, BLOCK_D: tl.constexpr):
    squares = tl.zeros((BLOCK_R,), tl.float32)
    for k in range(0, D, BLOCK_D):
        d = k + tl.arange(0, BLOCK_D)
        x = load_scaled(x_ptrs[:, None] + d[None, :], mask[:, None] & (d < D)[None, :], power, SCALED).to(tl.float32)
        squares += tl.sum(x * x, 1)
    return squares


@triton.jit
def _scales_kernel(
    X, OUT, rows, D: tl.constexpr, STRIDE: tl.constexpr,
    BLOCK_R: tl.constexpr, BLOCK_D: tl.constexpr,
):  # fmt: skip
    row = tl.program_id(0).to(tl.int64) * BLOCK_R + tl.arange(0, BLOCK_R)
    mask = row < rows
    x_ptrs = X + row * STRIDE
    squares = _squares(x_ptrs, mask, 1.0, D, False, BLOCK_R, BLOCK_D)
    power = tl.full((BLOCK_R,), 1.0, tl.float32)
    if any_of(mask & leaves_range(squares)):
        RARE_STEP: tl.constexpr = BLOCK_D // 4 if BLOCK_D > 64 else BLOCK_D
        power = row_powers(x_ptrs, mask, squares, D, BLOCK_R, RARE_STEP)
        squares = _squares(x_ptrs, mask, power, D, True, BLOCK_R, RARE_STEP)
    out = store_field(OUT + row, rows, 1.0 / direction_length(squares), mask)
    store_field(out, rows, power, mask)


@triton.jit
def _scaled_tile(
    x_ptrs, y_ptrs, x_tiles, y_tiles, first_row, first_column, SCALES_X, SCALES_Y, row, column, rows, columns,
    mask_m, mask_n, D: tl.constexpr, UPCAST: tl.constexpr, PRECISION: tl.constexpr, DESCRIPTORS: tl.constexpr,
    BLOCK_M: tl.constexpr, BLOCK_N: tl.constexpr, BLOCK_K: tl.constexpr,
):  # fmt: skip
    """Cosines [M, N] of rows that begin at the pointers, from the inverse lengths and powers of two of `scales`.

    With DESCRIPTORS the rows are those from ``first_row`` and ``first_column`` on, and are copied a tile at a time.
    """
    power_x = tl.load(SCALES_X + rows + row, mask=mask_m, other=1.0)
    power_y = tl.load(SCALES_Y + columns + column, mask=mask_n, other=1.0)
    if any_of(power_x != 1.0) | any_of(power_y != 1.0):
        dot = dot_tile(
            x_ptrs, y_ptrs, mask_m, mask_n, power_x, power_y, D, True, UPCAST, PRECISION, BLOCK_M, BLOCK_N, RARE_K
        )
    elif DESCRIPTORS:
        dot = descriptor_dot(x_tiles, y_tiles, first_row, first_column, D, UPCAST, PRECISION, BLOCK_M, BLOCK_N, BLOCK_K)
    else:
        dot = dot_tile(x_ptrs, y_ptrs, mask_m, mask_n, 1.0, 1.0, D, False, UPCAST, PRECISION, BLOCK_M, BLOCK_N, BLOCK_K)
    inverse_x = tl.load(SCALES_X + row, mask=mask_m, other=0.0)
    inverse_y = tl.load(SCALES_Y + column, mask=mask_n, other=0.0)
    return dot * (inverse_x[:, None] * inverse_y[None, :])


@triton.jit
def _positive_kernel(
    X, Y, SCALES_X, SCALES_Y, POSITIVE, OUT, rows, columns,
    D: tl.constexpr, STRIDE_X: tl.constexpr, STRIDE_Y: tl.constexpr, UPCAST: tl.constexpr, PRECISION: tl.constexpr,
    BLOCK_M: tl.constexpr, BLOCK_K: tl.constexpr,
):  # fmt: skip
    """Cosine of each row with its positive, by the arithmetic of the main kernel: the diagonal of a tile."""
    row = tl.program_id(0) * BLOCK_M + tl.arange(0, BLOCK_M)
    mask_m = row < rows
    positive = tl.load(POSITIVE + row, mask=mask_m, other=-1).to(tl.int64)
    # Row numbers are not checked on a device, so one out of range must not become a wild read.
    exists = mask_m & (positive >= 0) & (positive < columns)
    positive = tl.where(exists, positive, 0)
    x_ptrs = X + row.to(tl.int64) * STRIDE_X
    y_ptrs = Y + positive * STRIDE_Y
    cosine = _scaled_tile(
        x_ptrs, y_ptrs, None, None, None, None, SCALES_X, SCALES_Y, row, positive, rows, columns, mask_m, exists,
        D, UPCAST, PRECISION, False, BLOCK_M, BLOCK_M, BLOCK_K,
    )  # fmt: skip
    local = tl.arange(0, BLOCK_M)
    own = tl.sum(tl.where(local[:, None] == local[None, :], cosine, 0.0), 1)
    tl.store(OUT + row, tl.where(exists, own, float("nan")), mask=mask_m)


@triton.jit
def _add_exponentials(highest, total, scaled, mask):
    """Running maximum and sum of exponentials [M] after a tile of scaled cosines [M, N]; NaN stays in the sum."""
    values = tl.where(mask, scaled, float("-inf"))
    higher = tl.maximum(highest, tl.max(tl.where(values == values, values, float("-inf")), 1))
    base = tl.where(higher == float("-inf"), 0.0, higher)
    return higher, total * tl.exp(highest - base) + tl.sum(tl.exp(values - base[:, None]), 1)


@triton.jit
def _bin_counts(cosine, same_group, mask, BINS: tl.constexpr, PADDED_BINS: tl.constexpr, SIZE: tl.constexpr):
    """Histogram [2 * PADDED_BINS] of the known pairs: those of one group, then the others."""
    bin_of = ((clamp(cosine, -1.0, 1.0) + 1.0) * (0.5 * BINS)).to(tl.int32)
    bin_of = tl.minimum(tl.maximum(bin_of, 0), BINS - 1)
    bin_of = tl.where(same_group, bin_of, bin_of + PADDED_BINS)
    known = mask & (cosine == cosine)
    return tl.histogram(tl.reshape(bin_of, (SIZE,)), 2 * PADDED_BINS, mask=tl.reshape(known, (SIZE,)))


@triton.jit
def _cross_kernel(
    X, Y, X_TILES, Y_TILES, SCALES_X, SCALES_Y, POSITIVE, OWN, GROUP_X, GROUP_Y,
    VALUES, INDICES, GREATER, EQUAL, HIGHEST, TOTAL, HISTOGRAM,
    rows, columns, split_size, scale, tie,
    D: tl.constexpr, STRIDE_X: tl.constexpr, STRIDE_Y: tl.constexpr,
    K: tl.constexpr, RANK: tl.constexpr, LSE: tl.constexpr, BINS: tl.constexpr, PADDED_BINS: tl.constexpr,
    EXCLUDE_SELF: tl.constexpr, EXCLUDE_SAME_GROUP: tl.constexpr, UPCAST: tl.constexpr, PRECISION: tl.constexpr,
    DESCRIPTORS: tl.constexpr, BLOCK_M: tl.constexpr, BLOCK_N: tl.constexpr, BLOCK_K: tl.constexpr,
):  # fmt: skip
    row = tl.program_id(0) * BLOCK_M + tl.arange(0, BLOCK_M)
    mask_m = row < rows
    out = tl.program_id(1).to(tl.int64) * rows + row
    x_ptrs = X + row.to(tl.int64) * STRIDE_X
    if K > 0:
        slot = tl.arange(0, K)
        values = tl.full((BLOCK_M, K), float("-inf"), tl.float32)
        indices = tl.zeros((BLOCK_M, K), tl.int32) - 1 - slot[None, :]
    if RANK:
        # 32 bits halve the registers of what is compared by tile. A number that is no row's may be cut to one that is:
        # its cosine is NaN, and counts nothing.
        positive = tl.load(POSITIVE + row, mask=mask_m, other=-1).to(tl.int32)
        own = tl.load(OWN + row, mask=mask_m, other=float("nan"))
        greater = tl.zeros((BLOCK_M,), tl.int32)
        equal = tl.zeros((BLOCK_M,), tl.int32)
    if LSE:
        highest = tl.full((BLOCK_M,), float("-inf"), tl.float32)
        total = tl.zeros((BLOCK_M,), tl.float32)
    if BINS > 0:
        counts = tl.zeros((2 * PADDED_BINS,), tl.int32)
    if EXCLUDE_SAME_GROUP or BINS > 0:
        group_x = tl.load(GROUP_X + row, mask=mask_m, other=0)
    begin = tl.program_id(1) * split_size
    end = tl.minimum(begin + split_size, columns)
    for first in tl.range(begin, end, BLOCK_N, disable_licm=True):
        column = first + tl.arange(0, BLOCK_N)
        mask_n = column < end
        y_ptrs = Y + column.to(tl.int64) * STRIDE_Y
        cosine = _scaled_tile(
            x_ptrs, y_ptrs, X_TILES, Y_TILES, tl.program_id(0) * BLOCK_M, first, SCALES_X, SCALES_Y, row, column,
            rows, columns, mask_m, mask_n, D, UPCAST, PRECISION, DESCRIPTORS, BLOCK_M, BLOCK_N, BLOCK_K,
        )  # fmt: skip
        mask = mask_m[:, None] & mask_n[None, :]
        if EXCLUDE_SELF:
            mask = mask & (row[:, None] != column[None, :])
        if EXCLUDE_SAME_GROUP or BINS > 0:
            group_y = tl.load(GROUP_Y + column, mask=mask_n, other=0)
            same_group = group_x[:, None] == group_y[None, :]
            if EXCLUDE_SAME_GROUP:
                mask = mask & (same_group == 0)
        if RANK:
            other = mask & (column[None, :] != positive[:, None])
            ahead = cosine - own[:, None]
            # Both counts of a tile, of at most 256 columns, in one number: one reduction, and half the registers.
            level = tl.where(ahead > tie, 1 << 16, tl.where(ahead >= -tie, 1, 0))
            found = tl.sum(tl.where(other, level, 0), 1)
            greater += found >> 16
            equal += found & 0xFFFF
        if BINS > 0:
            counts += _bin_counts(cosine, same_group, mask, BINS, PADDED_BINS, BLOCK_M * BLOCK_N)
        if LSE:
            highest, total = _add_exponentials(highest, total, cosine * scale, mask)
        if K > 0:
            values, indices = merge_top_k(values, indices, cosine, mask & (cosine == cosine), first, BLOCK_N)
    if K > 0:
        tl.store(VALUES + out[:, None] * K + slot[None, :], values, mask=mask_m[:, None])
        tl.store(INDICES + out[:, None] * K + slot[None, :], tl.where(indices < 0, -1, indices), mask=mask_m[:, None])
    if RANK:
        tl.store(GREATER + out, greater, mask=mask_m)
        tl.store(EQUAL + out, equal, mask=mask_m)
    if LSE:
        tl.store(HIGHEST + out, highest, mask=mask_m)
        tl.store(TOTAL + out, total, mask=mask_m)
    if BINS > 0:
        tl.atomic_add(HISTOGRAM + tl.arange(0, 2 * PADDED_BINS), counts.to(tl.int64))


def scales(x: Tensor) -> Tensor:
    """Return inverse lengths, NaN where a row has no direction, and the powers of two to multiply by first ``[2, N]``.

    The power is 1 but for rows whose squares float32 cannot hold.
    """
    out = torch.empty(2, len(x), dtype=torch.float32, device=x.device)
    blocks = settings.row_blocks(x.shape[1])
    if len(x):
        _scales_kernel[(triton.cdiv(len(x), blocks["BLOCK_R"]),)](
            x, out, len(x), D=x.shape[1], STRIDE=x.stride(0), **blocks
        )
    return out


def cross_stats(
    x: Tensor,
    y: Tensor,
    k: int,
    positive: Tensor | None,
    lse: bool,
    scale: float,
    groups_x: Tensor | None,
    groups_y: Tensor | None,
    exclude_self: bool,
    exclude_same_group: bool,
    bins: int,
) -> tuple[Tensor, ...]:
    """Launch the kernels and merge the splits; arguments and results are those of the operation."""
    x, y = dot_operands(x, y)
    rows, columns, device = len(x), len(y), x.device
    tile, x_tiles, y_tiles = all_pairs(_kernel_name(k, positive is not None, lse, bins), x, y)
    row_blocks = triton.cdiv(rows, tile["BLOCK_M"])
    splits, split_size = settings.column_splits(columns, row_blocks, tile["BLOCK_N"])
    padded_k = triton.next_power_of_2(k) if k else 0
    padded_bins = triton.next_power_of_2(bins) if bins else 0  # the bins beyond stay empty
    scales_x, scales_y = scales(x), scales(y)
    constants: dict[str, Any] = {"D": x.shape[1], "STRIDE_X": x.stride(0), "STRIDE_Y": y.stride(0)}
    constants |= {"UPCAST": needs_upcast(x), "PRECISION": dot_precision(x.dtype)}
    own = torch.empty(rows if positive is not None else 0, dtype=torch.float32, device=device)
    if positive is not None and rows:
        diagonal = settings.diagonal_tile(tile)
        _positive_kernel[(triton.cdiv(rows, diagonal["BLOCK_M"]),)](
            x, y, scales_x, scales_y, positive, own, rows, columns, **constants, **diagonal
        )
    partials = _partials(splits, rows, padded_k, positive is not None, lse, padded_bins, device)
    if rows and columns:
        _cross_kernel[(row_blocks, splits)](
            x, y, x_tiles, y_tiles, scales_x, scales_y, positive, own, groups_x, groups_y, *partials,
            rows, columns, split_size, scale, TIE,
            **constants, K=padded_k, RANK=positive is not None, LSE=lse, BINS=bins, PADDED_BINS=padded_bins,
            EXCLUDE_SELF=exclude_self, EXCLUDE_SAME_GROUP=exclude_same_group, **tile,
        )  # fmt: skip
    values, indices, greater, equal, highest, total, histogram = partials
    counts = torch.stack([greater.sum(0), equal.sum(0)])
    histograms = histogram.view(2, padded_bins)[:, :bins].contiguous()
    return *merge_splits(values, indices, k), own, counts, _merge_exponentials(highest, total), histograms


def _kernel_name(k: int, rank: bool, lse: bool, bins: int) -> str:
    """The name, in the table of settings, of what is kept in registers."""
    if bins:
        return "cross_histograms"
    if k > _FEW or (k > 0) + rank + lse > 1:
        return "cross_several"
    return "cross_largest" if k else "cross_rank" if rank else "cross_lse"


def _partials(
    splits: int, rows: int, k: int, rank: bool, lse: bool, bins: int, device: torch.device
) -> Sequence[Tensor]:
    """What the main kernel writes; already right where it is not launched because a side is empty."""
    ranked, summed = rows * rank, rows * lse
    return (
        torch.full((splits, rows, k), -torch.inf, device=device),
        torch.full((splits, rows, k), -1, dtype=torch.int32, device=device),
        torch.zeros(splits, ranked, dtype=torch.int32, device=device),
        torch.zeros(splits, ranked, dtype=torch.int32, device=device),
        torch.full((splits, summed), -torch.inf, device=device),
        torch.zeros(splits, summed, device=device),
        torch.zeros(2 * bins, dtype=torch.int64, device=device),
    )


def _merge_exponentials(highest: Tensor, total: Tensor) -> Tensor:
    """Return the log-sum-exp over all splits from their maxima and sums ``[splits, N]``."""
    top = highest.amax(0)
    base = top.masked_fill(top.isinf(), 0)
    return base + (total * (highest - base).exp()).sum(0).log()
