# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""The last steps of every functional metric: values of what is there, as they are or their mean."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from imug_metrics.dialogues.arrays import BOOLEANS, read_array
from imug_metrics.errors import InputError


def present_values(values: Tensor, valid: Any) -> Tensor:
    """Values with NaN where an output is absent.

    Args:
        values: floating point.
        valid: bool of their shape; None: all are there.

    Raises:
        InputError: if `valid` is not boolean or has another shape.

    Example:
        >>> present_values(torch.ones(2), [True, False])
        tensor([1., nan])
    """
    if valid is None:
        return values
    return values.masked_fill(~valid_mask(valid, tuple(values.shape), values.device), torch.nan)


def valid_mask(valid: Any, shape: tuple[int, ...], device: torch.device, of: str = "the records") -> Tensor:
    """`valid` as a bool tensor of a shape, on a device; cells behind the ends of lists are False.

    Args:
        valid: in any form.
        shape: what it has to have.
        device: where the result lives.
        of: whose shape it is, for the error.

    Raises:
        InputError: if it is not boolean or has another shape.

    Example:
        >>> valid_mask([[True], [True, False]], (2, 2), torch.device("cpu"))
        tensor([[ True, False],
                [ True, False]])
    """
    mask = read_array("valid", valid, BOOLEANS).values
    if tuple(mask.shape) != shape:
        raise InputError("valid", f"to have the shape of {of}, {[*shape]}", [*mask.shape])
    return mask.to(device)


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
