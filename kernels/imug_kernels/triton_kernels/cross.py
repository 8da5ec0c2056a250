# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Cosines between all rows of two tensors, reduced while a tile of them is in registers.

A program owns a block of rows of X and meets one share of the rows of Y; PyTorch merges the shares. Everything but the
counts of the histograms is written by one program alone, and integer counts do not depend on the order they come in.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
import triton
import triton.language as tl
from torch import Tensor

from imug_kernels.cross import EPS
from imug_kernels.rank import TIE
from imug_kernels.triton_kernels.numerics import bounded_length, clamp, dot_precision, needs_upcast, rows_of

_PROGRAMS = 264  # two for each multiprocessor of the largest devices: shares of Y are cut until there are as many


@triton.jit
def _inverse_length_kernel(
    X, OUT, rows, eps, D: tl.constexpr, STRIDE: tl.constexpr, BLOCK_R: tl.constexpr, BLOCK_D: tl.constexpr
):  # fmt: skip
    row = tl.program_id(0).to(tl.int64) * BLOCK_R + tl.arange(0, BLOCK_R)
    inside = row < rows
    squares = tl.zeros((BLOCK_R,), tl.float32)
    for k in range(0, D, BLOCK_D):
        d = k + tl.arange(0, BLOCK_D)
        x = tl.load(X + row[:, None] * STRIDE + d[None, :], mask=inside[:, None] & (d < D)[None, :], other=0.0)
        x = x.to(tl.float32)
        squares += tl.sum(x * x, 1)
    tl.store(OUT + row, 1.0 / bounded_length(squares, eps), mask=inside)


@triton.jit
def dot_tile(
    at_x, at_y, inside_x, inside_y, D: tl.constexpr, UPCAST: tl.constexpr, PRECISION: tl.constexpr,
    BLOCK_M: tl.constexpr, BLOCK_N: tl.constexpr, BLOCK_K: tl.constexpr,
):  # fmt: skip
    """Products [M, N] of the rows that begin at the pointers; equal rows give equal products in every tile."""
    dot = tl.zeros((BLOCK_M, BLOCK_N), tl.float32)
    for k in range(0, D, BLOCK_K):
        d = k + tl.arange(0, BLOCK_K)
        x = tl.load(at_x[:, None] + d[None, :], mask=inside_x[:, None] & (d < D)[None, :], other=0.0)
        y = tl.load(at_y[:, None] + d[None, :], mask=inside_y[:, None] & (d < D)[None, :], other=0.0)
        if UPCAST:
            dot = tl.dot(x.to(tl.float32), tl.trans(y.to(tl.float32)), dot, input_precision=PRECISION)
        else:
            dot = tl.dot(x, tl.trans(y), dot, input_precision=PRECISION)
    return dot


@triton.jit
def _own_kernel(
    X, Y, SCALE_X, SCALE_Y, POSITIVE, OUT, rows,
    D: tl.constexpr, STRIDE_X: tl.constexpr, STRIDE_Y: tl.constexpr, UPCAST: tl.constexpr, PRECISION: tl.constexpr,
    BLOCK_M: tl.constexpr, BLOCK_K: tl.constexpr,
):  # fmt: skip
    """Cosine of each row with its positive, by the arithmetic of the main kernel: the diagonal of a tile."""
    row = tl.program_id(0) * BLOCK_M + tl.arange(0, BLOCK_M)
    inside = row < rows
    positive = tl.load(POSITIVE + row, mask=inside, other=-1)
    there = inside & (positive >= 0)
    positive = tl.where(there, positive, 0)
    at_x = X + row.to(tl.int64) * STRIDE_X
    at_y = Y + positive.to(tl.int64) * STRIDE_Y
    dot = dot_tile(at_x, at_y, inside, there, D, UPCAST, PRECISION, BLOCK_M, BLOCK_M, BLOCK_K)
    place = tl.arange(0, BLOCK_M)
    own = tl.sum(tl.where(place[:, None] == place[None, :], dot, 0.0), 1)
    own *= tl.load(SCALE_X + row, mask=inside, other=0.0) * tl.load(SCALE_Y + positive, mask=there, other=0.0)
    tl.store(OUT + row, tl.where(there, own, float("nan")), mask=inside)


