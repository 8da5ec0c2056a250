# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Plain PyTorch form of `paired_cosine`: chunks of pairs that fit a cache."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from imug_kernels.checks import check_index_values
from imug_kernels.dtypes import fits_float32, work_dtype
from imug_kernels.reference.chunking import chunk_rows, widened_chunks
from imug_kernels.reference.directions import Measured, beyond_float32, may_hold_any, measure, times
from imug_kernels.reference.indices import existing, gather_rows, gathered_chunks

# Elements whose products are added up in float32, before float64 adds the sums of these blocks.
_BLOCK = 128


def paired_cosine(
    x: Tensor, y: Tensor, ix: Tensor | None, iy: Tensor | None, scale: float, floor: float | None
) -> Tensor:
    """Return the scaled cosine of every pair ``[R]``, in working precision."""
    check_index_values("ix", ix, x)
    check_index_values("iy", iy, y)
    if len(x) == 0 or len(y) == 0:
        return torch.full((len(x if ix is None else ix),), torch.nan, dtype=work_dtype(x.device), device=x.device)
    narrow = x.device.type == "cpu" and fits_float32(x, y)
    cosine = (_narrow_cosine if narrow else wide_cosine)(x, y, ix, iy)
    for index, rows in ((ix, x), (iy, y)):
        if index is not None:
            cosine.masked_fill_(~existing(index, len(rows)), torch.nan)
    return (cosine if floor is None else cosine.clamp_(min=floor)).mul_(scale)


def _narrow_cosine(x: Tensor, y: Tensor, ix: Tensor | None, iy: Tensor | None) -> Tensor:
    """Multiply in float32, which on a CPU takes half the time; pairs whose squares float32 cannot hold, in float64."""
    dot, *squares = _products(x, y, ix, iy)
    cosine: Tensor = dot / (squares[0] * squares[1]).sqrt_()
    pairs = beyond_float32(*squares)
    if len(pairs):
        cosine[pairs] = wide_cosine(x, y, *(pairs if index is None else index[pairs] for index in (ix, iy)))
    return cosine


def _products(x: Tensor, y: Tensor, ix: Tensor | None, iy: Tensor | None) -> Tensor:
    """Return the product of every pair and the squared lengths of its rows, ``[3, R]``, in float64.

    All three are made by the same operations on one contiguous buffer: no bit depends on the other pairs or on where
    and how the rows lie, and a row has cosine 1 with itself.
    """
    count, width = len(x if ix is None else ix), x.shape[1]
    step = max(1, min(count, 2 * chunk_rows(width, x.device)))  # float32 is half as large
    blocks = -(-width // _BLOCK)
    products = torch.zeros(step, blocks, -(-width // blocks), dtype=torch.float32)
    sums, totals = products.new_empty(3, step, blocks), torch.empty(3, count, dtype=torch.float64)
    sides = (widened_chunks(gathered_chunks(rows, index, step), torch.float32) for rows, index in ((x, ix), (y, iy)))
    for total, a, b in zip(torch.split(totals, step, 1), *sides, strict=True):
        filled, parts = products[: len(a)], sums[:, : len(a)]
        written = filled.flatten(1)[:, :width]
        for part, left, right in zip(parts, (a, a, b), (b, a, b), strict=True):
            torch.mul(left, right, out=written)
            torch.sum(filled, 2, out=part)
        torch.sum(parts, 2, dtype=torch.float64, out=total)
    return totals


def wide_cosine(x: Tensor, y: Tensor, ix: Tensor | None, iy: Tensor | None) -> Tensor:
    """Return the cosine of every pair in working precision, of some other pair where there is none."""
    dtype = work_dtype(x.device)
    cosine = torch.empty(len(x if ix is None else ix), dtype=dtype, device=x.device)
    # Every piece is written as it comes: held until the end, the small pieces would lie between the freed
    # temporaries of their chunks, keep the allocator from using those again, and memory would grow with N.
    step = chunk_rows(x.shape[1], x.device)
    sides = (widened_chunks(gathered_chunks(rows, index, step), dtype) for rows, index in ((x, ix), (y, iy)))
    for part, a, b in zip(torch.split(cosine, step), *sides, strict=True):
        side_x, side_y = measure(a, x.dtype), measure(b, y.dtype)
        part.copy_(torch.linalg.vecdot(side_x.rows, side_y.rows) / (side_x.lengths * side_y.lengths))
    return cosine


def paired_cosine_backward(
    grads: Sequence[Tensor],
    x: Tensor,
    y: Tensor,
    ix: Tensor | None,
    iy: Tensor | None,
    scale: float,
    floor: float | None,
) -> list[Tensor]:
    """Return the gradients of ``x`` and ``y``; a pair nobody asks about spoils none, whatever it holds."""
    dtype, wide = _gradient_dtype(x, y), work_dtype(x.device)
    gradients = [
        torch.zeros_like(rows, dtype=rows.dtype if index is None else wide) for rows, index in ((x, ix), (y, iy))
    ]
    step = chunk_rows(x.shape[1], x.device)
    for start in range(0, len(grads[0]) if len(x) and len(y) else 0, step):
        pairs = slice(start, start + step)
        index_x, index_y = (None if index is None else index[pairs] for index in (ix, iy))
        side_x, side_y = (
            measure(_taken(rows, index, pairs).to(dtype, copy=True), rows.dtype)
            for rows, index in ((x, index_x), (y, index_y))
        )
        grad = scale * _asked(_asked(grads[0][pairs].to(wide), index_x, x), index_y, y)
        parts = _pair_gradients(side_x, side_y, grad, floor)
        for gradient, index, part in zip(gradients, (index_x, index_y), parts, strict=True):
            if index is None:
                gradient[pairs] = part
            else:  # in order on every device, unlike index_add
                row = index.clamp(0, len(gradient) - 1)
                gradient.index_put_((row,), part.to(wide), accumulate=True)
    return [gradient.to(rows.dtype) for gradient, rows in zip(gradients, (x, y), strict=True)]


def _gradient_dtype(x: Tensor, y: Tensor) -> torch.dtype:
    """Return float32 for rows of 16 bits, whose gradients it rounds far less than they are, else working precision."""
    return torch.float32 if max(x.element_size(), y.element_size()) == 2 else work_dtype(x.device)


def _asked(grad: Tensor, index: Tensor | None, rows: Tensor) -> Tensor:
    return grad if index is None else grad.masked_fill(~existing(index, len(rows)), 0)


def _pair_gradients(a: Measured, b: Measured, grad: Tensor, floor: float | None) -> tuple[Tensor, Tensor]:
    """Return the gradients of the rows of pairs from those ``[R]`` of their cosines."""
    unit_a, unit_b = (side.rows.mul_(1 / side.lengths[:, None]) for side in (a, b))
    cosine = torch.linalg.vecdot(unit_a, unit_b)
    without = cosine.isnan() | (grad == 0) if floor is None else ~(cosine >= floor) | (grad == 0)
    parts = (
        times(torch.addcmul(other, unit, cosine[:, None], value=-1), grad / side.lengths / side.peak)
        for side, unit, other in ((a, unit_a, unit_b), (b, unit_b, unit_a))
    )
    if may_hold_any(without):
        parts = (part.masked_fill_(without[:, None], 0) for part in parts)
    of_a, of_b = parts
    return of_a, of_b


def _taken(rows: Tensor, index: Tensor | None, chunk: slice) -> Tensor:
    return rows[chunk] if index is None else gather_rows(rows, index)
