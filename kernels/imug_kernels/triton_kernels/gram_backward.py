# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Gradient of `dialogue_gram`: tiles of cosines are made again, weighed, and multiplied with the rows they are of.

Every statistic of row ``i`` weighs its cosines ``c_ij``: the gradient of a sum goes to all of them, that of an extreme
in equal parts to those that attain it. With ``w_ij`` the weights from both of its rows, the gradient of row ``i`` is
``sum_j w_ij (x_j / |x_j| - c_ij x_i / |x_i|) / |x_i|``. A first kernel finds which cosines attain the extremes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
import triton
import triton.language as tl
from torch import Tensor

from imug_kernels.tolerances import TIE
from imug_kernels.triton_kernels.numerics import adjacent
from imug_kernels.triton_kernels.segment_blocks import launch, segment_blocks
from imug_kernels.triton_kernels.tiles import (
    load_scaled,
    measured_tile,
    segment_bounds,
    segment_rows,
    segment_tile,
    store_field,
)

# Of a row: for minimum, maximum and maximum before, where it ends and the gradient of each cosine that attains it; the
# gradients of the sum, of the previous and of the anchor.
_FIELDS = 9


@triton.jit
def _partner_tile(
    X, VALID, row, local_m, mask_m, start, first, end,
    D: tl.constexpr, STRIDE: tl.constexpr, HAS_VALID: tl.constexpr, UPCAST: tl.constexpr, PRECISION: tl.constexpr,
    BLOCK_M: tl.constexpr, BLOCK_N: tl.constexpr, BLOCK_K: tl.constexpr,
):  # fmt: skip
    """Cosines [M, N] of a program's rows to those from ``start``; which are of two rows, and which to earlier ones."""
    column, local_n, mask_n = segment_rows(VALID, start, first, end, HAS_VALID, BLOCK_N)
    is_single = end - first <= BLOCK_M
    cosine, known_m, known_n = segment_tile(
        X, row, column, mask_m, mask_n, is_single, D, STRIDE, UPCAST, PRECISION, BLOCK_M, BLOCK_N, BLOCK_K
    )
    partner = known_m[:, None] & known_n[None, :] & (local_m[:, None] != local_n[None, :])
    return cosine, partner, partner & (local_n[None, :] < local_m[:, None])


@triton.jit
def _extremes_kernel(
    X, VALID, OFFSETS, SEGMENT, START, GRADS, OUT, rows, tie,
    D: tl.constexpr, STRIDE: tl.constexpr, HAS_VALID: tl.constexpr, UPCAST: tl.constexpr, PRECISION: tl.constexpr,
    BLOCK_M: tl.constexpr, BLOCK_N: tl.constexpr, BLOCK_K: tl.constexpr,
):  # fmt: skip
    """Where the extremes of each row end, for all that is within ``tie`` attains them, and the gradient of each such.

    Cosines of equal rows may differ in their last bit from tile to tile.
    """
    segment = tl.load(SEGMENT + tl.program_id(0))
    if segment < 0:
        return
    first, end = segment_bounds(OFFSETS, segment)
    begin = tl.load(START + tl.program_id(0))
    row, local_m, mask_m = segment_rows(VALID, begin, first, end, HAS_VALID, BLOCK_M)
    lowest = tl.full((BLOCK_M,), float("inf"), tl.float32)
    highest = tl.full((BLOCK_M,), float("-inf"), tl.float32)
    highest_before = tl.full((BLOCK_M,), float("-inf"), tl.float32)
    for start in tl.range(first, end, BLOCK_N, disable_licm=True):
        cosine, partner, earlier = _partner_tile(
            X, VALID, row, local_m, mask_m, start, first, end, D, STRIDE, HAS_VALID, UPCAST, PRECISION,
            BLOCK_M, BLOCK_N, BLOCK_K,
        )  # fmt: skip
        lowest = tl.minimum(lowest, tl.min(tl.where(partner, cosine, float("inf")), 1))
        highest = tl.maximum(highest, tl.max(tl.where(partner, cosine, float("-inf")), 1))
        highest_before = tl.maximum(highest_before, tl.max(tl.where(earlier, cosine, float("-inf")), 1))
    lowest += tie
    highest -= tie
    highest_before -= tie
    low = tl.zeros((BLOCK_M,), tl.float32)
    high = tl.zeros((BLOCK_M,), tl.float32)
    high_before = tl.zeros((BLOCK_M,), tl.float32)
    for start in tl.range(first, end, BLOCK_N, disable_licm=True):
        cosine, partner, earlier = _partner_tile(
            X, VALID, row, local_m, mask_m, start, first, end, D, STRIDE, HAS_VALID, UPCAST, PRECISION,
            BLOCK_M, BLOCK_N, BLOCK_K,
        )  # fmt: skip
        low += tl.sum(tl.where(partner & (cosine <= lowest[:, None]), 1.0, 0.0), 1)
        high += tl.sum(tl.where(partner & (cosine >= highest[:, None]), 1.0, 0.0), 1)
        high_before += tl.sum(tl.where(earlier & (cosine >= highest_before[:, None]), 1.0, 0.0), 1)
    # The gradients of sum, count, minimum, maximum, maximum before, previous and anchor, as they come.
    inside = row < end
    of_sum, grads = _next_field(GRADS, row, rows, inside)
    of_low, grads = _next_field(grads + rows, row, rows, inside)
    of_high, grads = _next_field(grads, row, rows, inside)
    of_high_before, grads = _next_field(grads, row, rows, inside)
    of_previous, grads = _next_field(grads, row, rows, inside)
    of_anchor, grads = _next_field(grads, row, rows, inside)
    out = store_field(OUT + row, rows, of_sum, inside)
    out = store_field(out, rows, lowest, inside)
    out = store_field(out, rows, of_low / tl.maximum(low, 1.0), inside)
    out = store_field(out, rows, highest, inside)
    out = store_field(out, rows, of_high / tl.maximum(high, 1.0), inside)
    out = store_field(out, rows, highest_before, inside)
    out = store_field(out, rows, of_high_before / tl.maximum(high_before, 1.0), inside)
    out = store_field(out, rows, of_previous, inside)
    store_field(out, rows, of_anchor, inside)


