# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Cosines within segments by the distance of their positions, summed while a tile of cosines is in registers."""

from __future__ import annotations

import torch
import triton
import triton.language as tl
from torch import Tensor

from imug_kernels.triton_kernels.numerics import adjacent
from imug_kernels.triton_kernels.segment_blocks import launch, segment_blocks
from imug_kernels.triton_kernels.segments import segment_sum
from imug_kernels.triton_kernels.tiles import segment_bounds, segment_rows, segment_tile


@triton.jit
def _curve_kernel(
    X, VALID, POSITIONS, OFFSETS, SEGMENT, START, OUT, max_delta,
    D: tl.constexpr, STRIDE: tl.constexpr, HAS_VALID: tl.constexpr, UPCAST: tl.constexpr, PRECISION: tl.constexpr,
    BLOCK_DELTA: tl.constexpr, BLOCK_M: tl.constexpr, BLOCK_N: tl.constexpr, BLOCK_K: tl.constexpr,
):  # fmt: skip
    distance = 1 + tl.arange(0, BLOCK_DELTA)
    out = OUT + tl.program_id(0).to(tl.int64) * 2 * max_delta + tl.arange(0, BLOCK_DELTA)
    sums = tl.zeros((BLOCK_DELTA,), tl.float32)
    counts = tl.zeros((BLOCK_DELTA,), tl.float32)
    segment = tl.load(SEGMENT + tl.program_id(0))
    if segment < 0:  # added to its neighbours' sums all the same
        tl.store(out, sums, mask=distance <= max_delta)
        tl.store(out + max_delta, counts, mask=distance <= max_delta)
        return
    first, end = segment_bounds(OFFSETS, segment)
    begin = tl.load(START + tl.program_id(0))
    row, local_m, mask_m = segment_rows(VALID, begin, first, end, HAS_VALID, BLOCK_M)
    # Cut to 32 bits, differences stay what they are unless they pass 2**32.
    position_m = tl.load(POSITIONS + row, mask=mask_m, other=0).to(tl.int32)
    # Pairs count once, at the earlier row: the blocks before this one have met it already.
    for start in tl.range(begin, end, BLOCK_N, disable_licm=True):
        column, local_n, mask_n = segment_rows(VALID, start, first, end, HAS_VALID, BLOCK_N)
        cosine, known_m, known_n = segment_tile(
            X,
            row,
            column,
            mask_m,
            mask_n,
            end - first <= BLOCK_M,
            D,
            STRIDE,
            UPCAST,
            PRECISION,
            BLOCK_M,
            BLOCK_N,
            BLOCK_K,
        )
        pair = known_m[:, None] & known_n[None, :] & (local_m[:, None] < local_n[None, :])
        position_n = tl.load(POSITIONS + column, mask=mask_n, other=0).to(tl.int32)
        delta = tl.abs(position_m[:, None] - position_n[None, :])
        for k in range(1, max_delta + 1):
            counted = pair & (delta == k)
            sums += tl.where(distance == k, tl.sum(tl.where(counted, cosine, 0.0)), 0.0)
            counts += tl.where(distance == k, tl.sum(tl.where(counted, 1.0, 0.0)), 0.0)
    tl.store(out, sums, mask=distance <= max_delta)
    tl.store(out + max_delta, counts, mask=distance <= max_delta)


def delta_curve(rows: Tensor, offsets: Tensor, positions: Tensor, max_delta: int, valid: Tensor | None) -> Tensor:
    """Return sums and counts by distance, float64 ``[S, 2, max_delta]``.

    Positions may come in any order, so a distance says nothing of where its pairs lie and gathering them would take a
    list of all pairs. The tile of cosines holds them anyway; picking ``max_delta`` distances from it costs less than
    making it. Every block writes sums of its own, and a second kernel adds those of a segment in order.
    """
    segments = len(offsets) - 1
    if len(rows) == 0 or segments == 0:
        return torch.zeros(segments, 2, max_delta, dtype=torch.float64, device=rows.device)
    rows = adjacent(rows)
    blocks = segment_blocks("curve", rows, offsets)
    out = torch.empty(blocks.programs, 2 * max_delta, dtype=torch.float32, device=rows.device)
    launch(
        _curve_kernel, blocks, rows, VALID=valid, POSITIONS=positions, OUT=out, max_delta=max_delta,
        STRIDE=rows.stride(0), HAS_VALID=valid is not None, BLOCK_DELTA=triton.next_power_of_2(max_delta),
    )  # fmt: skip
    return segment_sum(out, blocks.begins(), torch.float64).view(segments, 2, max_delta)
