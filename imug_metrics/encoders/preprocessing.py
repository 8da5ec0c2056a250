# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Resize, crop and normalise on the device, as the pipelines that models were trained with do on the CPU."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import torch
from imug_kernels import preprocess
from torch import Tensor
from torch.nn import functional as F

from imug_metrics.media.images import ImageBatch, group_by_size

_PIXELS_PER_RESIZE = 32 * 1024 * 1024  # bounds the float32 copy of a stack of large images to 400 MB


@dataclass(frozen=True)
class Preprocessing:
    """A model's image preprocessing as one batched operation.

    uint8 images go to the device as they are and through `preprocess`, in one call for all of a size. Their pixels
    agree with Pillow's and torchvision's within one of 255 levels (two at single pixels of enlarged images), nearly all
    of them exactly, as long as the aspect ratio is kept; a squash that enlarges one side and reduces the other may
    differ by more, because recent Pillow chooses the order of its two passes. Floating-point images stay
    differentiable: they are not rounded to levels after the resize.

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

    @property
    def backend(self) -> str:
        """What prepares uint8 images: ``"imug_kernels"``, or ``"torch"`` where they are padded."""
        height, width = self.resize or self.size
        padded = self.mode == "longest" or height < self.size[0] or width < self.size[1]
        return "torch" if padded else "imug_kernels"

    def __call__(self, batch: ImageBatch, device: torch.device | str | None = None) -> Tensor:
        """Prepare a batch.

        Args:
            batch: ``[3, H, W]`` tensors of any sizes or one tensor ``[n, 3, H, W]``; uint8, or float in [0, 1].
            device: Where to work and return; the images' own by default.

        Returns:
            float32 tensor ``[n, 3, *size]``, rows in the order of ``batch``.
        """
        return _by_size(batch, device, self._prepare)

    def coverage(self, masks: Sequence[Tensor], device: torch.device | str | None = None) -> Tensor:
        """Take masks the way of the images they belong to.

        Args:
            masks: ``[H, W]`` tensors, each of its image's size, 1 inside and 0 outside.
            device: Where to work and return.

        Returns:
            float32 tensor ``[n, 1, *size]`` in [0, 1]; 0 in padding.
        """
        return _by_size([mask[None].float() for mask in masks], device, self._cover)

    def _prepare(self, images: Tensor) -> Tensor:
        target = self._resized(images.shape[-2], images.shape[-1])
        spare = target[0] - self.size[0], target[1] - self.size[1]
        if images.dtype == torch.uint8 and min(spare) >= 0:
            crop = self._offset(spare)
            return preprocess(
                images, self.size, self.mean, self.std, resize=target, crop=crop, interpolation=self.interpolation
            )
        parts = torch.split(images, max(1, _PIXELS_PER_RESIZE // math.prod(images.shape[-2:])))
        levels = torch.cat([self._centre(_resize(part, target, self.interpolation), self.fill) for part in parts])
        levels = levels.float() / 255 if levels.dtype == torch.uint8 else levels
        return (levels - _channels(self.mean, levels)) / _channels(self.std, levels)

    def _cover(self, masks: Tensor) -> Tensor:
        target = self._resized(masks.shape[-2], masks.shape[-1])
        return self._centre(F.adaptive_avg_pool2d(masks, target), (0,))  # the area that each pixel covers

    def _resized(self, height: int, width: int) -> tuple[int, int]:
        if self.resize is None:
            return height, width
        target_height, target_width = self.resize
        if self.mode == "squash":
            return self.resize
        if self.mode == "shortest" and target_height == target_width:
            short, long = min(height, width), max(height, width)
            long = int(target_height * long / short)  # cut, not rounded, by torchvision and transformers alike
            return (long, target_width) if height > width else (target_height, long)
        pick = min if self.mode == "shortest" else max
        ratio = pick(height / target_height, width / target_width)
        return max(1, round(height / ratio)), max(1, round(width / ratio))

    def _offset(self, spare: tuple[int, int]) -> tuple[int, int]:
        half = round if self.half_pixel_crop == "round" else math.floor
        return half(spare[0] / 2), half(spare[1] / 2)

    def _centre(self, images: Tensor, fill: Sequence[int]) -> Tensor:
        height, width = self.size
        missing_y, missing_x = max(0, height - images.shape[-2]), max(0, width - images.shape[-1])
        if missing_y or missing_x:
            images = _pad(images, missing_y, missing_x, fill)
        top, left = self._offset((images.shape[-2] - height, images.shape[-1] - width))
        return images[..., top : top + height, left : left + width]


@dataclass(frozen=True)
class LibraryPreprocessing:
    """A library's own pipeline, on the CPU, for models whose preprocessing is of another form.

    Attributes:
        backend: Name of the library's processor.
        transform: Function from a list of uint8 tensors ``[3, H, W]`` to what the model takes: a tensor, or a mapping
            of tensors.
        settings: Everything that changes its result, for the fingerprint.
    """

    backend: str
    transform: Callable[[list[Tensor]], Tensor | Mapping[str, Tensor]] = field(repr=False)
    settings: str

    def __call__(self, batch: ImageBatch, device: torch.device | str | None = None) -> Any:
        """Prepare a batch, see `Preprocessing`."""
        levels = [image if image.dtype == torch.uint8 else (image * 255).round().to(torch.uint8) for image in batch]
        prepared = self.transform([level.cpu() for level in levels])
        if isinstance(prepared, Tensor):
            return prepared.to(device)
        return {name: value.to(device) for name, value in prepared.items()}


def _by_size(batch: ImageBatch, device: torch.device | str | None, prepare: Callable[[Tensor], Tensor]) -> Tensor:
    groups = group_by_size(batch)
    done = [prepare(images if device is None else images.to(device, non_blocking=True)) for _, images in groups]
    if len(done) == 1:
        return done[0]
    order = torch.cat([rows for rows, _ in groups]).argsort()
    return torch.cat(done)[order.to(done[0].device)]


def _pad(images: Tensor, missing_y: int, missing_x: int, fill: Sequence[int]) -> Tensor:
    shape = (*images.shape[:-2], images.shape[-2] + missing_y, images.shape[-1] + missing_x)
    levels = torch.tensor(fill, dtype=torch.float32, device=images.device)
    levels = levels.to(torch.uint8) if images.dtype == torch.uint8 else levels / 255
    padded = levels.view(-1, 1, 1).expand(shape).clone()
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