@triton.jit
def _next_field(fields, row, rows, mask):
    """One field of some rows, and where the next begins: a field at a time, since their number times rows is large."""
    return tl.load(fields + row, mask=mask, other=0.0), fields + rows


@triton.jit
def _along(fields, row, rows, mask, AXIS: tl.constexpr):
    """One field of the rows of one side of a tile, to be spread along ``AXIS``, and where the next begins."""
    values, following = _next_field(fields, row, rows, mask)
    return tl.expand_dims(values, AXIS), following


@triton.jit
def _weights(cosine, partner, earlier, is_previous, is_anchor, FIELDS, row, mask, rows, AXIS: tl.constexpr):
    """Gradients [M, N] of cosines by the statistics of the rows on one side of them."""
    of_sum, fields = _along(FIELDS, row, rows, mask, AXIS)
    lowest, fields = _along(fields, row, rows, mask, AXIS)
    of_low, fields = _along(fields, row, rows, mask, AXIS)
    highest, fields = _along(fields, row, rows, mask, AXIS)
    of_high, fields = _along(fields, row, rows, mask, AXIS)
    highest_before, fields = _along(fields, row, rows, mask, AXIS)
    of_high_before, fields = _along(fields, row, rows, mask, AXIS)
    of_previous, fields = _along(fields, row, rows, mask, AXIS)
    of_anchor, fields = _along(fields, row, rows, mask, AXIS)
    weight = of_sum + tl.where(cosine <= lowest, of_low, 0.0) + tl.where(cosine >= highest, of_high, 0.0)
    before = tl.where(cosine >= highest_before, of_high_before, 0.0)
    before += tl.where(is_previous, of_previous, 0.0) + tl.where(is_anchor, of_anchor, 0.0)
    return tl.where(partner, weight, 0.0) + tl.where(partner & earlier, before, 0.0)


