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

_TOLERANCE = 1e-3  # resized masks overshoot [0, 1] by rounding errors


def load_mask(mask: Any, *, row: int) -> Tensor:
    """Read one mask.

    Args:
        mask: ``[H, W]``, a tensor or array: boolean, integer (above 0 is inside) or floating point (share in [0, 1]); a
            PIL image, or the path or the content of an image file (above half is inside).
        row: Its position in the caller's sequence, for error messages.

    Returns:
        float32 ``[H, W]`` in [0, 1].

    Raises:
        TypeError: If an image is of a kind not accepted.
        ValueError: If it cannot be read, or has an unexpected shape, dtype or range.

    Example:
        >>> load_mask(np.array([[0, 255]], np.uint8), row=0)
        tensor([[0., 1.]])
    """
    values = region_values(mask, row)
    if values.ndim != 2 or not values.numel():
        raise ValueError(f"Expected a region's mask to have shape [H, W], got {[*values.shape]} at row {row}.")
    return mask_shares(values, row)


def region_values(found: Any, row: int) -> Tensor:
    """The numbers of a box or a mask of any kind, as they stand; of an image, where it is above half.

    Raises:
        ValueError: If it holds no numbers, or is an image that cannot be read.

    Example:
        >>> region_values([1, 2, 3, 4], row=0)
        tensor([1, 2, 3, 4])
    """
    if isinstance(found, (Image.Image, str, os.PathLike, bytes)):
        return load_image(found, row=row).float().mean(0) > 127
    if isinstance(found, Tensor):
        return found if found.is_floating_point() or found.element_size() == 1 else found.long()
    array = np.asarray(found)
    if array.dtype.kind not in "buif":
        raise ValueError(f"Expected a region to hold numbers, got {array.dtype} at row {row}.")
    # PyTorch compares no unsigned integers of more than 8 bits, and wraps no foreign byte order.
    kept = np.dtype("int64") if array.dtype.kind == "u" else array.dtype.newbyteorder("=")
    return torch.from_numpy(np.array(array, dtype=kept))


def mask_shares(mask: Tensor, row: int) -> Tensor:
    """A mask as shares in [0, 1], float32.

    Raises:
        ValueError: If it is of floating point and leaves that range.

    Example:
        >>> mask_shares(torch.tensor([[False, True]]), row=0)
        tensor([[0., 1.]])
    """
    if not mask.is_floating_point():
        return as_shares(mask)
    low, high = mask.aminmax()
    if low >= -_TOLERANCE and high <= 1 + _TOLERANCE:  # false for NaN as well
        return as_shares(mask)
    found = "NaN" if bool(low.isnan()) else f"values from {float(low):.4g} to {float(high):.4g}"
    cure = "`mask / 255` for the range 0 to 255" if low >= 0 and 1 < high <= 255 else "`mask > 0` for a yes or no"
    raise ValueError(
        f"Expected a region's mask to lie in [0, 1] where it is floating point, got {found} at row {row}. Write {cure}."
    )


def as_shares(masks: Tensor) -> Tensor:
    """Masks of any dtype as float32 in [0, 1]: of integers those above 0 are inside.

    Example:
        >>> as_shares(torch.tensor([0, 7]))
        tensor([0., 1.])
    """
    return masks.float().clamp(0, 1) if masks.is_floating_point() else (masks > 0).float()