@triton.jit
def _merge_largest(best, index, cosine, known, first, BLOCK_N: tl.constexpr):
    """Move into the K best [M, K] what the tile [M, N] has that is larger, one per row and round.

    Rounds go from the tile's largest cosine down, and among equals from the lowest column up. The best so far have
    lower row numbers, so an equal one never replaces them; of equal smallest ones the highest row number leaves.
    """
    column = tl.arange(0, BLOCK_N)
    rest = tl.where(known, cosine, float("-inf"))
    least = tl.min(best, 1)
    most, place = tl.max(rest, axis=1, return_indices=True)
    while tl.sum(tl.where(most > least, 1, 0)) > 0:
        enters = most > least
        leaves = tl.max(tl.where(best == least[:, None], index, -2147483647), axis=1)
        slot = enters[:, None] & (index == leaves[:, None])
        best = tl.where(slot, most[:, None], best)
        index = tl.where(slot, (first + place)[:, None], index)
        least = tl.min(best, 1)
        rest = tl.where(enters[:, None] & (column[None, :] == place[:, None]), float("-inf"), rest)
        most, place = tl.max(rest, axis=1, return_indices=True)
    return best, index


@triton.jit
def _add_exponentials(top, total, scaled, kept):
    """Running maximum and sum of exponentials [M] after a tile of scaled cosines [M, N]; NaN stays in the sum."""
    values = tl.where(kept, scaled, float("-inf"))
    higher = tl.maximum(top, tl.max(tl.where(values == values, values, float("-inf")), 1))
    base = tl.where(higher == float("-inf"), 0.0, higher)
    return higher, total * tl.exp(top - base) + tl.sum(tl.exp(values - base[:, None]), 1)


@triton.jit
def _bin_counts(cosine, same, kept, BINS: tl.constexpr, WIDE: tl.constexpr, SIZE: tl.constexpr):
    """Histogram [2 * WIDE] of the known pairs: those of one group, then the others."""
    level = ((clamp(cosine, -1.0, 1.0) + 1.0) * (0.5 * BINS)).to(tl.int32)
    level = tl.minimum(tl.maximum(level, 0), BINS - 1)
    level = tl.where(same, level, level + WIDE)
    known = kept & (cosine == cosine)
    return tl.histogram(tl.reshape(level, (SIZE,)), 2 * WIDE, mask=tl.reshape(known, (SIZE,)))


