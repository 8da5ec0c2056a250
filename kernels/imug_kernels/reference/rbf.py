# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Plain PyTorch form of `rbf_sum`: tiles of kernel values, summed one by one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor

from imug_kernels.dtypes import work_dtype, work_zeros
from imug_kernels.reference import chunking


def rbf_sum(x: Tensor, y: Tensor, sigma: float) -> Tensor:
    """Return the sum over all pairs of rows of two tensors, a scalar."""
    total = work_zeros(x)
    for rows in _split(x, chunking.TILE_X):
        for columns in _split(y, chunking.TILE_Y):
            total += _tile_sum(rows, columns, sigma)
    return total


def rbf_self_sum(x: Tensor, sigma: float) -> Tensor:
    """Return the sum over all pairs of rows of one tensor: the pairs on one side of the diagonal, counted twice."""
    total, size = work_zeros(x), chunking.TILE_X
    for start, rows in zip(range(0, len(x), size), _split(x, size), strict=True):
        total += _tile_sum(rows, rows, sigma)
        for columns in _split(x[start + size :], chunking.TILE_Y):
            total += 2 * _tile_sum(rows, columns, sigma)
    return total


def _split(rows: Tensor, size: int) -> Iterator[Tensor]:
    """Yield parts of the rows in the precision of the work; none of no rows."""
    for start in range(0, len(rows), size):
        yield rows[start : start + size].to(work_dtype(rows.device))


def _tile_sum(x: Tensor, y: Tensor, sigma: float) -> Tensor:
    return (_square_distance(x, y) * (-0.5 / sigma**2)).expm1_().sum()


def _square_distance(x: Tensor, y: Tensor) -> Tensor:
    return torch.addmm(squared_lengths(x)[:, None] + squared_lengths(y), x, y.mT, alpha=-2).clamp_min_(0)


def squared_lengths(rows: Tensor) -> Tensor:
    """Return the squared length of each row, NaN where it is infinite: such a row is unknown, not far away."""
    squares: Tensor = torch.linalg.vecdot(rows, rows)
    return squares.masked_fill(squares.isinf(), torch.nan)


def rbf_sum_backward(grads: Sequence[Tensor], x: Tensor, y: Tensor, sigma: float) -> list[Tensor]:
    """Return the gradients of ``x`` and ``y``."""
    factor = grads[0] / sigma**2
    return [(factor * _weighted_differences(a, b, sigma)).to(a.dtype) for a, b in ((x, y), (y, x))]


def rbf_self_sum_backward(grads: Sequence[Tensor], x: Tensor, sigma: float) -> list[Tensor]:
    """Return the gradient of ``x``."""
    return [(2 * grads[0] / sigma**2 * _weighted_differences(x, x, sigma)).to(x.dtype)]


def _weighted_differences(x: Tensor, y: Tensor, sigma: float) -> Tensor:
    """Return the sum over j of ``k(x_i, y_j) (y_j - x_i)``, ``[N, D]``."""
    parts = [work_zeros(x, 0, x.shape[1])]
    for rows in _split(x, chunking.TILE_X):
        part = torch.zeros_like(rows)
        for columns in _split(y, chunking.TILE_Y):
            kernel = (_square_distance(rows, columns) * (-0.5 / sigma**2)).exp_()
            part += kernel @ columns - kernel.sum(1, keepdim=True) * rows
        parts.append(part)
    return torch.cat(parts)
