# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Least squares from cross products, which add over dialogues: coefficients, which of them are known, and by whom."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

_RANK = 1e-10
"""Directions of columns of length 1 whose squared length is below this share of the greatest are no directions."""
_KNOWN = 1e-6


class Coefficients(NamedTuple):
    """Coefficients of least squares.

    Attributes:
        value: float64 `[..., P]`; NaN where the columns do not tell a coefficient apart from the others.
        residual: float64 `[..., P, P]`, row `j`: what is left of column `j` when the others are taken out of it, as a
            combination of all columns (Frisch and Waugh, Econometrica 1, 1933). Its square says how much a dialogue
            weighs in coefficient `j`.
    """

    value: Tensor
    residual: Tensor


def least_squares(cross: Tensor, right: Tensor) -> Coefficients:
    """Coefficients from cross products of columns `X` and `y`, with derivatives in both products.

    Args:
        cross: float64 `[..., P, P]`, `X' X`.
        right: float64 `[..., P]`, `X' y`, of the same rows.

    Example:
        >>> x = torch.tensor([[1.0, 0.0, 0.0], [1.0, 1.0, 1.0], [1.0, 2.0, 2.0]], dtype=torch.float64)
        >>> y = torch.tensor([1.0, 3.0, 5.0], dtype=torch.float64)
        >>> least_squares(x.mT @ x, x.mT @ y).value  # the last two columns are one
        tensor([1.0000,    nan,    nan], dtype=torch.float64)
    """
    diagonal = cross.detach().diagonal(dim1=-2, dim2=-1)
    scale = torch.where(diagonal > 0, diagonal, 1).rsqrt()
    scales = scale[..., :, None] * scale[..., None, :]
    unit = cross.detach() * scales
    inverse = torch.linalg.pinv(unit, rtol=_RANK, hermitian=True)
    known = (inverse @ unit).diagonal(dim1=-2, dim2=-1) > 1 - _KNOWN
    inverse = inverse * scales
    found = (inverse @ right.detach()[..., None])[..., 0]
    # One step from the solution: it is 0, and has the derivatives that a solution has.
    step = right - (cross @ found[..., None])[..., 0]
    value = (found + (inverse @ step[..., None])[..., 0]).masked_fill(~known, torch.nan)
    own = inverse.diagonal(dim1=-2, dim2=-1)
    residual = inverse / torch.where(own > 0, own, 1)[..., :, None]
    return Coefficients(value, residual)