@triton.jit
def _cross_kernel(
    X, Y, SCALE_X, SCALE_Y, POSITIVE, OWN, GROUP_X, GROUP_Y,
    VALUES, INDICES, GREATER, EQUAL, TOP, TOTAL, HISTOGRAM,
    rows, columns, share, scale, tie,
    D: tl.constexpr, STRIDE_X: tl.constexpr, STRIDE_Y: tl.constexpr,
    K: tl.constexpr, RANK: tl.constexpr, LSE: tl.constexpr, BINS: tl.constexpr, WIDE: tl.constexpr,
    NOT_SELF: tl.constexpr, NOT_SAME: tl.constexpr, UPCAST: tl.constexpr, PRECISION: tl.constexpr,
    BLOCK_M: tl.constexpr, BLOCK_N: tl.constexpr, BLOCK_K: tl.constexpr,
):  # fmt: skip
    row = tl.program_id(0) * BLOCK_M + tl.arange(0, BLOCK_M)
    inside = row < rows
    out = tl.program_id(1).to(tl.int64) * rows + row
    at_x = X + row.to(tl.int64) * STRIDE_X
    scale_x = tl.load(SCALE_X + row, mask=inside, other=0.0)
    if K > 0:
        slot = tl.arange(0, K)
        best = tl.full((BLOCK_M, K), float("-inf"), tl.float32)
        index = tl.zeros((BLOCK_M, K), tl.int32) - 1 - slot[None, :]
    if RANK:
        positive = tl.load(POSITIVE + row, mask=inside, other=-1)
        own = tl.load(OWN + row, mask=inside, other=float("nan"))
        greater = tl.zeros((BLOCK_M,), tl.int32)
        equal = tl.zeros((BLOCK_M,), tl.int32)
    if LSE:
        top = tl.full((BLOCK_M,), float("-inf"), tl.float32)
        total = tl.zeros((BLOCK_M,), tl.float32)
    if BINS > 0:
        counts = tl.zeros((2 * WIDE,), tl.int32)
    if NOT_SAME or BINS > 0:
        group_x = tl.load(GROUP_X + row, mask=inside, other=0)
    begin = tl.program_id(1) * share
    end = tl.minimum(begin + share, columns)
    for first in range(begin, end, BLOCK_N):
        column = first + tl.arange(0, BLOCK_N)
        before_end = column < end
        at_y = Y + column.to(tl.int64) * STRIDE_Y
        cosine = dot_tile(at_x, at_y, inside, before_end, D, UPCAST, PRECISION, BLOCK_M, BLOCK_N, BLOCK_K)
        cosine = cosine * (scale_x[:, None] * tl.load(SCALE_Y + column, mask=before_end, other=0.0)[None, :])
        kept = inside[:, None] & before_end[None, :]
        if NOT_SELF:
            kept = kept & (row[:, None] != column[None, :])
        if NOT_SAME or BINS > 0:
            group_y = tl.load(GROUP_Y + column, mask=before_end, other=0)
            same = group_x[:, None] == group_y[None, :]
            if NOT_SAME:
                kept = kept & (same == 0)
        if RANK:
            other = kept & (column[None, :] != positive[:, None])
            ahead = cosine - own[:, None]
            greater += tl.sum(tl.where(other & (ahead > tie), 1, 0), 1)
            equal += tl.sum(tl.where(other & (tl.abs(ahead) <= tie), 1, 0), 1)
        if BINS > 0:
            counts += _bin_counts(cosine, same, kept, BINS, WIDE, BLOCK_M * BLOCK_N)
        if LSE:
            top, total = _add_exponentials(top, total, cosine * scale, kept)
        if K > 0:
            best, index = _merge_largest(best, index, cosine, kept & (cosine == cosine), first, BLOCK_N)
    if K > 0:
        tl.store(VALUES + out[:, None] * K + slot[None, :], best, mask=inside[:, None])
        tl.store(INDICES + out[:, None] * K + slot[None, :], tl.where(index < 0, -1, index), mask=inside[:, None])
    if RANK:
        tl.store(GREATER + out, greater, mask=inside)
        tl.store(EQUAL + out, equal, mask=inside)
    if LSE:
        tl.store(TOP + out, top, mask=inside)
        tl.store(TOTAL + out, total, mask=inside)
    if BINS > 0:
        tl.atomic_add(HISTOGRAM + tl.arange(0, 2 * WIDE), counts.to(tl.int64))


def cross_config(dtype: torch.dtype, bins: int = 0) -> dict[str, int]:
    """Block sizes that spill no registers on compute capability 9.0 and 10.0, for up to 64 best and 512 bins."""
    if dtype == torch.float32:
        return {"BLOCK_M": 64, "BLOCK_N": 64, "BLOCK_K": 32, "num_warps": 8 if bins else 4, "num_stages": 3}
    if bins:
        return {"BLOCK_M": 64, "BLOCK_N": 64, "BLOCK_K": 64, "num_warps": 4, "num_stages": 4}
    return {"BLOCK_M": 128, "BLOCK_N": 64, "BLOCK_K": 64, "num_warps": 8, "num_stages": 3}


