# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Plain PyTorch form of `rbf_sum`: tiles of kernel values, summed one by one."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import torch
from torch import Tensor

from imug_kernels.dtypes import fits_float32, multiplies_float32, work_dtype, work_zeros
from imug_kernels.reference.chunking import chunk_rows, tile_shape

# So few pairs are made in float64: they take no time, and too few errors do not cancel.
_FEW_PAIRS = 1 << 17
# Halves of squared distances from the centre, in units of sigma squared, between which float32 loses no digits.
_NEAR, _FAR = 2.0**-60, 32.0


def rbf_sum(x: Tensor, y: Tensor, sigma: float) -> Tensor:
    """Return the sum over all pairs of rows of two tensors, a scalar."""
    total, (size_x, size_y) = work_zeros(x), tile_shape(x.device)
    (x, y), factor, dtype = _prepared(sigma, len(x) * len(y), x, y)
    for rows in _split(x, size_x, dtype):
        for columns in _split(y, size_y, dtype):
            total += _tile_sum(rows, columns, factor)
    return total


def rbf_self_sum(x: Tensor, sigma: float) -> Tensor:
    """Return the sum over all pairs of rows of one tensor: the pairs on one side of the diagonal, counted twice."""
    total, (size_x, size_y) = work_zeros(x), tile_shape(x.device)
    (x,), factor, dtype = _prepared(sigma, len(x) ** 2, x)
    for start, rows in zip(range(0, len(x), size_x), _split(x, size_x, dtype), strict=True):
        total += _tile_sum(rows, rows, factor)
        for columns in _split(x[start + size_x :], size_y, dtype):
            total += 2 * _tile_sum(rows, columns, factor)
    return total


def _prepared(sigma: float, pairs: int, *sides: Tensor) -> tuple[Sequence[Tensor], float, torch.dtype]:
    """Return rows, by what their squared distances are multiplied, and in which precision: float32 if that will do.

    A product of float32 loses digits where rows lie far from the origin and close to each other. So they are moved to
    their centre, from where the squared lengths add up to no more than the squared distances, and are scaled in float64
    so that the factor is exact. Errors of pairs, about 1e-7 of their lengths, have either sign.
    """
    device = sides[0].device
    wide = sides, -0.5 / sigma**2, work_dtype(device)
    if pairs <= _FEW_PAIRS or device.type != "cpu" or not fits_float32(*sides) or not multiplies_float32():
        return wide
    center = torch.stack([rows.sum(0, dtype=torch.float64) for rows in sides]).sum(0) / sum(map(len, sides))
    narrow = [torch.empty(rows.shape, dtype=torch.float32) for rows in sides]
    step = chunk_rows(len(center), device)
    for moved, rows in zip(narrow, sides, strict=True):
        for out, part in zip(torch.split(moved, step), torch.split(rows, step), strict=True):
            out.copy_((part - center).mul_(math.sqrt(0.5) / sigma))
    farthest = torch.stack([squared_lengths(moved).amax() for moved in narrow])
    return (narrow, -1.0, torch.float32) if _NEAR < float(farthest.max()) < _FAR else wide


def _split(rows: Tensor, size: int, dtype: torch.dtype) -> Iterator[Tensor]:
    """Yield parts of the rows in ``dtype``; none of no rows."""
    return (rows[start : start + size].to(dtype) for start in range(0, len(rows), size))


def _tile_sum(x: Tensor, y: Tensor, factor: float) -> Tensor:
    values = _square_distance(x, y).mul_(factor).expm1_()
    return values.sum(1).sum(dtype=work_dtype(x.device))


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
    parts, dtype, (size_x, size_y) = [work_zeros(x, 0, x.shape[1])], work_dtype(x.device), tile_shape(x.device)
    for rows in _split(x, size_x, dtype):
        part = torch.zeros_like(rows)
        for columns in _split(y, size_y, dtype):
            kernel = (_square_distance(rows, columns) * (-0.5 / sigma**2)).exp_()
            part += kernel @ columns - kernel.sum(1, keepdim=True) * rows
        parts.append(part)
    return torch.cat(parts)
