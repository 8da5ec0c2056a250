# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Cosine matrices of segments, reduced row by row while a tile of cosines is in registers."""

from __future__ import annotations

import torch
import triton
import triton.language as tl
from torch import Tensor

from imug_kernels.triton_kernels.numerics import adjacent
from imug_kernels.triton_kernels.segment_blocks import launch, segment_blocks
from imug_kernels.triton_kernels.tiles import segment_bounds, segment_rows, segment_tile, store_field


@triton.jit
def _extremes(cosine, among):
    """Minimum and maximum by row, and how many of them are NaN."""
    known = among & (cosine == cosine)
    low = tl.min(tl.where(known, cosine, float("inf")), 1)
    high = tl.max(tl.where(known, cosine, float("-inf")), 1)
    return low, high, tl.sum(tl.where(among & (cosine != cosine), 1, 0), 1)


@triton.jit
def _pick(cosine, among, before):
    """The one cosine of each row that ``among`` marks, or what was known before."""
    found = tl.sum(tl.where(among, 1, 0), 1) > 0
    return tl.where(found, tl.sum(tl.where(among, cosine, 0.0), 1), before)


@triton.jit
def _gram_kernel(
    X, VALID, OFFSETS, SEGMENT, START, OUT, rows,
    D: tl.constexpr, STRIDE: tl.constexpr, eps, HAS_VALID: tl.constexpr, UPCAST: tl.constexpr, PRECISION: tl.constexpr,
    BLOCK_M: tl.constexpr, BLOCK_N: tl.constexpr, BLOCK_K: tl.constexpr,
):  # fmt: skip
    segment = tl.load(SEGMENT + tl.program_id(0))
    if segment < 0:
        return
    first, end = segment_bounds(OFFSETS, segment)
    begin = tl.load(START + tl.program_id(0))
    row, local_m, mask_m = segment_rows(VALID, begin, first, end, HAS_VALID, BLOCK_M)
    total = tl.zeros((BLOCK_M,), tl.float32)
    count = tl.zeros((BLOCK_M,), tl.float32)
    count_before = tl.zeros((BLOCK_M,), tl.int32)
    nans = tl.zeros((BLOCK_M,), tl.int32)
    nans_before = tl.zeros((BLOCK_M,), tl.int32)
    lowest = tl.full((BLOCK_M,), float("inf"), tl.float32)
    highest = tl.full((BLOCK_M,), float("-inf"), tl.float32)
    highest_before = tl.full((BLOCK_M,), float("-inf"), tl.float32)
    previous = tl.full((BLOCK_M,), float("nan"), tl.float32)
    anchor = tl.full((BLOCK_M,), float("nan"), tl.float32)
    for start in range(first, end, BLOCK_N):
        column, local_n, mask_n = segment_rows(VALID, start, first, end, HAS_VALID, BLOCK_N)
        cosine = segment_tile(
            X, row, column, mask_m, mask_n, end - first, eps, D, STRIDE, UPCAST, PRECISION, BLOCK_M, BLOCK_N, BLOCK_K
        )
        partner = mask_m[:, None] & mask_n[None, :] & (local_m[:, None] != local_n[None, :])
        earlier = partner & (local_n[None, :] < local_m[:, None])
        total += tl.sum(tl.where(partner, cosine, 0.0), 1)
        count += tl.sum(tl.where(partner, 1.0, 0.0), 1)
        count_before += tl.sum(tl.where(earlier, 1, 0), 1)
        low, high, nans_here = _extremes(cosine, partner)
        lowest = tl.minimum(lowest, low)
        highest = tl.maximum(highest, high)
        nans += nans_here
        _, high, nans_here = _extremes(cosine, earlier)
        highest_before = tl.maximum(highest_before, high)
        nans_before += nans_here
        previous = _pick(cosine, earlier & (local_n[None, :] == local_m[:, None] - 1), previous)
        anchor = _pick(cosine, earlier & (local_n[None, :] == 0), anchor)
    undefined = (count == 0) | (nans > 0)
    undefined_before = (count_before == 0) | (nans_before > 0)
    inside = row < end
    out = OUT + row  # a field at a time: 7 * rows may pass 2**31
    out = store_field(out, rows, total, inside)
    out = store_field(out, rows, count, inside)
    out = store_field(out, rows, tl.where(undefined, float("nan"), lowest), inside)
    out = store_field(out, rows, tl.where(undefined, float("nan"), highest), inside)
    out = store_field(out, rows, tl.where(undefined_before, float("nan"), highest_before), inside)
    out = store_field(out, rows, previous, inside)
    store_field(out, rows, anchor, inside)


def dialogue_gram(rows: Tensor, offsets: Tensor, valid: Tensor | None, eps: float) -> Tensor:
    """Return the seven statistics of every row, float32 ``[7, N]``."""
    out = torch.empty(7, len(rows), dtype=torch.float32, device=rows.device)
    if out.numel():
        rows = adjacent(rows)
        launch(
            _gram_kernel, segment_blocks(rows, offsets), rows, VALID=valid, OUT=out, rows=len(rows),
            STRIDE=rows.stride(0), eps=eps, HAS_VALID=valid is not None,
        )  # fmt: skip
    return out
