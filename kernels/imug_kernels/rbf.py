# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Sums of a Gaussian kernel over all pairs of rows, for maximum mean discrepancies."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor

from imug_kernels.checks import check_rows, check_same_width
from imug_kernels.chunking import work_dtype
from imug_kernels.ops import register

TILE_X, TILE_Y = 512, 4096


def rbf_sum(x: Tensor, y: Tensor | None = None, *, sigma: float) -> Tensor:
    r"""Sum the Gaussian kernel less one over all pairs of rows.

    .. math:: \sum_{i,j} \left(\exp\left(-\frac{|x_i - y_j|^2}{2\sigma^2}\right) - 1\right)

    The ones cancel in a discrepancy, whose weights add up to zero; where distances are small beside sigma, as those of
    unit rows under sigma = 10, keeping them would cost the digits that matter. A row that holds NaN or infinity makes
    NaN of the sum. The pairs are made in tiles: memory does not grow with N x M. Differentiable with respect to ``x``
    and ``y``.

    Args:
        x: ``[N, D]``, any floating dtype.
        y: ``[M, D]``, any floating dtype. Default: ``x``; only half of the pairs are worked on then, and all N x N
            count (a row's pair with itself adds 0).
        sigma: Width of the kernel.

    Returns:
        Scalar, at most 0, float64 (float32 on MPS).

    Raises:
        TypeError: If the rows are not floating point.
        ValueError: If shapes or devices do not fit or ``sigma`` is not positive.

    Example:
        >>> import torch
        >>> from imug_kernels import rbf_sum
        >>> rbf_sum(torch.tensor([[0.0], [1.0]]), sigma=1.0)
        tensor(-0.7869, dtype=torch.float64)
    """
    check_rows("x", x)
    if y is not None:
        check_rows("y", y)
        check_same_width(x, y)
    if not sigma > 0:
        raise ValueError(f"Expected argument `sigma` to be positive, got {sigma}.")
    total: Tensor = _rbf_self_sum(x, sigma) if y is None else _rbf_sum(x, y, sigma)
    return total


def _plain(x: Tensor, y: Tensor, sigma: float) -> Tensor:
    total = _like(x).zero_()
    for rows in _split(x, TILE_X):
        for columns in _split(y, TILE_Y):
            total += _tile_sum(rows, columns, sigma)
    return total


def _plain_self(x: Tensor, sigma: float) -> Tensor:
    total = _like(x).zero_()
    for start, rows in zip(range(0, len(x), TILE_X), _split(x, TILE_X)):
        total += _tile_sum(rows, rows, sigma)
        for columns in _split(x[start + TILE_X :], TILE_Y):
            total += 2 * _tile_sum(rows, columns, sigma)
    return total


def _split(rows: Tensor, size: int) -> Iterator[Tensor]:
    """Yield parts of the rows in the precision of the work; none of no rows."""
    for start in range(0, len(rows), size):
        yield rows[start : start + size].to(work_dtype(rows.device))


def _tile_sum(x: Tensor, y: Tensor, sigma: float) -> Tensor:
    return (_square_distance(x, y) * (-0.5 / sigma**2)).expm1_().sum()


def _square_distance(x: Tensor, y: Tensor) -> Tensor:
    return torch.addmm(squares(x)[:, None] + squares(y), x, y.mT, alpha=-2).clamp_min_(0)


def squares(rows: Tensor) -> Tensor:
    """Return the squared length of each row, NaN where it is infinite: such a row is unknown, not far away."""
    found: Tensor = torch.linalg.vecdot(rows, rows)
    return found.masked_fill(found.isinf(), torch.nan)


def _like(x: Tensor, *_: object) -> Tensor:
    return x.new_empty((), dtype=work_dtype(x.device))


def _gradient(grads: Sequence[Tensor], x: Tensor, y: Tensor, sigma: float) -> list[Tensor]:
    factor = grads[0] / sigma**2
    return [(factor * _pull(a, b, sigma)).to(a.dtype) for a, b in ((x, y), (y, x))]


def _gradient_self(grads: Sequence[Tensor], x: Tensor, sigma: float) -> list[Tensor]:
    return [(2 * grads[0] / sigma**2 * _pull(x, x, sigma)).to(x.dtype)]


def _pull(x: Tensor, y: Tensor, sigma: float) -> Tensor:
    """Return the sum over j of ``k(x_i, y_j) (y_j - x_i)``, ``[N, D]``."""
    parts = [torch.zeros(0, x.shape[1], dtype=work_dtype(x.device), device=x.device)]
    for rows in _split(x, TILE_X):
        part = torch.zeros_like(rows)
        for columns in _split(y, TILE_Y):
            kernel = (_square_distance(rows, columns) * (-0.5 / sigma**2)).exp_()
            part += kernel @ columns - kernel.sum(1, keepdim=True) * rows
        parts.append(part)
    return torch.cat(parts)


_rbf_sum = register(
    "rbf_sum",
    "(Tensor x, Tensor y, float sigma) -> Tensor",
    _plain,
    _like,
    module="rbf",
    dtype=None,
    gradient=_gradient,
    wrt=(0, 1),
)
_rbf_self_sum = register(
    "rbf_self_sum",
    "(Tensor x, float sigma) -> Tensor",
    _plain_self,
    _like,
    module="rbf",
    dtype=None,
    gradient=_gradient_self,
    wrt=(0,),
)
