# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Cosine matrices of segments, reduced row by row while a tile of cosines is in registers."""

from __future__ import annotations

import torch
import triton
import triton.language as tl
from torch import Tensor

from imug_kernels.triton_kernels.numerics import adjacent
from imug_kernels.triton_kernels.segment_blocks import launch, openings, program_rows, segment_blocks
from imug_kernels.triton_kernels.tiles import segment_rows, segment_tile, store_field


@triton.jit
def _pick(cosine, among, before):
    """The one cosine of each row that ``among`` marks, or what was known before."""
    found = tl.sum(tl.where(among, 1, 0), 1) > 0
    return tl.where(found, tl.sum(tl.where(among, cosine, 0.0), 1), before)


@triton.jit
def _gram_kernel(
    X, VALID, OFFSETS, SEGMENT, START, OUT, rows, segments,
    D: tl.constexpr, STRIDE: tl.constexpr, HAS_VALID: tl.constexpr, UPCAST: tl.constexpr, PRECISION: tl.constexpr,
    PACKED: tl.constexpr, BLOCK_M: tl.constexpr, BLOCK_N: tl.constexpr, BLOCK_K: tl.constexpr,
):  # fmt: skip
    segment = tl.load(SEGMENT + tl.program_id(0))
    if segment < 0:
        return
    begin, end, first, finish, origin, opening_m = program_rows(OFFSETS, START, segment, segments, PACKED, BLOCK_M)
    row, local_m, mask_m = segment_rows(VALID, begin, origin, end, HAS_VALID, BLOCK_M)
    is_single = (begin == first) & (end == finish) & (end - begin <= BLOCK_M)
    total = tl.zeros((BLOCK_M,), tl.float32)
    count = tl.zeros((BLOCK_M,), tl.float32)
    lowest = tl.full((BLOCK_M,), float("inf"), tl.float32)
    highest = tl.full((BLOCK_M,), float("-inf"), tl.float32)
    highest_before = tl.full((BLOCK_M,), float("-inf"), tl.float32)
    previous = tl.full((BLOCK_M,), float("nan"), tl.float32)
    anchor = tl.full((BLOCK_M,), float("nan"), tl.float32)
    for start in tl.range(first, finish, BLOCK_N, disable_licm=True):
        column, local_n, mask_n = segment_rows(VALID, start, origin, finish, HAS_VALID, BLOCK_N)
        cosine, known_m, known_n = segment_tile(
            X, row, column, mask_m, mask_n, is_single, D, STRIDE, UPCAST, PRECISION, BLOCK_M, BLOCK_N, BLOCK_K
        )
        partner = known_m[:, None] & known_n[None, :] & (local_m[:, None] != local_n[None, :])
        if PACKED:
            opening_n, _reach = openings(
                OFFSETS, segment, segments, begin, local_n, (finish - begin).to(tl.int32), BLOCK_N
            )
            partner = partner & (opening_m == opening_n[None, :])
        earlier = partner & (local_n[None, :] < local_m[:, None])
        total += tl.sum(tl.where(partner, cosine, 0.0), 1)
        count += tl.sum(tl.where(partner, 1.0, 0.0), 1)
        lowest = tl.minimum(lowest, tl.min(tl.where(partner, cosine, float("inf")), 1))
        highest = tl.maximum(highest, tl.max(tl.where(partner, cosine, float("-inf")), 1))
        highest_before = tl.maximum(highest_before, tl.max(tl.where(earlier, cosine, float("-inf")), 1))
        previous = _pick(cosine, earlier & (local_n[None, :] == local_m[:, None] - 1), previous)
        anchor = _pick(cosine, earlier & (local_n[None, :] == opening_m), anchor)
    inside = row < end
    out = OUT + row  # a field at a time: 7 * rows may pass 2**31
    out = store_field(out, rows, total, inside)
    out = store_field(out, rows, count, inside)
    out = store_field(out, rows, tl.where(count == 0, float("nan"), lowest), inside)
    out = store_field(out, rows, tl.where(count == 0, float("nan"), highest), inside)
    out = store_field(out, rows, tl.where(highest_before == float("-inf"), float("nan"), highest_before), inside)
    out = store_field(out, rows, previous, inside)
    store_field(out, rows, anchor, inside)


def dialogue_gram(rows: Tensor, offsets: Tensor, valid: Tensor | None) -> Tensor:
    """Return the seven statistics of every row, float32 ``[7, N]``."""
    out = torch.empty(7, len(rows), dtype=torch.float32, device=rows.device)
    if out.numel():
        rows = adjacent(rows)
        launch(
            _gram_kernel, segment_blocks("gram", rows, offsets), rows, VALID=valid, OUT=out, rows=len(rows),
            segments=len(offsets) - 1, STRIDE=rows.stride(0), HAS_VALID=valid is not None,
        )  # fmt: skip
    return out
