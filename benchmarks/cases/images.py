# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Photographs made ready for an encoder: resize, crop, normalise."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from imug_kernels import preprocess
from PIL import Image
from torch import Tensor

from benchmarks.machine import DEVICE, ON_GPU
from benchmarks.registry import Answer, Case, Provider, register

MEAN, STD = (0.48, 0.46, 0.41), (0.27, 0.26, 0.28)


@register
def images(quick: bool) -> Iterator[Case]:
    if quick:
        yield image_case(2, 40, 60, 16)
        return
    yield image_case(512 if ON_GPU else 32, 480, 640, 224)
    yield image_case(256 if ON_GPU else 8, 1024, 1024, 224)


def image_case(count: int, height: int, width: int, size: int) -> Case:
    generator = torch.Generator().manual_seed(0)
    coarse = torch.rand(count, 3, height // 8, width // 8, generator=generator) * 255
    smooth = torch.nn.functional.interpolate(coarse, size=(height, width), mode="bicubic").clamp(0, 255)
    pixels = smooth.permute(0, 2, 3, 1).to(torch.uint8).contiguous()
    arrays, resident = pixels.numpy(), pixels.to(DEVICE)

    def fused() -> Answer:
        return Answer(preprocess(resident, (size, size), MEAN, STD, layout="nhwc"))

    return Case(
        name="preprocess",
        sizes={"image": f"{height} x {width}", "result": f"{size} x {size}", "dtype": "uint8 to float32"},
        providers=(
            Provider("Pillow, image by image", lambda: Answer(_pillow(arrays, size)), count),
            Provider("imug_kernels preprocess", fused, count),
        ),
        bytes_per_row=3 * (height * width + 4 * size**2),
    )


def _pillow(arrays: np.ndarray, size: int) -> Tensor:
    """Resize to cover the square, crop its centre and normalise, as processors of image encoders do."""
    mean, std = (np.asarray(values, dtype=np.float32) for values in (MEAN, STD))
    prepared = []
    for array in arrays:
        height, width = array.shape[:2]
        covering = (size, size * width // height) if height < width else (size * height // width, size)
        top, left = (round((side - size) / 2) for side in covering)
        resized = Image.fromarray(array).resize(covering[::-1], Image.Resampling.BICUBIC)
        levels = np.asarray(resized.crop((left, top, left + size, top + size)), dtype=np.float32)
        prepared.append(((levels / 255 - mean) / std).transpose(2, 0, 1))
    return torch.from_numpy(np.stack(prepared)).to(DEVICE)
