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
from imug_kernels.reference.lengths import radial_factor


def paired_cosine(
    x: Tensor, y: Tensor, ix: Tensor | None, iy: Tensor | None, eps: float, scale: float, floor: float | None
) -> Tensor:
    """Return the scaled cosine of every pair ``[R]``, in working precision."""
    check_index_values("ix", ix, x)
    check_index_values("iy", iy, y)
    count = len(x if ix is None else ix)
    cosine = torch.full((count,), torch.nan, dtype=work_dtype(x.device), device=x.device)
    if ix is None and iy is None:
        chunks_x, chunks_y = (iter(torch.split(rows, chunk_rows(rows.shape[1]))) for rows in (x, y))
        _fill(cosine, torch.arange(count, device=x.device), chunks_x, chunks_y, eps)
    else:
        pairs, index_x, index_y = _existing_pairs(ix, iy, torch.ones_like(cosine))
        _fill(cosine, pairs, _gathered(x, index_x), _gathered(y, index_y), eps)
    return (cosine if floor is None else cosine.clamp_(min=floor)).mul_(scale)


def _fill(cosine: Tensor, pairs: Tensor, chunks_x: Iterator[Tensor], chunks_y: Iterator[Tensor], eps: float) -> None:
    # Every piece is written as it comes: held until the end, the small pieces would lie between the freed temporaries
    # of their chunks, keep the allocator from using those again, and memory would grow with N.
    start = 0
    for a, b in zip(widen_chunks(chunks_x), widen_chunks(chunks_y), strict=True):
        lengths = [torch.linalg.vector_norm(side, dim=1).clamp_min(eps) for side in (a, b)]
        cosine[pairs[start : start + len(a)]] = a.mul_(b).sum(1) / (lengths[0] * lengths[1])
        start += len(a)


def _existing_pairs(ix: Tensor | None, iy: Tensor | None, wanted: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Return which pairs exist and are ``wanted`` (not 0), with their rows on either side."""
    in_order = torch.arange(len(wanted), device=wanted.device)
    index_x, index_y = (in_order if index is None else index.long() for index in (ix, iy))
    pairs = ((index_x >= 0) & (index_y >= 0) & (wanted != 0)).nonzero()[:, 0]
    return pairs, index_x[pairs], index_y[pairs]


def _gathered(rows: Tensor, index: Tensor) -> Iterator[Tensor]:
    return (rows.index_select(0, part) for part in torch.split(index, chunk_rows(rows.shape[1])))


def paired_cosine_backward(
    grads: Sequence[Tensor],
    x: Tensor,
    y: Tensor,
    ix: Tensor | None,
    iy: Tensor | None,
    eps: float,
    scale: float,
    floor: float | None,
) -> list[Tensor]:
    """Return the gradients of ``x`` and ``y``; a pair nobody asks about spoils none, whatever it holds."""
    existing = _existing_pairs(ix, iy, grads[0])
    totals = [torch.zeros_like(rows, dtype=work_dtype(x.device)) for rows in (x, y)]
    step = chunk_rows(x.shape[1])
    for pairs, index_x, index_y in zip(*(torch.split(index, step) for index in existing), strict=True):
        weight = scale * grads[0][pairs, None].to(totals[0].dtype)
        a, b = x.index_select(0, index_x).to(weight.dtype), y.index_select(0, index_y).to(weight.dtype)
        length_a, length_b = (torch.linalg.vector_norm(side, dim=1, keepdim=True).clamp_min(eps) for side in (a, b))
        both = length_a * length_b
        cosine = (a * b).sum(1, keepdim=True) / both
        weight = weight if floor is None else weight.masked_fill(cosine < floor, 0)
        for total, index, own, other, length in (
            (totals[0], index_x, a, b, length_a),
            (totals[1], index_y, b, a, length_b),
        ):
            total.index_add_(0, index, weight * (other / both - radial_factor(cosine, length, eps) * own))
    return [total.to(rows.dtype) for total, rows in zip(totals, (x, y), strict=True)]
