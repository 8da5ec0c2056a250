# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Running sums that are the same on every run: a CUDA device adds up `cumsum` of floats in an order that changes."""

import torch
from torch import Tensor
from torch.nn import functional as F

from imug_metrics._constants import constant

_BLOCK = 64


def running_sums(values: Tensor, dim: int = -1) -> Tensor:
    """Sums of the first, the first two, ... values, as `torch.cumsum`, by products in an order that never changes.

    Args:
        values: finite, floating-point.
        dim: along which they are summed.

    Returns:
        Of the shape and dtype of `values`.

    Example:
        >>> running_sums(torch.tensor([1.0, 2.0, 3.0]))
        tensor([1., 3., 6.])
    """
    rows = values.movedim(dim, -1)
    count = rows.shape[-1]
    if count <= _BLOCK:
        return (rows @ constant(_up_to, count, rows.dtype, like=rows)).movedim(-1, dim)
    blocks = F.pad(rows, (0, -count % _BLOCK)).reshape(*rows.shape[:-1], -1, _BLOCK)
    within = running_sums(blocks)
    before = F.pad(running_sums(within[..., -1])[..., :-1], (1, 0))
    return (within + before[..., None]).flatten(-2)[..., :count].movedim(-1, dim)


def _up_to(count: int, dtype: torch.dtype, device: torch.device) -> Tensor:
    """1 in column `c` for the rows up to `c`, `[count, count]`."""
    return torch.ones(count, count, dtype=dtype, device=device).triu()
