# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""The last step of every functional metric: values as they are, or their mean."""

from __future__ import annotations

from torch import Tensor


def reduce_values(values: Tensor, reduction: str) -> Tensor:
    """Values with NaN where undefined, or the mean of those that are defined (NaN when none is).

    Raises:
        ValueError: if `reduction` is neither `"none"` nor `"mean"`.

    Example:
        >>> import torch
        >>> reduce_values(torch.tensor([1.0, torch.nan, 0.5]), "mean")
        tensor(0.7500)
    """
    if reduction not in ("mean", "none"):
        raise ValueError(f"Expected argument `reduction` to be 'mean' or 'none', got {reduction!r}.")
    return values.nanmean() if reduction == "mean" else values
