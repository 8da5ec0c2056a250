# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Running sums that are the same on every run: a CUDA device adds up `cumsum` of floats in an order that changes."""

from torch import Tensor
from torch.nn import functional as F


def running_sums(values: Tensor, dim: int = -1) -> Tensor:
    """Sums of the first, the first two, ... values, as `torch.cumsum`, in an order that never changes on any device.

    Args:
        values: floating-point.
        dim: along which they are summed.

    Returns:
        Of the shape and dtype of `values`.

    Example:
        >>> import torch
        >>> running_sums(torch.tensor([1.0, 2.0, 3.0]))
        tensor([1., 3., 6.])
    """
    if _keeps_order(values):
        return values.cumsum(dim)
    sums = values.movedim(dim, -1)
    shift = 1
    while shift < sums.shape[-1]:  # of 1, 2, 4, ... values that end here
        sums = sums + F.pad(sums[..., :-shift], (shift, 0))
        shift *= 2
    return sums.movedim(-1, dim)


def _keeps_order(values: Tensor) -> bool:
    """Whether `cumsum` adds in one order there."""
    return values.device.type == "cpu"
