# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Images of 8-bit levels to the normalised pixels a model receives, in one pass."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import torch
from torch import Tensor

from imug_kernels.checks import check_by_channel, check_choice, check_crop, check_floating_dtype, check_images
from imug_kernels.ops import register
from imug_kernels.reference import preprocess as reference


def preprocess(
    images: Tensor,
    size: tuple[int, int],
    mean: Sequence[float],
    std: Sequence[float],
    *,
    resize: tuple[int, int] | None = None,
    crop: tuple[int, int] | None = None,
    layout: Literal["nchw", "nhwc"] = "nchw",
    dtype: torch.dtype = torch.float32,
    interpolation: Literal["bicubic", "bilinear"] = "bicubic",
) -> Tensor:
    """Resize by antialiased interpolation, crop and normalise.

    The resized image agrees with that of Pillow and torchvision within one of 255 levels: rows are resized first,
    rounded to levels, then columns (Pillow takes the other order in rare cases that enlarge one side and reduce the
    other). The result is ``(level / 255 - mean) / std``.

    Args:
        images: uint8 ``[N, C, H, W]``, or ``[N, H, W, C]`` with ``layout="nhwc"``.
        size: Height and width of the result.
        mean: Mean of each channel in units of [0, 1].
        std: Standard deviation of each channel in units of [0, 1].
        resize: Height and width after the resize. Default: the smallest of the image's aspect ratio that covers
            ``size``, cut to whole pixels as torchvision and transformers do; ``size`` itself ignores the aspect ratio.
        crop: First row and column of the crop. Default: its centre, half pixels rounded to even as torchvision does.
        layout: Order of the axes of ``images``; either is read in place.
        dtype: float32, float16 or bfloat16, of the result.
        interpolation: ``"bicubic"`` or ``"bilinear"``, antialiased either way.

    Returns:
        ``[N, C, *size]``.

    Raises:
        TypeError: If ``images`` is not uint8 or ``dtype`` is not floating point.
        ValueError: If a shape does not fit or the crop leaves the resized image.

    Example:
        >>> import torch
        >>> from imug_kernels import preprocess
        >>> white = torch.full((1, 3, 8, 6), 255, dtype=torch.uint8)
        >>> preprocess(white, (4, 4), [0.5] * 3, [0.5] * 3).unique()
        tensor([1.])
    """
    check_choice("layout", layout, ("nchw", "nhwc"))
    check_choice("interpolation", interpolation, ("bicubic", "bilinear"))
    check_floating_dtype("dtype", dtype)
    check_images(images)
    images = images.permute(0, 3, 1, 2) if layout == "nhwc" else images
    check_by_channel("mean", mean, images.shape[1])
    check_by_channel("std", std, images.shape[1])
    resize = _covering(images.shape[2], images.shape[3], size) if resize is None else resize
    crop = (round((resize[0] - size[0]) / 2), round((resize[1] - size[1]) / 2)) if crop is None else crop
    check_crop(size, crop, resize)
    geometry = [list(mean), list(std), list(resize), list(crop)]
    pixels: Tensor = _preprocess(images, list(size), dtype, *geometry, interpolation)
    return pixels


def _covering(height: int, width: int, size: tuple[int, int]) -> tuple[int, int]:
    """Return the size of the image's aspect ratio that covers ``size`` with nothing to spare on one side."""
    if size[0] * width <= size[1] * height:
        return max(size[0], size[1] * height // width), size[1]
    return size[0], max(size[1], size[0] * width // height)


def _fake(images: Tensor, size: Sequence[int], dtype: torch.dtype, *_: Any) -> Tensor:
    return torch.empty(*images.shape[:2], *size, dtype=dtype, device=images.device)


_preprocess = register(
    reference.preprocess,
    "(Tensor images, int[] size, ScalarType dtype, float[] mean, float[] std, int[] resize, int[] crop, "
    "str interpolation) -> Tensor",
    fake=_fake,
    dtype=None,
)
