# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Sum, count, minimum and maximum of every segment in float64, in an order that never changes."""

from __future__ import annotations

import torch
import triton
import triton.language as tl
from torch import Tensor

from imug_kernels.dtypes import extreme_dtype
from imug_kernels.reference.segments import segment_reduce as plain_form
from imug_kernels.triton_kernels.settings import segment_values
from imug_kernels.triton_kernels.tiles import segment_bounds, valid_rows


@triton.jit
def _segment_reduce_kernel(
    VALUES, VALID, OFFSETS, SUMS, COUNTS, MINIMA, MAXIMA, width,
    HAS_VALID: tl.constexpr, HAS_EXTREMES: tl.constexpr, BLOCK_R: tl.constexpr, BLOCK_W: tl.constexpr,
):  # fmt: skip
    # All programs lie on one axis of the grid: the others end at 65,535.
    across = tl.cdiv(width, BLOCK_W)
    segment = (tl.program_id(0) // across).to(tl.int64)
    first, end = segment_bounds(OFFSETS, segment)
    column = tl.program_id(0) % across * BLOCK_W + tl.arange(0, BLOCK_W)
    mask_n = column < width
    total = tl.zeros((BLOCK_R, BLOCK_W), tl.float64)
    count = tl.zeros((BLOCK_R,), tl.float64)
    nans = tl.zeros((BLOCK_R, BLOCK_W), tl.int32)
    lowest = tl.full((BLOCK_R, BLOCK_W), float("inf"), tl.float64)
    highest = tl.full((BLOCK_R, BLOCK_W), float("-inf"), tl.float64)
    for start in range(first, end, BLOCK_R):
        row = start + tl.arange(0, BLOCK_R)
        mask_m = valid_rows(VALID, row, end, HAS_VALID)
        mask = mask_m[:, None] & mask_n[None, :]
        value_ptrs = VALUES + (row.to(tl.int64)[:, None] * width + column[None, :])
        value = tl.load(value_ptrs, mask=mask, other=0.0).to(tl.float64)
        total += value
        if HAS_EXTREMES:
            count += tl.where(mask_m, 1.0, 0.0)
            # Counted apart: the compiled minimum of NaN and a number is the number, the interpreted one is NaN.
            nans += tl.where(value != value, 1, 0)
            lowest = tl.where(mask & (value < lowest), value, lowest)
            highest = tl.where(mask & (value > highest), value, highest)
    out = segment * width + column
    tl.store(SUMS + out, tl.sum(total, 0), mask=mask_n)
    if HAS_EXTREMES:
        counted = tl.sum(count)
        tl.store(COUNTS + segment, counted)  # the same from each of its programs
        undefined = tl.where(counted == 0, 1, tl.sum(nans, 0)) > 0
        least = tl.where(undefined, float("nan"), tl.min(lowest, 0))
        largest = tl.where(undefined, float("nan"), tl.max(highest, 0))
        if MINIMA.dtype.element_ty != tl.float64:  # the interpreter makes bf16 of float32 only
            least, largest = least.to(tl.float32), largest.to(tl.float32)
        tl.store(MINIMA + out, least, mask=mask_n)
        tl.store(MAXIMA + out, largest, mask=mask_n)


def segment_sum(values: Tensor, offsets: Tensor, dtype: torch.dtype) -> Tensor:
    """Return sums ``[S, W]`` in ``dtype``."""
    sums = torch.empty(len(offsets) - 1, values.shape[1], dtype=dtype, device=values.device)
    if sums.numel():
        _launch(values, None, offsets, sums)
    return sums


def segment_reduce(
    values: Tensor, offsets: Tensor, valid: Tensor | None, dtype: torch.dtype
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Return sums ``[S, W]`` in ``dtype``, counts ``[S]``, minima and maxima ``[S, W]``."""
    sums = torch.empty(len(offsets) - 1, values.shape[1], dtype=dtype, device=values.device)
    if sums.numel() == 0:  # a launch without columns would count nothing
        return plain_form(values, offsets, valid, dtype)
    counts = torch.empty(len(sums), dtype=torch.float64, device=values.device)
    least, largest = (torch.empty_like(sums, dtype=extreme_dtype(values)) for _ in range(2))
    _launch(values, valid, offsets, sums, counts, least, largest)
    return sums, counts, least, largest


def _launch(values: Tensor, valid: Tensor | None, offsets: Tensor, sums: Tensor, *others: Tensor) -> None:
    segments, width = sums.shape
    if not values.is_floating_point():
        values = values.to(torch.float64)
    blocks = segment_values(width)
    _segment_reduce_kernel[(segments * triton.cdiv(width, blocks["BLOCK_W"]),)](
        values.contiguous(), valid, offsets, sums, *(others or (None,) * 3), width,
        HAS_VALID=valid is not None, HAS_EXTREMES=bool(others), **blocks,
    )  # fmt: skip
