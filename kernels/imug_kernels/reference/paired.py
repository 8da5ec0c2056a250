# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Plain PyTorch form of `paired_cosine`: chunks of pairs that fit a cache."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor

from imug_kernels.checks import check_index_values
from imug_kernels.dtypes import work_dtype
from imug_kernels.reference.chunking import chunk_rows, widen_chunks
from imug_kernels.reference.directions import directions, directions_backward, measure
from imug_kernels.reference.indices import existing, gather_rows


def paired_cosine(
    x: Tensor, y: Tensor, ix: Tensor | None, iy: Tensor | None, scale: float, floor: float | None
) -> Tensor:
    """Return the scaled cosine of every pair ``[R]``, in working precision."""
    check_index_values("ix", ix, x)
    check_index_values("iy", iy, y)
    count = len(x if ix is None else ix)
    cosine = torch.full((count,), torch.nan, dtype=work_dtype(x.device), device=x.device)
    if len(x) and len(y):
        # Every piece is written as it comes: held until the end, the small pieces would lie between the freed
        # temporaries of their chunks, keep the allocator from using those again, and memory would grow with N.
        step = chunk_rows(x.shape[1])
        sides = (widen_chunks(_gathered(x, ix, step)), widen_chunks(_gathered(y, iy, step)))
        for part, a, b in zip(torch.split(cosine, step), *sides, strict=True):
            side_x, side_y = measure(a, x.dtype), measure(b, y.dtype)
            part.copy_(side_x.rows.mul_(side_y.rows).sum(1) / (side_x.lengths * side_y.lengths))
    for index, rows in ((ix, x), (iy, y)):
        if index is not None:
            cosine.masked_fill_(~existing(index, len(rows)), torch.nan)
    return (cosine if floor is None else cosine.clamp_(min=floor)).mul_(scale)


def _gathered(rows: Tensor, index: Tensor | None, step: int) -> Iterator[Tensor]:
    if index is None:
        return iter(torch.split(rows, step))
    return (gather_rows(rows, part) for part in torch.split(index, step))


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
    totals = [torch.zeros_like(rows, dtype=work_dtype(x.device)) for rows in (x, y)]
    step = chunk_rows(x.shape[1])
    for start in range(0, len(grads[0]) if len(x) and len(y) else 0, step):
        chunk = slice(start, start + step)
        grad = grads[0][chunk]
        index_x, index_y = (None if index is None else index[chunk] for index in (ix, iy))
        a, b = (
            directions(_taken(rows, index, chunk).to(total.dtype, copy=True), rows.dtype)
            for rows, index, total in ((x, index_x, totals[0]), (y, index_y, totals[1]))
        )
        asked = a.known & b.known & (grad != 0)
        for index, rows in ((index_x, x), (index_y, y)):
            asked = asked if index is None else asked & existing(index, len(rows))
        if floor is not None:
            asked &= torch.linalg.vecdot(a.unit, b.unit) >= floor
        weight = (scale * grad.to(totals[0].dtype)).masked_fill(~asked, 0)[:, None]
        for total, index, other in ((totals[0], index_x, b.unit), (totals[1], index_y, a.unit)):
            if index is None:
                torch.mul(weight, other, out=total[chunk])
            else:  # in order on every device, unlike index_add
                total.index_put_((index.long().clamp(0, len(total) - 1),), weight * other, accumulate=True)
    return [directions_backward(rows, total) for rows, total in zip((x, y), totals, strict=True)]


def _taken(rows: Tensor, index: Tensor | None, chunk: slice) -> Tensor:
    return rows[chunk] if index is None else gather_rows(rows, index)
