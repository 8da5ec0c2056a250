# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Cosine of row pairs."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from imug_kernels._checks import check_index, check_rows, check_same_width
from imug_kernels._chunks import CHUNK_ELEMENTS, add_pieces, gather_chunks, tracks_gradients, widen_chunks, work_dtype


def paired_cosine(
    x: Tensor, y: Tensor, ix: Tensor | None = None, iy: Tensor | None = None, *, eps: float = 1e-8
) -> Tensor:
    r"""Cosine of row ``ix[r]`` of ``x`` and row ``iy[r]`` of ``y``.

    .. math:: c_r = \frac{x \cdot y}{\max(|x|, \epsilon)\,\max(|y|, \epsilon)}

    A zero row gives 0; a row that holds NaN or infinity gives NaN. Rounding may carry the value past 1 by about 1e-15.
    Differentiable with respect to ``x`` and ``y``. Without gradients the temporaries stay cache-sized, whatever N is.

    Args:
        x: Rows ``[N, D]``, any floating dtype.
        y: Rows ``[M, D]``, any floating dtype.
        ix: Row numbers in ``x`` ``[R]``, -1 for "no row". Default: every row of ``x`` in order.
        iy: Row numbers in ``y`` ``[R]``, -1 for "no row". Default: every row of ``y`` in order.
        eps: Lower bound of a row's length in the denominator.

    Returns:
        Cosines ``[R]`` in [-1, 1], float64 (float32 on MPS); NaN where either index is -1.

    Raises:
        TypeError: If ``x`` or ``y`` is not floating point or an index is not integer.
        ValueError: If shapes, devices or row numbers do not fit.

    Example:
        >>> import torch
        >>> from imug_kernels import paired_cosine
        >>> x = torch.tensor([[1.0, 0.0], [0.0, 2.0]])
        >>> y = torch.tensor([[3.0, 4.0], [0.0, 0.0]])
        >>> paired_cosine(x, y)
        tensor([0.6000, 0.0000], dtype=torch.float64)
        >>> paired_cosine(x, y, ix=torch.tensor([1, -1]), iy=torch.tensor([0, 0]))
        tensor([0.8000,    nan], dtype=torch.float64)
    """
    check_rows("x", x)
    check_rows("y", y)
    check_same_width(x, y)
    check_index("ix", ix, x)
    check_index("iy", iy, y)
    count_x, count_y = len(x if ix is None else ix), len(y if iy is None else iy)
    if count_x != count_y:
        raise ValueError(f"Expected arguments `x`, `y` to pair as many rows, got {count_x} and {count_y}.")
    tracked = tracks_gradients(x, y)
    if ix is None and iy is None:
        return add_pieces(_zeros(x, count_x), _pieces(_in_order(x), _in_order(y), tracked, eps), tracked)
    ix = torch.arange(count_x, device=x.device) if ix is None else ix.long()
    iy = torch.arange(count_y, device=y.device) if iy is None else iy.long()
    kept = ((ix >= 0) & (iy >= 0)).nonzero()[:, 0]
    pieces = _pieces(_gathered(x, ix[kept]), _gathered(y, iy[kept]), tracked, eps)
    cosine = add_pieces(_zeros(x, len(kept)), pieces, tracked)
    return cosine.new_full((count_x,), torch.nan).index_copy(0, kept, cosine)


def _chunk_rows(rows: Tensor) -> int:
    return max(1, CHUNK_ELEMENTS // rows.shape[1])


def _in_order(rows: Tensor) -> Iterator[Tensor]:
    return iter(torch.split(rows, _chunk_rows(rows)))


def _gathered(rows: Tensor, index: Tensor) -> Iterator[Tensor]:
    return gather_chunks(rows, torch.split(index, _chunk_rows(rows)))


def _zeros(like: Tensor, count: int) -> Tensor:
    return torch.zeros(count, dtype=work_dtype(like.device), device=like.device)


def _pieces(xs: Iterator[Tensor], ys: Iterator[Tensor], tracked: bool, eps: float) -> Iterator[tuple[Tensor, Tensor]]:
    start = 0
    for a, b in zip(widen_chunks(xs, tracked), widen_chunks(ys, tracked), strict=True):
        length_a: Tensor = torch.linalg.vector_norm(a, dim=1)
        length_b: Tensor = torch.linalg.vector_norm(b, dim=1)
        product = a * b if tracked else a.mul_(b)
        index = torch.arange(start, start + len(a), device=a.device)
        yield index, product.sum(1) / (length_a.clamp_min(eps) * length_b.clamp_min(eps))
        start += len(a)
