# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Images in memory as arrays and tensors: one layout, one range, and errors that say what to write instead."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

# Resized images overshoot [0, 1] by rounding errors; anything further out is in another range altogether.
_RANGE_TOLERANCE = 1e-3


def check_tensor(images: Tensor | np.ndarray, *, ndim: int, where: str, max_pixels: int) -> Tensor:
    """A batch or a single image with its channels first.

    Args:
        images: ``[N, 3, H, W]`` or ``[N, H, W, 3]`` where ``ndim`` is 4, the same without N where it is 3; uint8 or
            floating point in [0, 1].
        ndim: 4 for a batch, 3 for a single image.
        where: which image it is, for error messages, such as " at row 2"; empty for a batch.
        max_pixels: Height times width above which it is refused.

    Returns:
        uint8 or float32 in [0, 1], ``[N, 3, H, W]`` or ``[3, H, W]``, a view where nothing had to be changed.

    Raises:
        ValueError: If shape, dtype, range or size is another one; the message says what to write instead.

    Example:
        >>> check_tensor(np.zeros((8, 9, 3)), ndim=3, where="", max_pixels=100).shape
        torch.Size([3, 8, 9])
        >>> check_tensor(np.zeros((8, 9, 3), np.uint16), ndim=3, where="", max_pixels=100)
        Traceback (most recent call last):
        ...
        ValueError: Expected argument `images` to be uint8 or floating point, got uint16. Write `images / 65535`.
    """
    values = _as_tensor(images, where)
    shape = list(values.shape)
    last = len(shape) == ndim and shape[-3] != 3 and shape[-1] == 3
    values = values.movedim(-1, -3) if last else values
    if len(shape) != ndim or values.shape[-3] != 3 or 0 in values.shape[-2:]:
        expected = "[N, 3, H, W] or [N, H, W, 3]" if ndim == 4 else "[3, H, W] or [H, W, 3]"
        cure = _cure_of_shape(shape, ndim)
        raise ValueError(f"Expected argument `images` to have shape {expected}, got {shape}{where}.{cure}")
    check_size(values.shape[-1], values.shape[-2], where, max_pixels)
    if values.dtype == torch.uint8:
        return values
    if not values.is_floating_point():
        name = str(values.dtype).removeprefix("torch.")
        cure = _cure_of_dtype(values)
        raise ValueError(f"Expected argument `images` to be uint8 or floating point, got {name}{where}.{cure}")
    return _check_range(values.float(), where)


def check_size(width: int, height: int, where: str, max_pixels: int) -> None:
    """Raise ValueError where an image has too many pixels."""
    if width * height > max_pixels:
        raise ValueError(
            f"Expected argument `images` to hold at most {max_pixels} pixels an image, got {width} x {height}{where}."
            " Raise `max_pixels` to accept it."
        )


def _as_tensor(images: Tensor | np.ndarray, where: str) -> Tensor:
    if isinstance(images, Tensor):
        return images
    if images.dtype.kind not in "buif" or images.dtype.itemsize > 8:
        cure = " Pass images of several sizes as a list." if images.dtype.kind == "O" else ""
        raise ValueError(
            f"Expected argument `images` to be uint8 or floating point, got an array of {images.dtype}{where}.{cure}"
        )
    # Negative strides (flipped views) and read-only memory cannot be wrapped without a copy, nor foreign byte order.
    return torch.from_numpy(np.array(images, dtype=images.dtype.newbyteorder("=")))


def _cure_of_shape(shape: list[int], ndim: int) -> str:
    """What to write in place of images of another shape; empty where that is not clear."""
    if 0 in shape[-3:]:
        return " It holds no pixels."
    if len(shape) == ndim:
        return _cure_of_channels(shape, single=ndim == 3)
    if ndim == 4:
        if len(shape) == 3 and 3 in (shape[0], shape[-1]):
            return " Write `images[None]` for a single image."
        return " Write `images.flatten(0, 1)` for turns of dialogues." if len(shape) == 5 else ""
    if len(shape) == 4 and shape[0] == 1:
        return " Write `images[0]` for a single image."
    return " Write `np.stack([image] * 3)` for a grey image." if len(shape) == 2 else ""


def _cure_of_channels(shape: list[int], *, single: bool) -> str:
    if shape[-3] == 1:
        return f" Write `images.expand({'3, -1, -1' if single else '-1, 3, -1, -1'})` of a tensor for grey images."
    if shape[-1] == 1:
        return " Write `images.repeat(3, -1)` of an array for grey images."
    if shape[-3] == 4:
        kept = "images[:3]" if single else "images[:, :3]"
        return f" Write `{kept}` to drop transparency; latents have to be decoded first."
    if shape[-1] == 4:
        passed = "uint8 arrays" if single else "`list(images)` of a uint8 array"
        return f" Pass {passed} for transparent images, or write `images[..., :3]`."
    return ""


def _cure_of_dtype(values: Tensor) -> str:
    if values.dtype == torch.bool:
        return " Write `images * 1.0`."
    if str(values.dtype) == "torch.uint16":
        return " Write `images / 65535`."
    if values.is_complex() or values.numel() == 0:
        return ""
    low, high = (int(bound) for bound in values.double().aminmax())
    if low < 0:
        return f" Its values lie from {low} to {high}, where no image lies."
    if high <= 255:
        return " Write `images.to(torch.uint8)` of a tensor, `images.astype('uint8')` of an array."
    return " Write `images / 65535` for values of 16 bits." if high <= 65535 else ""


def _check_range(images: Tensor, where: str) -> Tensor:
    if images.numel() == 0:
        return images
    low, high = images.detach().aminmax()
    if low >= -_RANGE_TOLERANCE and high <= 1 + _RANGE_TOLERANCE:  # false for NaN as well
        return images.clamp(0, 1)
    if not where:
        flat = images.detach().flatten(1)
        inside = (flat.amin(1) >= -_RANGE_TOLERANCE) & (flat.amax(1) <= 1 + _RANGE_TOLERANCE)
        where = f" at row {int((~inside).nonzero()[0, 0])}"
    raise ValueError(
        "Expected argument `images` to lie in [0, 1] where it is floating point, got"
        f" {_found_range(float(low), float(high), where)}"
    )


def _found_range(low: float, high: float, where: str) -> str:
    if low != low:
        return f"NaN{where}."
    found = f"values from {low:.4g} to {high:.4g}{where}."
    if low >= -0.5 and 1 + _RANGE_TOLERANCE < high <= 1.5:
        return f"{found} Write `images.clip(0, 1)` where a resize has overshot."
    if low >= -1 - _RANGE_TOLERANCE and high <= 1 + _RANGE_TOLERANCE:
        return f"{found} Write `(images + 1) / 2` for the range -1 to 1."
    if low < -_RANGE_TOLERANCE:
        return f"{found} Images that are normalised have to be turned back, and latents decoded."
    if high <= 255:
        return f"{found} Write `images / 255`, or pass uint8, for the range 0 to 255."
    return f"{found} Write `images / 65535` for values of 16 bits." if high <= 65535 else found
