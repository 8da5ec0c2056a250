# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Gradient of the cosine of row pairs: a program reads the rows of a few pairs and writes what each adds.

For ``c = x y / (|x| |y|)`` the gradient of ``x`` is ``(y / |y| - c x / |x|) / |x|``, and that of ``y`` likewise.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
import triton
import triton.language as tl
from torch import Tensor

from imug_kernels.triton_kernels.numerics import adjacent, direction_length
from imug_kernels.triton_kernels.paired import pair_products
from imug_kernels.triton_kernels.settings import row_blocks


@triton.jit
def _paired_backward_kernel(
    X, Y, IX, IY, GRAD, OUT_X, OUT_Y, pairs, rows_x, rows_y,
    D: tl.constexpr, STRIDE_X: tl.constexpr, STRIDE_Y: tl.constexpr, scale, floor,
    HAS_IX: tl.constexpr, HAS_IY: tl.constexpr,
    BLOCK_R: tl.constexpr, BLOCK_D: tl.constexpr,
):  # fmt: skip
    pair, exists, x_ptrs, y_ptrs, power_x, power_y, dot, squares_x, squares_y = pair_products(
        X, Y, IX, IY, pairs, rows_x, rows_y, D, STRIDE_X, STRIDE_Y, HAS_IX, HAS_IY, BLOCK_R, BLOCK_D
    )
    inverse_x = 1.0 / direction_length(squares_x)
    inverse_y = 1.0 / direction_length(squares_y)
    cosine = dot * inverse_x * inverse_y
    weight = scale * tl.load(GRAD + pair, mask=exists, other=0.0)
    asked = exists & (cosine >= floor) & (weight != 0)  # no comparison with NaN is true
    for k in range(0, D, BLOCK_D):
        d = k + tl.arange(0, BLOCK_D)
        within = (d < D)[None, :]
        mask = asked[:, None] & within
        x = tl.load(x_ptrs[:, None] + d[None, :], mask=mask, other=0.0).to(tl.float32) * (power_x * inverse_x)[:, None]
        y = tl.load(y_ptrs[:, None] + d[None, :], mask=mask, other=0.0).to(tl.float32) * (power_y * inverse_y)[:, None]
        of_x = (y - cosine[:, None] * x) * (weight * inverse_x)[:, None] * power_x[:, None]
        of_y = (x - cosine[:, None] * y) * (weight * inverse_y)[:, None] * power_y[:, None]
        place = pair[:, None] * D + d[None, :]
        written = (pair < pairs)[:, None] & within
        tl.store(OUT_X + place, tl.where(mask, of_x, 0.0), mask=written)
        tl.store(OUT_Y + place, tl.where(mask, of_y, 0.0), mask=written)


def paired_cosine_backward(
    grads: Sequence[Tensor],
    x: Tensor,
    y: Tensor,
    ix: Tensor | None,
    iy: Tensor | None,
    scale: float,
    floor: float | None,
) -> list[Tensor]:
    """Return the gradients of ``x`` and ``y``."""
    pairs, width = len(grads[0]), x.shape[1]
    parts = [
        torch.empty(pairs, width, dtype=rows.dtype if index is None else torch.float32, device=x.device)
        for rows, index in ((x, ix), (y, iy))
    ]
    if pairs and len(x) and len(y):
        left, right, blocks = adjacent(x), adjacent(y), row_blocks(width)
        _paired_backward_kernel[(triton.cdiv(pairs, blocks["BLOCK_R"]),)](
            left, right, ix, iy, grads[0].float(), *parts, pairs, len(x), len(y), width, left.stride(0),
            right.stride(0), scale, float("-inf") if floor is None else floor,
            HAS_IX=ix is not None, HAS_IY=iy is not None, **blocks,
        )  # fmt: skip
    elif pairs:
        parts = [part.zero_() for part in parts]
    return [_of_rows(part, index, rows) for part, index, rows in zip(parts, (ix, iy), (x, y), strict=True)]


def _of_rows(part: Tensor, index: Tensor | None, rows: Tensor) -> Tensor:
    """Return what the pairs add up to by row."""
    if index is None:
        return part
    total = torch.zeros(rows.shape, dtype=part.dtype, device=part.device)
    if len(rows):  # in order, unlike index_add
        total.index_put_((index.clamp(0, len(rows) - 1),), part, accumulate=True)
    return total.to(rows.dtype)
