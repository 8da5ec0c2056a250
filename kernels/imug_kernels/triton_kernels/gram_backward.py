# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Gradient of `dialogue_gram`: tiles of cosines are made again, weighed, and multiplied with the rows they are of.

Every statistic of row ``i`` weighs its cosines ``c_ij``: the gradient of a sum goes to all of them, that of an extreme in
equal parts to those that attain it. With ``w_ij`` the weights from both of its rows, the gradient of row ``i`` is
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
    of_sum, grads = _next_field(GRADS + row, rows, inside)
    of_low, grads = _next_field(grads + rows, rows, inside)
    of_high, grads = _next_field(grads, rows, inside)
    of_high_before, grads = _next_field(grads, rows, inside)
    of_previous, grads = _next_field(grads, rows, inside)
    of_anchor, grads = _next_field(grads, rows, inside)
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
def _next_field(field_ptrs, rows, mask):
    """One field of some rows, and where the next lies: a field at a time, since their number times rows is large."""
    return tl.load(field_ptrs, mask=mask, other=0.0), field_ptrs + rows


@triton.jit
def _weights(cosine, partner, earlier, is_previous, is_anchor, FIELDS, row, mask, rows):
    """Gradients [M, N] of cosines by the statistics of the rows [M, 1] or [1, N] on one side of them."""
    of_sum, fields = _next_field(FIELDS + row, rows, mask)
    lowest, fields = _next_field(fields, rows, mask)
    of_low, fields = _next_field(fields, rows, mask)
    highest, fields = _next_field(fields, rows, mask)
    of_high, fields = _next_field(fields, rows, mask)
    highest_before, fields = _next_field(fields, rows, mask)
    of_high_before, fields = _next_field(fields, rows, mask)
    of_previous, fields = _next_field(fields, rows, mask)
    of_anchor, fields = _next_field(fields, rows, mask)
    weight = of_sum + tl.where(cosine <= lowest, of_low, 0.0) + tl.where(cosine >= highest, of_high, 0.0)
    before = tl.where(cosine >= highest_before, of_high_before, 0.0)
    before += tl.where(is_previous, of_previous, 0.0) + tl.where(is_anchor, of_anchor, 0.0)
    return tl.where(partner, weight, 0.0) + tl.where(partner & earlier, before, 0.0)


@triton.jit
def _gram_backward_kernel(
    X, VALID, OFFSETS, SEGMENT, START, FIELDS, OUT, rows,
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
    for start in tl.range(first, end, BLOCK_N, disable_licm=True):
        column, local_n, mask_n = segment_rows(VALID, start, first, end, HAS_VALID, BLOCK_N)
        cosine, length_m, length_n, power_m, power_n = measured_tile(
            X, row, column, mask_m, mask_n, end - first <= BLOCK_M, D, STRIDE, UPCAST, PRECISION,
            BLOCK_M, BLOCK_N, BLOCK_K,
        )  # fmt: skip
        known_m = mask_m & (length_m == length_m)
        ahead = local_m[:, None] - local_n[None, :]
        partner = known_m[:, None] & (mask_n & (length_n == length_n))[None, :] & (ahead != 0)
        weight = _weights(
            cosine, partner, ahead > 0, ahead == 1, local_n[None, :] == 0, FIELDS, row[:, None], mask_m[:, None], rows
        )
        weight += _weights(
            cosine, partner, ahead < 0, ahead == -1, local_m[:, None] == 0, FIELDS, column[None, :], mask_n[None, :],
            rows,
        )  # fmt: skip
        along = tl.where(known_m, tl.sum(tl.where(partner, weight * cosine, 0.0), 1) / length_m, 0.0)
        weight = tl.where(partner, weight / length_n[None, :], 0.0)
        inverse = tl.where(known_m, 1.0 / length_m, 0.0)
        y_ptrs = X + column.to(tl.int64) * STRIDE
        for k in tl.range(0, D, BLOCK_K, num_stages=1):
            d = k + tl.arange(0, BLOCK_K)
            within = (d < D)[None, :]
            x = load_scaled(x_ptrs[:, None] + d[None, :], mask_m[:, None] & within, power_m, True).to(tl.float32)
            y = load_scaled(y_ptrs[:, None] + d[None, :], mask_n[:, None] & within, power_n, True).to(tl.float32)
            known_y = tl.where((length_n == length_n)[:, None], y, 0.0)
            part = tl.dot(weight, known_y, input_precision="tf32x3") - tl.where(known_m[:, None], along[:, None] * x, 0.0)
            part = part * inverse[:, None] * power_m[:, None]
            place = out_ptrs[:, None] + d[None, :]
            if start > first:  # what the tiles before have added
                part += tl.load(place, mask=written[:, None] & within, other=0.0)
            tl.store(place, part, mask=written[:, None] & within)
        tl.debug_barrier()  # other threads may read what was written


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
        launch(_gram_backward_kernel, blocks, x, FIELDS=fields, OUT=gradient, **given)
    return [gradient.to(rows.dtype)]
