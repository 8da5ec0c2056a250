# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Photographs made ready for an encoder: resize, crop, normalise."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from importlib.util import find_spec

import numpy as np
import torch
from imug_kernels import preprocess
from torch import Tensor
from torch.nn import functional as F

from ..machine import DEVICE, ON_GPU, draw
from ..registry import Case, Job, Setup
from ..runner import race
from .providers import Function, ours, providers

MEAN, STD = (0.48, 0.46, 0.41), (0.27, 0.26, 0.28)


def images(setup: Setup) -> Iterator[Job]:
    full = ((128 if ON_GPU else 32, 480, 640, 224), (64 if ON_GPU else 8, 1024, 1024, 224))
    for count, height, width, size in ((1, 8, 16, 6),) if setup.quick else full:
        title = f"preprocess {count} images of {height} x {width}"
        yield race(setup, title, partial(image_case, setup, count, height, width, size))


def image_case(setup: Setup, count: int, height: int, width: int, size: int) -> Case:
    resident = smooth_images(count, height, width)
    arrays = resident.cpu().numpy()
    fused = partial(preprocess, size=(size, size), mean=MEAN, std=STD, layout="nhwc")
    functions: dict[str, Function] = {
        **({"Pillow, image by image": lambda _: _pillow(arrays, size)} if find_spec("PIL") else {}),
        "torch interpolate": partial(_interpolated, size=size),
        **ours(setup, "imug_kernels preprocess", fused),
    }
    return Case(
        name="preprocess",
        sizes={"image": f"{height} x {width}", "result": f"{size} x {size}", "dtype": "uint8 to float32"},
        providers=providers(functions, resident, rows=count),
        bytes_per_row=3 * (height * width + 4 * size**2),
        repeats=3 if ON_GPU else 7,  # Pillow takes seconds
    )


def smooth_images(count: int, height: int, width: int) -> Tensor:
    """Images `[N, H, W, 3]`, uint8, drawn on the device."""
    coarse = (draw(count, 3, height // 8, width // 8) * 64 + 128).clamp(0, 255)
    parts = (F.interpolate(part, size=(height, width), mode="bicubic").clamp(0, 255) for part in coarse.split(32))
    return torch.cat([part.to(torch.uint8) for part in parts]).permute(0, 2, 3, 1).contiguous()


def _covering(height: int, width: int, size: int) -> tuple[tuple[int, int], tuple[int, int]]:
    """Size of an image that covers the square, and where its centre begins."""
    covering = (size, size * width // height) if height < width else (size * height // width, size)
    return covering, (round((covering[0] - size) / 2), round((covering[1] - size) / 2))


def _interpolated(images: Tensor, size: int) -> Tensor:
    """Resize, crop and normalise with what PyTorch has, in float32 and rounded to levels."""
    covering, (top, left) = _covering(images.shape[1], images.shape[2], size)
    planes = images.permute(0, 3, 1, 2).float()
    resized = F.interpolate(planes, size=covering, mode="bicubic", antialias=True).round().clamp(0, 255)
    levels = resized[:, :, top : top + size, left : left + size]
    mean, std = (torch.tensor(values, device=images.device)[:, None, None] for values in (MEAN, STD))
    return (levels / 255 - mean) / std


def _pillow(arrays: np.ndarray, size: int) -> Tensor:
    """Resize to cover the square, crop its centre and normalise, as processors of image encoders do."""
    from PIL import Image

    mean, std = (np.asarray(values, dtype=np.float32) for values in (MEAN, STD))
    prepared = []
    for array in arrays:
        covering, (top, left) = _covering(*array.shape[:2], size)
        resized = Image.fromarray(array).resize(covering[::-1], Image.Resampling.BICUBIC)
        levels = np.asarray(resized.crop((left, top, left + size, top + size)), dtype=np.float32)
        prepared.append(((levels / 255 - mean) / std).transpose(2, 0, 1))
    return torch.from_numpy(np.stack(prepared)).to(DEVICE)
