# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Cosines between the rows of each segment, reduced while the tile of cosines is in registers.

A program owns a block of rows of one segment and meets all rows of the segment. It alone writes what belongs to its
rows, so there are no atomics and no order that could differ from run to run. A segment that fits a block is read once.
"""

from __future__ import annotations

import torch
import triton
import triton.language as tl
from torch import Tensor

from imug_kernels.triton_kernels.numerics import bounded_length, dot_precision, needs_upcast, rows_of
from imug_kernels.triton_kernels.segments import segment_reduce
from imug_kernels.triton_kernels.tiles import block_table, cosine_tile, segment_tile, tile_config, usable_rows


@triton.jit
def _extremes(cosine, among):
    """Minimum and maximum by row, and how many of them are NaN."""
    known = among & (cosine == cosine)
    least = tl.min(tl.where(known, cosine, float("inf")), 1)
    most = tl.max(tl.where(known, cosine, float("-inf")), 1)
    return least, most, tl.sum(tl.where(among & (cosine != cosine), 1, 0), 1)


@triton.jit
def _picked(cosine, at, before):
    """The one cosine marked ``at`` in each row, or what was known before."""
    found = tl.sum(tl.where(at, 1, 0), 1) > 0
    return tl.where(found, tl.sum(tl.where(at, cosine, 0.0), 1), before)


@triton.jit
def _put(out, rows, values, own):
    """Store one field of every row; returns where the next field of them lies."""
    tl.store(out, values, mask=own)
    return out + rows


@triton.jit
def _gram_kernel(
    X, VALID, OFFSETS, SEGMENT, START, OUT, rows,
    D: tl.constexpr, STRIDE: tl.constexpr, eps, HAS_VALID: tl.constexpr, UPCAST: tl.constexpr, PRECISION: tl.constexpr,
    BLOCK_M: tl.constexpr, BLOCK_N: tl.constexpr, BLOCK_K: tl.constexpr,
):  # fmt: skip
    segment = tl.load(SEGMENT + tl.program_id(0))
    if segment < 0:
        return
    first = tl.load(OFFSETS + segment)
    end = tl.load(OFFSETS + segment + 1)
    row = tl.load(START + tl.program_id(0)) + tl.arange(0, BLOCK_M)
    place = (row - first).to(tl.int32)  # in the segment: 32 bits halve the registers of what is compared by tile
    usable = usable_rows(VALID, row, end, HAS_VALID)
    total = tl.zeros((BLOCK_M,), tl.float32)
    count = tl.zeros((BLOCK_M,), tl.float32)
    count_before = tl.zeros((BLOCK_M,), tl.int32)
    unknown = tl.zeros((BLOCK_M,), tl.int32)
    unknown_before = tl.zeros((BLOCK_M,), tl.int32)
    least = tl.full((BLOCK_M,), float("inf"), tl.float32)
    most = tl.full((BLOCK_M,), float("-inf"), tl.float32)
    most_before = tl.full((BLOCK_M,), float("-inf"), tl.float32)
    previous = tl.full((BLOCK_M,), float("nan"), tl.float32)
    anchor = tl.full((BLOCK_M,), float("nan"), tl.float32)
    for start in range(first, end, BLOCK_N):
        column = start + tl.arange(0, BLOCK_N)
        place_column = (column - first).to(tl.int32)
        usable_column = usable_rows(VALID, column, end, HAS_VALID)
        cosine = segment_tile(
            X, row, column, usable, usable_column, end - first, eps, D, STRIDE, UPCAST, PRECISION,
            BLOCK_M, BLOCK_N, BLOCK_K,
        )  # fmt: skip
        partner = usable[:, None] & usable_column[None, :] & (place[:, None] != place_column[None, :])
        earlier = partner & (place_column[None, :] < place[:, None])
        total += tl.sum(tl.where(partner, cosine, 0.0), 1)
        count += tl.sum(tl.where(partner, 1.0, 0.0), 1)
        count_before += tl.sum(tl.where(earlier, 1, 0), 1)
        low, high, nans = _extremes(cosine, partner)
        least = tl.minimum(least, low)
        most = tl.maximum(most, high)
        unknown += nans
        _, high, nans = _extremes(cosine, earlier)
        most_before = tl.maximum(most_before, high)
        unknown_before += nans
        previous = _picked(cosine, earlier & (place_column[None, :] == place[:, None] - 1), previous)
        anchor = _picked(cosine, earlier & (place_column[None, :] == 0), anchor)
    undefined = (count == 0) | (unknown > 0)
    undefined_before = (count_before == 0) | (unknown_before > 0)
    own = row < end
    out = OUT + row  # a field at a time: 7 * rows may pass 2**31
    out = _put(out, rows, total, own)
    out = _put(out, rows, count, own)
    out = _put(out, rows, tl.where(undefined, float("nan"), least), own)
    out = _put(out, rows, tl.where(undefined, float("nan"), most), own)
    out = _put(out, rows, tl.where(undefined_before, float("nan"), most_before), own)
    out = _put(out, rows, previous, own)
    _put(out, rows, anchor, own)


def dialogue_gram(rows: Tensor, offsets: Tensor, valid: Tensor | None, eps: float) -> Tensor:
    """Return the seven statistics of every row, float32 ``[7, N]``."""
    out = torch.empty(7, len(rows), dtype=torch.float32, device=rows.device)
    if out.numel() == 0:
        return out
    rows, config = rows_of(rows), tile_config(len(rows), len(offsets) - 1, rows.dtype)
    segment, start, _ = block_table(offsets, config["BLOCK_M"], len(rows))
    _gram_kernel[(len(segment),)](
        rows, valid, offsets, segment, start, out, len(rows), rows.shape[1], rows.stride(0), eps,
        HAS_VALID=valid is not None, UPCAST=needs_upcast(rows), PRECISION=dot_precision(rows.dtype), **config,
    )  # fmt: skip
    return out


@triton.jit
def _rank_kernel(
    X, Y, VALID_X, VALID_Y, OFFSETS, SEGMENT, START, OUT, rows,
    D: tl.constexpr, STRIDE_X: tl.constexpr, STRIDE_Y: tl.constexpr, eps, tie,
    HAS_VALID_X: tl.constexpr, HAS_VALID_Y: tl.constexpr, UPCAST: tl.constexpr, PRECISION: tl.constexpr,
    BLOCK_M: tl.constexpr, BLOCK_N: tl.constexpr, BLOCK_K: tl.constexpr,
):  # fmt: skip
    segment = tl.load(SEGMENT + tl.program_id(0))
    if segment < 0:
        return
    first = tl.load(OFFSETS + segment)
    end = tl.load(OFFSETS + segment + 1)
    row = tl.load(START + tl.program_id(0)) + tl.arange(0, BLOCK_M)
    place = (row - first).to(tl.int32)  # in the segment: 32 bits halve the registers of what is compared by tile
    usable = usable_rows(VALID_X, row, end, HAS_VALID_X)
    has_own = usable_rows(VALID_Y, row, end, HAS_VALID_Y)
    # The own cosine comes from the same arithmetic as those it is compared with, so that duplicates tie exactly.
    own_tile = cosine_tile(
        X, Y, row, row, usable, has_own, eps, D, STRIDE_X, STRIDE_Y, False, UPCAST, PRECISION,
        BLOCK_M, BLOCK_N, BLOCK_K,
    )  # fmt: skip
    own = tl.sum(tl.where(place[:, None] == place[None, :], own_tile, 0.0), 1)
    greater = tl.zeros((BLOCK_M,), tl.float32)
    equal = tl.zeros((BLOCK_M,), tl.float32)
    candidates = tl.zeros((BLOCK_M,), tl.float32)
    unknown = tl.where(own != own, 1, 0)
    for start in range(first, end, BLOCK_N):
        column = start + tl.arange(0, BLOCK_N)
        place_column = (column - first).to(tl.int32)
        usable_column = usable_rows(VALID_Y, column, end, HAS_VALID_Y)
        cosine = own_tile
        if end - first > BLOCK_M:
            cosine = cosine_tile(
                X, Y, row, column, usable, usable_column, eps, D, STRIDE_X, STRIDE_Y, False, UPCAST, PRECISION,
                BLOCK_M, BLOCK_N, BLOCK_K,
            )  # fmt: skip
        ahead = cosine - own[:, None]
        other = usable[:, None] & usable_column[None, :] & (place[:, None] != place_column[None, :])
        greater += tl.sum(tl.where(other & (ahead > tie), 1.0, 0.0), 1)
        equal += tl.sum(tl.where(other & (tl.abs(ahead) <= tie), 1.0, 0.0), 1)
        unknown += tl.sum(tl.where(other & (ahead != ahead), 1, 0), 1)
        candidates += tl.sum(tl.where(usable_column, 1.0, 0.0), 0)
    defined = usable & has_own
    known = defined & (unknown == 0)
    out = _put(OUT + row, rows, tl.where(known, greater, float("nan")), row < end)
    out = _put(out, rows, tl.where(known, equal, float("nan")), row < end)
    _put(out, rows, tl.where(defined, candidates, 0.0), row < end)


def own_rank(
    x: Tensor, y: Tensor, offsets: Tensor, valid_x: Tensor | None, valid_y: Tensor | None, eps: float, tie: float
) -> Tensor:
    """Return greater, equal and all candidates of every row, float32 ``[3, N]``."""
    out = torch.empty(3, len(x), dtype=torch.float32, device=x.device)
    if out.numel() == 0:
        return out
    common = torch.promote_types(x.dtype, y.dtype)  # a dot multiplies operands of one dtype
    x, y = rows_of(x.to(common)), rows_of(y.to(common))
    config = tile_config(len(x), len(offsets) - 1, common)
    segment, start, _ = block_table(offsets, config["BLOCK_M"], len(x))
    _rank_kernel[(len(segment),)](
        x, y, valid_x, valid_y, offsets, segment, start, out, len(x), x.shape[1], x.stride(0), y.stride(0), eps, tie,
        HAS_VALID_X=valid_x is not None, HAS_VALID_Y=valid_y is not None,
        UPCAST=needs_upcast(x), PRECISION=dot_precision(common), **config,
    )  # fmt: skip
    return out


@triton.jit
def _curve_kernel(
    X, VALID, POSITIONS, OFFSETS, SEGMENT, START, OUT, max_delta,
    D: tl.constexpr, STRIDE: tl.constexpr, eps, HAS_VALID: tl.constexpr, UPCAST: tl.constexpr, PRECISION: tl.constexpr,
    BLOCK_DELTA: tl.constexpr, BLOCK_M: tl.constexpr, BLOCK_N: tl.constexpr, BLOCK_K: tl.constexpr,
):  # fmt: skip
    segment = tl.load(SEGMENT + tl.program_id(0))
    if segment < 0:
        return
    first = tl.load(OFFSETS + segment)
    end = tl.load(OFFSETS + segment + 1)
    begin = tl.load(START + tl.program_id(0))
    row = begin + tl.arange(0, BLOCK_M)
    place = (row - first).to(tl.int32)
    usable = usable_rows(VALID, row, end, HAS_VALID)
    # Cut to 32 bits, differences stay what they are unless they pass 2**32.
    position = tl.load(POSITIONS + row, mask=usable, other=0).to(tl.int32)
    distance = 1 + tl.arange(0, BLOCK_DELTA)
    sums = tl.zeros((BLOCK_DELTA,), tl.float32)
    counts = tl.zeros((BLOCK_DELTA,), tl.float32)
    # Pairs count once, at the earlier row: the blocks before this one have met it already.
    for start in range(begin, end, BLOCK_N):
        column = start + tl.arange(0, BLOCK_N)
        place_column = (column - first).to(tl.int32)
        usable_column = usable_rows(VALID, column, end, HAS_VALID)
        cosine = segment_tile(
            X, row, column, usable, usable_column, end - first, eps, D, STRIDE, UPCAST, PRECISION,
            BLOCK_M, BLOCK_N, BLOCK_K,
        )  # fmt: skip
        pair = usable[:, None] & usable_column[None, :] & (place[:, None] < place_column[None, :])
        position_column = tl.load(POSITIONS + column, mask=usable_column, other=0).to(tl.int32)
        delta = tl.abs(position[:, None] - position_column[None, :])
        for k in range(1, max_delta + 1):
            at = pair & (delta == k)
            sums += tl.where(distance == k, tl.sum(tl.where(at, cosine, 0.0)), 0.0)
            counts += tl.where(distance == k, tl.sum(tl.where(at, 1.0, 0.0)), 0.0)
    out = OUT + tl.program_id(0).to(tl.int64) * 2 * max_delta + tl.arange(0, BLOCK_DELTA)
    tl.store(out, sums, mask=distance <= max_delta)
    tl.store(out + max_delta, counts, mask=distance <= max_delta)


def delta_curve(
    rows: Tensor, offsets: Tensor, positions: Tensor, max_delta: int, valid: Tensor | None, eps: float
) -> Tensor:
    """Return sums and counts by distance, float64 ``[S, 2, max_delta]``.

    Positions may come in any order, so a distance says nothing of where its pairs lie and gathering them would take a
    list of all pairs. The tile of cosines holds them anyway; picking ``max_delta`` distances from it costs less than
    making it. Every block writes sums of its own, and a second kernel adds those of a segment in order.
    """
    segments = len(offsets) - 1
    if len(rows) == 0 or segments == 0:
        return torch.zeros(segments, 2, max_delta, dtype=torch.float64, device=rows.device)
    rows, config = rows_of(rows), tile_config(len(rows), segments, rows.dtype)
    segment, start, begins = block_table(offsets, config["BLOCK_M"], len(rows))
    out = torch.empty(len(segment), 2 * max_delta, dtype=torch.float32, device=rows.device)
    _curve_kernel[(len(segment),)](
        rows, valid, positions.contiguous(), offsets, segment, start, out, max_delta,
        rows.shape[1], rows.stride(0), eps,
        HAS_VALID=valid is not None, UPCAST=needs_upcast(rows), PRECISION=dot_precision(rows.dtype),
        BLOCK_DELTA=triton.next_power_of_2(max_delta), **config,
    )  # fmt: skip
    return segment_reduce(out, begins, None, False).view(segments, 2, max_delta)


@triton.jit
def _unit_sum_kernel(
    X, VALID, OFFSETS, OUT, segments, D: tl.constexpr, STRIDE: tl.constexpr, eps, HAS_VALID: tl.constexpr,
    BLOCK_R: tl.constexpr, BLOCK_D: tl.constexpr,
):  # fmt: skip
    segment = tl.program_id(0)
    first = tl.load(OFFSETS + segment)
    end = tl.load(OFFSETS + segment + 1)
    d = tl.arange(0, BLOCK_D)
    whole = tl.zeros((BLOCK_D,), tl.float32)
    own = tl.zeros((BLOCK_R,), tl.float32)
    count = tl.zeros((BLOCK_R,), tl.float32)
    for start in range(first, end, BLOCK_R):
        row = start + tl.arange(0, BLOCK_R)
        usable = usable_rows(VALID, row, end, HAS_VALID)
        at = X + row.to(tl.int64)[:, None] * STRIDE + d[None, :]
        x = tl.load(at, mask=usable[:, None] & (d < D)[None, :], other=0.0).to(tl.float32)
        squares = tl.sum(x * x, 1)
        length = bounded_length(squares, eps)
        whole += tl.sum(x / length[:, None], 0)
        own += squares / length / length
        count += tl.where(usable, 1.0, 0.0)
    rows = tl.sum(count).to(tl.float64)
    # A row alone has no pair: its rounding must not show, nor its NaN.
    pairs = tl.where(rows > 1, (tl.sum(whole * whole) - tl.sum(own)).to(tl.float64), 0.0)
    tl.store(OUT + segment, pairs)
    tl.store(OUT + segments + segment, rows * tl.where(rows > 1, rows - 1, 0.0))


def dialogue_unit_sum(rows: Tensor, offsets: Tensor, valid: Tensor | None, eps: float) -> Tensor:
    """Return sum and count over the ordered pairs of every segment, float64 ``[2, S]``."""
    segments, width = len(offsets) - 1, rows.shape[1]
    out = torch.empty(2, segments, dtype=torch.float64, device=rows.device)
    if segments == 0 or len(rows) == 0:
        return out.zero_()
    block = triton.next_power_of_2(max(width, 16))
    rows = rows_of(rows)
    _unit_sum_kernel[(segments,)](
        rows, valid, offsets, out, segments, width, rows.stride(0), eps, HAS_VALID=valid is not None,
        BLOCK_R=max(1, min(16, 8192 // block)), BLOCK_D=block, num_warps=4 if block <= 1024 else 8,
    )  # fmt: skip
    return out
