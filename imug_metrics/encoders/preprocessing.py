# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Resize, crop and normalise on the device, as the pipelines that models were trained with do on the CPU."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor
from torch.nn import functional as F

from imug_metrics.encoders.images import group_by_size

_PIXELS_PER_RESIZE = 32 * 1024 * 1024  # bounds the float32 copy of a stack of large images to 400 MB


@dataclass(frozen=True)
class Preprocessing:
    """A model's image preprocessing, read from its own configuration.

    For uint8 images the pixels agree with Pillow's and torchvision's within one of 255 levels, nearly all of them
    exactly, as long as the aspect ratio is kept; a squash that enlarges one side and reduces the other may differ by
    more, because recent Pillow chooses the order of its two passes. Floating-point images stay differentiable: they
    are not rounded to levels after the resize.

    Attributes:
        size: Height and width the model receives.
        mean: Channel means in units of [0, 1].
        std: Channel standard deviations in units of [0, 1].
        resize: Height and width aimed at before the centre crop, ``None`` to leave the images as they are.
        mode: ``"shortest"``: keep the aspect ratio and cover ``resize``; ``"longest"``: keep it and fit inside, padded
            with ``fill``; ``"squash"``: exactly ``resize``.
        interpolation: Antialiased ``"bicubic"`` or ``"bilinear"``.
        fill: Padding level per channel, 0 to 255.
        half_pixel_crop: Where the crop's offset is half a pixel: ``"round"`` to even as torchvision or ``"floor"`` as
            transformers.

    Example:
        >>> import torch
        >>> prepare = Preprocessing(size=(4, 4), mean=(0.5,) * 3, std=(0.5,) * 3, resize=(4, 4))
        >>> prepare([torch.full((3, 8, 6), 255, dtype=torch.uint8)]).unique()
        tensor([1.])
    """

    size: tuple[int, int]
    mean: tuple[float, ...]
    std: tuple[float, ...]
    resize: tuple[int, int] | None
    mode: Literal["shortest", "longest", "squash"] = "shortest"
    interpolation: Literal["bicubic", "bilinear"] = "bicubic"
    fill: tuple[int, int, int] = (0, 0, 0)
    half_pixel_crop: Literal["round", "floor"] = "round"

    def __post_init__(self) -> None:
        if self.mode not in ("shortest", "longest", "squash"):
            raise ValueError(f"Expected argument `mode` to be shortest, longest or squash, got {self.mode!r}.")
        if self.interpolation not in ("bicubic", "bilinear"):
            raise ValueError(
                f"Expected argument `interpolation` to be bicubic or bilinear, got {self.interpolation!r}."
            )

    def __call__(self, batch: Sequence[Tensor], device: torch.device | str | None = None) -> Tensor:
        """Prepare a batch.

        Args:
            batch: ``[3, H, W]`` tensors of any sizes or one tensor ``[n, 3, H, W]``; uint8, or float in [0, 1].
            device: Where to work and return; the images' own by default.

        Returns:
            float32 tensor ``[n, 3, *size]``, rows in the order of ``batch``.
        """
        order, prepared = [], []
        for rows, images in group_by_size(batch):
            order.append(rows)
            for part in images.split(max(1, _PIXELS_PER_RESIZE // math.prod(images.shape[-2:]))):
                prepared.append(self._prepare(part.to(device) if device is not None else part))
        pixels = torch.cat(prepared)
        return pixels if isinstance(batch, Tensor) else pixels[torch.cat(order).argsort().to(pixels.device)]

    def _prepare(self, images: Tensor) -> Tensor:
        if self.resize is not None:
            images = _resize(images, self._resized(images.shape[-2], images.shape[-1], self.resize), self.interpolation)
        images = self._centre(images)
        images = images.float() / 255 if images.dtype == torch.uint8 else images
        return (images - _channels(self.mean, images)) / _channels(self.std, images)

    def _resized(self, height: int, width: int, target: tuple[int, int]) -> tuple[int, int]:
        target_height, target_width = target
        if self.mode == "squash":
            return target
        if self.mode == "shortest" and target_height == target_width:
            short, long = min(height, width), max(height, width)
            long = int(target_height * long / short)  # cut, not rounded, by torchvision and transformers alike
            return (long, target_width) if height > width else (target_height, long)
        pick = min if self.mode == "shortest" else max
        ratio = pick(height / target_height, width / target_width)
        return max(1, round(height / ratio)), max(1, round(width / ratio))

    def _centre(self, images: Tensor) -> Tensor:
        height, width = self.size
        spare_y, spare_x = images.shape[-2] - height, images.shape[-1] - width
        if min(spare_y, spare_x) < 0:
            images = self._pad(images, max(0, -spare_x), max(0, -spare_y))
            spare_y, spare_x = max(0, spare_y), max(0, spare_x)
        half = round if self.half_pixel_crop == "round" else math.floor
        top, left = half(spare_y / 2), half(spare_x / 2)
        return images[..., top : top + height, left : left + width]

    def _pad(self, images: Tensor, missing_x: int, missing_y: int) -> Tensor:
        shape = (*images.shape[:-2], images.shape[-2] + missing_y, images.shape[-1] + missing_x)
        levels = torch.tensor(self.fill, dtype=torch.float32, device=images.device)
        levels = levels.to(torch.uint8) if images.dtype == torch.uint8 else levels / 255
        padded = levels.view(3, 1, 1).expand(shape).clone()
        top, left = missing_y // 2, missing_x // 2
        padded[..., top : top + images.shape[-2], left : left + images.shape[-1]] = images
        return padded


def _channels(values: tuple[float, ...], like: Tensor) -> Tensor:
    return torch.tensor(values, dtype=torch.float32, device=like.device).view(-1, 1, 1)


def _resize(images: Tensor, size: tuple[int, int], interpolation: str) -> Tensor:
    if tuple(images.shape[-2:]) == size:
        return images
    if images.dtype != torch.uint8:
        return F.interpolate(images, size=size, mode=interpolation, antialias=True).clamp(0, 1)
    if images.device.type == "cpu":  # integer arithmetic as Pillow's, several times faster than float32
        return F.interpolate(images, size=size, mode=interpolation, antialias=True)
    return _resize_as_floats(images, size, interpolation)


def _resize_as_floats(images: Tensor, size: tuple[int, int], interpolation: str) -> Tensor:
    resized = images.float()
    for step in ((images.shape[-2], size[1]), size):  # Pillow resizes rows, rounds to levels, then resizes columns
        resized = F.interpolate(resized, size=step, mode=interpolation, antialias=True).round_().clamp_(0, 255)
    return resized.to(torch.uint8)
