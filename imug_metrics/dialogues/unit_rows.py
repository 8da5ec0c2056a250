# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Embeddings as rows of unit length, however short or long they are."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from imug_metrics._constants import constant

_SHORTEST = 1e-150  # below the length of every float32 row that is not zero, and its square is no zero


def unit_rows(rows: Tensor, there: Tensor) -> Tensor:
    """Rows `[N, D]` of unit length, float64, and zeros where there is none. Differentiable.

    Args:
        rows: `[N, D]`, floating point.
        there: bool `[N]`, rows that have a direction: finite and not zero.

    Example:
        >>> rows = torch.tensor([[3e-200, 4e-200], [torch.nan, 1]], dtype=torch.float64)
        >>> unit_rows(rows, torch.tensor([True, False]))
        tensor([[0.6000, 0.8000],
                [0.0000, 0.0000]], dtype=torch.float64)
    """
    found = rows.double().where(there[:, None], constant(_zero, like=rows))
    if rows.dtype == torch.float64 and found.shape[1]:  # of narrower ones no square leaves the range
        peak = found.detach().abs().amax(1, keepdim=True)
        found = found / peak.where(there[:, None], 1)
    return F.normalize(found, dim=1, eps=_SHORTEST)


def _zero(device: torch.device) -> Tensor:
    return torch.zeros((), dtype=torch.float64, device=device)
