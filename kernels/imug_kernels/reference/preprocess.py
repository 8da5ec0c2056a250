# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Plain PyTorch form of `preprocess`."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional as F

LEVELS_PER_CHUNK = 1 << 24  # source levels worked on at a time: bounds the temporaries of a batch of large images


def preprocess(
    images: Tensor,
    size: Sequence[int],
    dtype: torch.dtype,
    mean: Sequence[float],
    std: Sequence[float],
    resize: Sequence[int],
    crop: Sequence[int],
    interpolation: str,
) -> Tensor:
    """Return the pixels ``[N, C, *size]`` of ``images [N, C, H, W]``."""
    pixels = torch.empty(*images.shape[:2], *size, dtype=torch.float32, device=images.device)
    scale, shift = (values[:, None, None] for values in normalization(mean, std, images.device))
    step = max(1, LEVELS_PER_CHUNK // max(1, images[:1].numel()))
    for start in range(0, len(images), step):
        levels = _resized(images[start : start + step], tuple(resize), interpolation)
        levels = levels[:, :, crop[0] : crop[0] + size[0], crop[1] : crop[1] + size[1]]
        # A product of levels and floats written in place is ten times faster on a CPU than one that is assigned.
        torch.mul(levels, scale, out=pixels[start : start + step]).sub_(shift)
    return pixels.to(dtype)


def normalization(mean: Sequence[float], std: Sequence[float], device: torch.device) -> tuple[Tensor, Tensor]:
    """Return scale and shift ``[C]``: a pixel is its level times the scale, less the shift."""
    scale = torch.tensor([1 / (255 * s) for s in std], dtype=torch.float32, device=device)
    return scale, torch.tensor([m / s for m, s in zip(mean, std)], dtype=torch.float32, device=device)


def _resized(images: Tensor, size: tuple[int, ...], interpolation: str) -> Tensor:
    if tuple(images.shape[2:]) == size:
        return images
    if images.device.type == "cpu":  # integer arithmetic as Pillow's, several times faster than float32
        return F.interpolate(images, size=size, mode=interpolation, antialias=True)
    levels = images.float()
    for step in ((images.shape[2], size[1]), size):
        levels = F.interpolate(levels, size=step, mode=interpolation, antialias=True).round_().clamp_(0, 255)
    return levels