def operands(x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    """Rows in one dtype, the wider of the two, with adjacent elements."""
    dtype = torch.promote_types(x.dtype, y.dtype)
    return rows_of(x.to(dtype)), rows_of(y.to(dtype))


def inverse_lengths(x: Tensor, eps: float = EPS) -> Tensor:
    """1 / max(length, eps) of rows ``[N]``, NaN for a row that holds NaN or infinity."""
    out = torch.empty(len(x), dtype=torch.float32, device=x.device)
    wide = min(triton.next_power_of_2(max(x.shape[1], 16)), 1024)
    block = max(1, 4096 // wide)
    if len(x):
        _inverse_length_kernel[(triton.cdiv(len(x), block),)](
            x, out, len(x), eps, D=x.shape[1], STRIDE=x.stride(0), BLOCK_R=block, BLOCK_D=wide, num_warps=4
        )
    return out


def shares(columns: int, blocks: int, block: int) -> tuple[int, int]:
    """How many shares the columns are dealt in, and the length of one: whole blocks, at least eight of them."""
    count = max(1, min(triton.cdiv(columns, block * 8), triton.cdiv(_PROGRAMS, max(blocks, 1))))
    length = triton.cdiv(triton.cdiv(max(columns, 1), count), block) * block
    return triton.cdiv(max(columns, 1), length), length


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
    config: dict[str, int] | None = None,
) -> tuple[Tensor, ...]:
    """Launch the kernels and merge the shares; arguments and results are those of the operation."""
    x, y = operands(x, y)
    rows, columns, device = len(x), len(y), x.device
    blocks_of = config or cross_config(x.dtype, bins)
    blocks = triton.cdiv(rows, blocks_of["BLOCK_M"])
    parts, share = shares(columns, blocks, blocks_of["BLOCK_N"])
    width = triton.next_power_of_2(k) if k else 0
    wide_bins = triton.next_power_of_2(bins) if bins else 0  # the bins beyond stay empty
    scale_x, scale_y = inverse_lengths(x), inverse_lengths(y)
    shape: dict[str, Any] = {"D": x.shape[1], "STRIDE_X": x.stride(0), "STRIDE_Y": y.stride(0)}
    shape |= {"UPCAST": needs_upcast(x), "PRECISION": dot_precision(x.dtype)}
    own = torch.empty(rows if positive is not None else 0, dtype=torch.float32, device=device)
    if positive is not None and rows:
        edge = min(blocks_of["BLOCK_M"], 64)
        _own_kernel[(triton.cdiv(rows, edge),)](
            x, y, scale_x, scale_y, positive, own, rows, **shape, BLOCK_M=edge, BLOCK_K=blocks_of["BLOCK_K"]
        )
    made = _partials(parts, rows, width, positive is not None, lse, wide_bins, device)
    if rows and columns:
        _cross_kernel[(blocks, parts)](
            x, y, scale_x, scale_y, positive, own, groups_x, groups_y, *made, rows, columns, share, scale, TIE,
            **shape, K=width, RANK=positive is not None, LSE=lse, BINS=bins, WIDE=wide_bins, NOT_SELF=exclude_self,
            NOT_SAME=exclude_same_group, **blocks_of,
        )  # fmt: skip
    values, indices, greater, equal, top, total, histogram = made
    counts = torch.stack([greater.sum(0), equal.sum(0)])
    return (
        *_merged_largest(values, indices, k),
        own,
        counts,
        _merged_sum(top, total),
        histogram.view(2, wide_bins)[:, :bins].contiguous(),
    )


def _partials(
    parts: int, rows: int, width: int, rank: bool, lse: bool, bins: int, device: torch.device
) -> Sequence[Tensor]:
    """What the main kernel writes; already right where it is not launched because a side is empty."""
    ranked, summed = rows * rank, rows * lse
    return (
        torch.full((parts, rows, width), -torch.inf, device=device),
        torch.full((parts, rows, width), -1, dtype=torch.int32, device=device),
        torch.zeros(parts, ranked, dtype=torch.int32, device=device),
        torch.zeros(parts, ranked, dtype=torch.int32, device=device),
        torch.full((parts, summed), -torch.inf, device=device),
        torch.zeros(parts, summed, device=device),
        torch.zeros(2 * bins, dtype=torch.int64, device=device),
    )


def _merged_largest(values: Tensor, indices: Tensor, k: int) -> tuple[Tensor, Tensor]:
    """Best of all shares: sorted by row number, then stably by cosine, so that equals stay in order."""
    values, indices = values.transpose(0, 1).flatten(1), indices.transpose(0, 1).flatten(1).long()
    order = indices.argsort(dim=1, stable=True)
    values, indices = values.gather(1, order), indices.gather(1, order)
    order = values.argsort(dim=1, descending=True, stable=True)[:, :k]
    return values.gather(1, order), indices.gather(1, order)


def _merged_sum(top: Tensor, total: Tensor) -> Tensor:
    highest = top.amax(0)
    base = highest.masked_fill(highest.isinf(), 0)
    return base + (total * (top - base).exp()).sum(0).log()
