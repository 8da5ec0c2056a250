# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Sum, count, minimum and maximum of every segment in float64, in an order that does not depend on the run."""

from __future__ import annotations

import torch
import triton
import triton.language as tl
from torch import Tensor


@triton.jit
def _segment_reduce_kernel(
    VALUES, VALID, OFFSETS, OUT, width, field,
    HAS_VALID: tl.constexpr, EXTREMES: tl.constexpr, BLOCK_R: tl.constexpr, BLOCK_W: tl.constexpr,
):  # fmt: skip
    segment = tl.program_id(0).to(tl.int64)
    first = tl.load(OFFSETS + segment)
    end = tl.load(OFFSETS + segment + 1)
    column = tl.program_id(1) * BLOCK_W + tl.arange(0, BLOCK_W)
    inside = column < width
    total = tl.zeros((BLOCK_R, BLOCK_W), tl.float64)
    count = tl.zeros((BLOCK_R, BLOCK_W), tl.float64)
    unknown = tl.zeros((BLOCK_R, BLOCK_W), tl.int32)
    least = tl.full((BLOCK_R, BLOCK_W), float("inf"), tl.float64)
    most = tl.full((BLOCK_R, BLOCK_W), float("-inf"), tl.float64)
    for start in range(first, end, BLOCK_R):
        row = start + tl.arange(0, BLOCK_R)
        usable = row < end
        if HAS_VALID:
            usable = usable & (tl.load(VALID + row, mask=usable, other=0) != 0)
        mask = usable[:, None] & inside[None, :]
        at = row.to(tl.int64)[:, None] * width + column[None, :]
        value = tl.load(VALUES + at, mask=mask, other=0.0).to(tl.float64)
        total += tl.where(mask, value, 0.0)
        if EXTREMES:
            count += tl.where(mask, 1.0, 0.0)
            # Counted apart: the compiled minimum of NaN and a number is the number, the interpreted one is NaN.
            unknown += tl.where(mask & (value != value), 1, 0)
            least = tl.where(mask & (value < least), value, least)
            most = tl.where(mask & (value > most), value, most)
    out = OUT + segment * width + column
    tl.store(out, tl.sum(total, 0), mask=inside)
    if EXTREMES:
        counted = tl.sum(count, 0)
        undefined = (counted == 0) | (tl.sum(unknown, 0) > 0)
        tl.store(out + field, counted, mask=inside)
        tl.store(out + 2 * field, tl.where(undefined, float("nan"), tl.min(least, 0)), mask=inside)
        tl.store(out + 3 * field, tl.where(undefined, float("nan"), tl.max(most, 0)), mask=inside)


def _config(width: int) -> dict[str, int]:
    """About 512 elements at a time: a segment is a dialogue of some dozen scalars, rarely more."""
    block = min(triton.next_power_of_2(width), 128)
    return {"BLOCK_R": max(4, 128 // block), "BLOCK_W": block, "num_warps": 1 if block < 16 else 4}


def segment_reduce(values: Tensor, offsets: Tensor, valid: Tensor | None, extremes: bool) -> Tensor:
    """Return sums ``[1, S, W]``, or sums, counts, minima and maxima ``[4, S, W]``, float64."""
    segments, width = len(offsets) - 1, values.shape[1]
    out = torch.empty(4 if extremes else 1, segments, width, dtype=torch.float64, device=values.device)
    if out.numel() == 0:
        return out
    if values.dtype not in (torch.float32, torch.float64):
        values = values.to(torch.float64)
    config = _config(width)
    _segment_reduce_kernel[(segments, triton.cdiv(width, config["BLOCK_W"]))](
        values.contiguous(), valid, offsets, out, width, segments * width,
        HAS_VALID=valid is not None, EXTREMES=extremes, **config,
    )  # fmt: skip
    return out
