# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Order statistics of rows: the weights of "best of k out of n", ties that share, and average ranks."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from imug_kernels import segment_sum
from torch import Tensor

from imug_metrics._constants import constant


def best_of_weights(n: int, k: Tensor) -> Tensor:
    """Probability that the i-th smallest of n candidates is the largest of k drawn without replacement.

    `C(i - 1, k - 1) / C(n, k)`, from logarithms of factorials, so that no binomial overflows: the relative error stays
    below 1e-9 up to n = 10,000.

    Args:
        n: number of candidates.
        k: int64 `[K]`, numbers that are drawn, each from 1 to n.

    Returns:
        float64 `[K, n]`, columns i = 1 to n; each line adds to 1.

    Example:
        >>> best_of_weights(3, torch.tensor([1, 2, 3]))
        tensor([[0.3333, 0.3333, 0.3333],
                [0.0000, 0.3333, 0.6667],
                [0.0000, 0.0000, 1.0000]], dtype=torch.float64)
    """
    factorial = torch.lgamma(torch.arange(1, n + 2, dtype=torch.float64, device=k.device))  # log of 0!, 1!, ..., n!
    i, k = torch.arange(1, n + 1, device=k.device), k[:, None]
    below = i - k
    chosen = factorial[i - 1] - factorial[k - 1] - factorial[below.clamp_min(0)]
    every = factorial[n] - factorial[k] - factorial[n - k]
    return torch.exp(chosen - every).masked_fill(below < 0, 0)


def ascending_values(values: Tensor) -> Tensor:
    """Each row sorted, NaN last; differentiable.

    Example:
        >>> ascending_values(torch.tensor([[0.5, torch.nan, 0.25]]))
        tensor([[0.2500, 0.5000,    nan]])
    """
    if values.device.type == "cpu" and not values.requires_grad:
        return torch.from_numpy(np.sort(_numpy(values), axis=1)).to(values.dtype)
    return values.sort(1).values


def ascending(values: Tensor) -> Tensor:
    """Positions `[R, n]` that sort each row, NaN last. Ties come in any order.

    Example:
        >>> ascending(torch.tensor([[0.5, torch.nan, 0.25]]))
        tensor([[2, 0, 1]])
    """
    if values.device.type == "cpu":  # several times faster than torch's sort of many short rows
        return torch.from_numpy(np.argsort(_numpy(values.detach()), axis=1))
    return values.detach().argsort(1)


def share_ties(values: Tensor, keys: Tensor) -> Tensor:
    """Each value replaced by the mean over those of its row whose keys are equal.

    Args:
        values: `[R, n]`.
        keys: `[R, n]`, ascending in each row; NaN equals nothing.

    Returns:
        `[R, n]`. Differentiable in the values.

    Example:
        >>> share_ties(torch.tensor([[1.0, 0.0, 1.0]]), torch.tensor([[0.2, 0.2, 0.7]]))
        tensor([[0.5000, 0.5000, 1.0000]])
    """
    equal = keys[:, 1:] == keys[:, :-1]
    if values.device.type != "cpu":  # to ask which rows have ties would be to wait for the device
        return _block_means(values, equal)
    if not equal.any():
        return values
    rows = equal.any(1).nonzero()[:, 0]
    return values.index_copy(0, rows, _block_means(values[rows], equal[rows]))


def _block_means(values: Tensor, equal: Tensor) -> Tensor:
    """Means over runs of entries `[R, n]` whose key is `equal` `[R, n - 1]` to that of the entry before."""
    opens = torch.cat([torch.ones_like(values[:, :1], dtype=torch.bool), ~equal], 1)
    block = opens.flatten().cumsum(0) - 1
    offsets = torch.searchsorted(block, constant(torch.arange, values.numel() + 1, like=block))
    means = segment_sum(values.flatten(), offsets) / offsets.diff().clamp_min(1)
    return means.to(values.dtype)[block].view_as(values)


def average_ranks(values: Tensor) -> Tensor:
    """Ranks from 1 within each row, equal values sharing the mean of their ranks; NaN has none.

    Args:
        values: `[R, n]`.

    Returns:
        float64 `[R, n]`.

    Example:
        >>> average_ranks(torch.tensor([[0.5, 0.1, 0.5, torch.nan]]))
        tensor([[2.5000, 1.0000, 2.5000,    nan]], dtype=torch.float64)
    """
    order = ascending(values)
    places = torch.arange(1, values.shape[1] + 1, dtype=torch.float64, device=values.device).expand(values.shape)
    shared = share_ties(places, values.gather(1, order))
    return torch.empty_like(shared).scatter(1, order, shared).masked_fill(values.isnan(), torch.nan)


def _numpy(values: Tensor) -> np.ndarray[Any, Any]:
    """Values as an array; numpy has no bfloat16, and sorts 16 bits no faster than 32."""
    return values.to(torch.promote_types(values.dtype, torch.float32)).numpy()
