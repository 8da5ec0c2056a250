# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Masks of every accepted kind, as shares of pixels."""

from __future__ import annotations

import os
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from imug_metrics.media.images import load_image


def load_mask(mask: Any, *, row: int) -> Tensor:
    """Read one mask.

    Args:
        mask: ``[H, W]``, a tensor or array: boolean, integer (above 0 is inside) or floating point (share in [0, 1]); a
            PIL image, or the path or the content of an image file (above half is inside).
        row: Its position in the caller's sequence, for error messages.

    Returns:
        float32 ``[H, W]`` in [0, 1].

    Raises:
        TypeError: If ``mask`` is of a kind not accepted.
        ValueError: If it cannot be read, or has an unexpected shape or range.

    Example:
        >>> load_mask(np.array([[0, 255]], np.uint8), row=0)
        tensor([[0., 1.]])
    """
    if isinstance(mask, (Image.Image, str, os.PathLike, bytes)):
        return (load_image(mask, row=row).float().mean(0) > 127).float()
    values = torch.from_numpy(np.ascontiguousarray(mask)) if isinstance(mask, np.ndarray) else mask
    if not isinstance(values, Tensor) or values.is_complex():
        kind = type(mask).__name__ if not isinstance(values, Tensor) else str(values.dtype)
        raise TypeError(f"Expected argument `masks` to hold tensors, arrays, images or paths, got {kind} at row {row}.")
    if values.ndim != 2 or not values.numel():
        raise ValueError(f"Expected argument `masks` to have shape [H, W], got {[*values.shape]} at row {row}.")
    shares = as_shares(values)
    low, high = (float(end) for end in shares.aminmax())
    if not (low >= 0 and high <= 1):  # nor NaN
        raise ValueError(
            f"Expected argument `masks` to lie in [0, 1], got values from {low:g} to {high:g} at row {row}."
        )
    return shares


def as_shares(mask: Tensor) -> Tensor:
    """A mask of any dtype as float32: integers above 0 are inside.

    Example:
        >>> as_shares(torch.tensor([0, 7]))
        tensor([0., 1.])
    """
    return mask.float() if mask.is_floating_point() or mask.dtype == torch.bool else (mask > 0).float()