@triton.jit
def _gram_backward_kernel(
    X, VALID, OFFSETS, SEGMENT, START, FIELDS, WEIGHTS, OUT, rows,
    D: tl.constexpr, STRIDE: tl.constexpr, HAS_VALID: tl.constexpr, UPCAST: tl.constexpr, PRECISION: tl.constexpr,
    BLOCK_M: tl.constexpr, BLOCK_N: tl.constexpr, BLOCK_K: tl.constexpr,
):  # fmt: skip
    segment = tl.load(SEGMENT + tl.program_id(0))
    if segment < 0:
        return
    first, end = segment_bounds(OFFSETS, segment)
    begin = tl.load(START + tl.program_id(0))
    row, local_m, mask_m = segment_rows(VALID, begin, first, end, HAS_VALID, BLOCK_M)
    x_ptrs = X + row.to(tl.int64) * STRIDE
    out_ptrs = OUT + row.to(tl.int64) * D
    written = row < end
    STEP: tl.constexpr = 32 if BLOCK_K > 32 else BLOCK_K  # three tiles of rows are in registers at a time
    # The weights of a tile pass through memory, that is through the caches, so that not everything that they are made
    # of has to be in registers at a time; barriers stand between what one thread writes and another reads.
    weight_ptrs = WEIGHTS + tl.program_id(0).to(tl.int64) * BLOCK_M * BLOCK_N
    weight_ptrs += tl.arange(0, BLOCK_M)[:, None] * BLOCK_N + tl.arange(0, BLOCK_N)[None, :]
    for start in tl.range(first, end, BLOCK_N, disable_licm=True):
        column, local_n, mask_n = segment_rows(VALID, start, first, end, HAS_VALID, BLOCK_N)
        cosine, length_m, length_n, power_m, power_n = measured_tile(
            X, row, column, mask_m, mask_n, end - first <= BLOCK_M, D, STRIDE, UPCAST, PRECISION,
            BLOCK_M, BLOCK_N, BLOCK_K,
        )  # fmt: skip
        ahead = local_m[:, None] - local_n[None, :]
        partner = (cosine == cosine) & (ahead != 0)  # NaN is what rows have that are masked or have no direction
        weight = _weights(cosine, partner, ahead > 0, ahead == 1, (local_n == 0)[None, :], FIELDS, row, mask_m, rows, 1)
        tl.store(weight_ptrs, weight)
        tl.debug_barrier()
        weight = tl.load(weight_ptrs)
        tl.debug_barrier()
        weight += _weights(
            cosine, partner, ahead < 0, ahead == -1, (local_m == 0)[:, None], FIELDS, column, mask_n, rows, 0
        )
        inverse_m = tl.where(length_m == length_m, 1.0 / length_m, 0.0)
        inverse_n = tl.where(length_n == length_n, 1.0 / length_n, 0.0)
        along = tl.sum(tl.where(partner, weight * cosine, 0.0), 1) * inverse_m
        tl.store(weight_ptrs, weight * inverse_n[None, :])
        tl.debug_barrier()
        y_ptrs = X + column.to(tl.int64) * STRIDE
        known_m = mask_m & (length_m == length_m)  # others are not read: their NaN times 0 would spoil all
        known_n = mask_n & (length_n == length_n)
        for k in tl.range(0, D, STEP, num_stages=1, disable_licm=True):
            d = k + tl.arange(0, STEP)
            within = (d < D)[None, :]
            x = load_scaled(x_ptrs[:, None] + d[None, :], known_m[:, None] & within, power_m, True).to(tl.float32)
            y = load_scaled(y_ptrs[:, None] + d[None, :], known_n[:, None] & within, power_n, True).to(tl.float32)
            weight = tl.load(weight_ptrs)
            part = tl.dot(weight, y, input_precision="tf32x3") - along[:, None] * x
            part = part * inverse_m[:, None] * power_m[:, None]
            place = out_ptrs[:, None] + d[None, :]
            if start > first:  # what the tiles before have added
                part += tl.load(place, mask=written[:, None] & within, other=0.0)
            tl.store(place, part, mask=written[:, None] & within)
        tl.debug_barrier()


def dialogue_gram_backward(
    grads: Sequence[Tensor], rows: Tensor, offsets: Tensor, valid: Tensor | None
) -> list[Tensor]:
    """Return the gradient of ``rows``; what is attained within `TIE` of an extreme shares its gradient."""
    gradient = torch.empty(rows.shape, dtype=torch.float32, device=rows.device)
    if gradient.numel():
        x = adjacent(rows)
        blocks = segment_blocks("gram_backward", x, offsets)
        given: dict[str, Any] = {"VALID": valid, "rows": len(x), "STRIDE": x.stride(0), "HAS_VALID": valid is not None}
        fields = torch.empty(_FIELDS, len(x), dtype=torch.float32, device=x.device)
        launch(_extremes_kernel, blocks, x, GRADS=grads[0].float().contiguous(), OUT=fields, tie=TIE, **given)
        weights = torch.empty(blocks.programs, blocks.tile["BLOCK_M"], blocks.tile["BLOCK_N"], device=x.device)
        launch(_gram_backward_kernel, blocks, x, FIELDS=fields, WEIGHTS=weights, OUT=gradient, **given)
    return [gradient.to(rows.dtype)]
