# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Cosine of row pairs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor

from imug_kernels.checks import check_index, check_index_values, check_rows, check_same_width
from imug_kernels.chunking import CHUNK_ELEMENTS, widen_chunks, work_dtype
from imug_kernels.ops import register, result_dtype


def paired_cosine(
    x: Tensor,
    y: Tensor,
    ix: Tensor | None = None,
    iy: Tensor | None = None,
    *,
    eps: float = 1e-8,
    scale: float = 1.0,
    floor: float | None = None,
) -> Tensor:
    r"""Cosine of row ``ix[r]`` of ``x`` and row ``iy[r]`` of ``y``, if wanted bounded below and scaled.

    .. math:: c_r = \frac{x \cdot y}{\max(|x|, \epsilon)\,\max(|y|, \epsilon)}, \qquad s \cdot \max(c_r, f)

    With ``scale=2.5, floor=0.0`` this is CLIPScore (Hessel et al., arXiv 2104.08718).

    A zero row gives 0; a row that holds NaN or infinity gives NaN. Rounding may carry the value past 1 by about 1e-15.
    Differentiable with respect to ``x`` and ``y``. Without gradients the temporaries stay cache-sized, whatever N is.

    Args:
        x: Rows ``[N, D]``, any floating dtype.
        y: Rows ``[M, D]``, any floating dtype.
        ix: Row numbers in ``x`` ``[R]``, -1 for "no row". Default: every row of ``x`` in order.
        iy: Row numbers in ``y`` ``[R]``, -1 for "no row". Default: every row of ``y`` in order.
        eps: Lower bound of a row's length in the denominator.
        scale: Factor ``s`` of the result.
        floor: Lower bound ``f`` of the cosine; None: there is none. NaN stays NaN.

    Returns:
        Cosines ``[R]`` in [-1, 1] if not scaled, float64 on a CPU and float32 elsewhere; NaN where either index is -1.

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
    cosine: Tensor = _paired_cosine(x, y, ix, iy, eps, scale, floor)
    return cosine


def _plain(
    x: Tensor, y: Tensor, ix: Tensor | None, iy: Tensor | None, eps: float, scale: float, floor: float | None
) -> Tensor:
    cosine = _cosines(x, y, ix, iy, eps)
    return (cosine if floor is None else cosine.clamp_(min=floor)).mul_(scale)


def _cosines(x: Tensor, y: Tensor, ix: Tensor | None, iy: Tensor | None, eps: float) -> Tensor:
    check_index_values("ix", ix, x)
    check_index_values("iy", iy, y)
    count = len(x if ix is None else ix)
    cosine = torch.full((count,), torch.nan, dtype=work_dtype(x.device), device=x.device)
    if ix is None and iy is None:
        xs, ys = (iter(torch.split(rows, _chunk_rows(rows))) for rows in (x, y))
        return _fill(cosine, torch.arange(count, device=x.device), xs, ys, eps)
    kept, at_x, at_y = _present(ix, iy, torch.ones_like(cosine))
    return _fill(cosine, kept, _gathered(x, at_x), _gathered(y, at_y), eps)


def _fill(cosine: Tensor, places: Tensor, xs: Iterator[Tensor], ys: Iterator[Tensor], eps: float) -> Tensor:
    # Every piece is written as it comes: held until the end, the small pieces would lie between the freed temporaries
    # of their chunks, keep the allocator from using those again, and memory would grow with N.
    start = 0
    for a, b in zip(widen_chunks(xs), widen_chunks(ys), strict=True):
        lengths = [torch.linalg.vector_norm(side, dim=1).clamp_min(eps) for side in (a, b)]
        cosine[places[start : start + len(a)]] = a.mul_(b).sum(1) / (lengths[0] * lengths[1])
        start += len(a)
    return cosine


def _present(ix: Tensor | None, iy: Tensor | None, wanted: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Return which pairs exist and are ``wanted`` (not 0), with their rows on either side."""
    everyone = torch.arange(len(wanted), device=wanted.device)
    at_x, at_y = (everyone if index is None else index.long() for index in (ix, iy))
    kept = ((at_x >= 0) & (at_y >= 0) & (wanted != 0)).nonzero()[:, 0]
    return kept, at_x[kept], at_y[kept]


def _chunk_rows(rows: Tensor) -> int:
    return max(1, CHUNK_ELEMENTS // rows.shape[1])


def _gathered(rows: Tensor, index: Tensor) -> Iterator[Tensor]:
    return (rows.index_select(0, part) for part in torch.split(index, _chunk_rows(rows)))


def _like(
    x: Tensor, y: Tensor, ix: Tensor | None, iy: Tensor | None, eps: float, scale: float, floor: float | None
) -> Tensor:
    return x.new_empty(len(x if ix is None else ix), dtype=result_dtype(x.device))


def _gradient(
    grads: Sequence[Tensor],
    x: Tensor,
    y: Tensor,
    ix: Tensor | None,
    iy: Tensor | None,
    eps: float,
    scale: float,
    floor: float | None,
) -> list[Tensor]:
    """Pull the gradient of the cosines back to the rows; a pair nobody asks about spoils none, whatever it holds."""
    kept, at_x, at_y = _present(ix, iy, grads[0])
    totals = [torch.zeros_like(rows, dtype=work_dtype(x.device)) for rows in (x, y)]
    step = _chunk_rows(x)
    for part, a_at, b_at in zip(*(torch.split(index, step) for index in (kept, at_x, at_y)), strict=True):
        weight = scale * grads[0][part, None].to(totals[0].dtype)
        a, b = x.index_select(0, a_at).to(weight.dtype), y.index_select(0, b_at).to(weight.dtype)
        a_length, b_length = (torch.linalg.vector_norm(v, dim=1, keepdim=True).clamp_min(eps) for v in (a, b))
        both = a_length * b_length
        cosine = (a * b).sum(1, keepdim=True) / both
        weight = weight if floor is None else weight.masked_fill(cosine < floor, 0)
        for total, at, own, other, length in ((totals[0], a_at, a, b, a_length), (totals[1], b_at, b, a, b_length)):
            # A row shorter than eps is divided by a constant: its direction may change its length.
            shrink = torch.where(length > eps, cosine / length**2, 0)
            total.index_add_(0, at, weight * (other / both - shrink * own))
    return [total.to(rows.dtype) for total, rows in zip(totals, (x, y), strict=True)]


_paired_cosine = register(
    "paired_cosine",
    "(Tensor x, Tensor y, Tensor? ix, Tensor? iy, float eps, float scale, float? floor) -> Tensor",
    _plain,
    _like,
    module="paired",
    gradient=_gradient,
    wrt=(0, 1),
)
