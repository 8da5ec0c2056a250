# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Antialiased resize, crop and normalisation of 8-bit images in one kernel.

A program owns a block of pixels of one channel of one image. It resizes the source rows they need along the row, rounds
to levels as Pillow does between its two passes, and adds them up with the weights of the columns: nothing is stored but
the result. Source rows that neighbouring blocks share are read again, mostly from cache.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence

import torch
import triton
import triton.language as tl
from torch import Tensor

from imug_kernels.reference.preprocess import normalization
from imug_kernels.triton_kernels.settings import PREPROCESS


@triton.jit
def _level(x):
    """Nearest of the levels 0 to 255; halves go up, as Pillow's do."""
    x = tl.floor(x + 0.5)
    return tl.where(x < 0.0, 0.0, tl.where(x > 255.0, 255.0, x))


@triton.jit
def _preprocess_kernel(
    IMAGES, OUT, FIRST_X, WEIGHTS_X, WEIGHTS_Y, RANGE_Y, SCALE, SHIFT,
    channels, source_height, out_height, out_width,
    stride_n, stride_c, stride_h, stride_w,
    TAPS: tl.constexpr, BLOCK_H: tl.constexpr, BLOCK_W: tl.constexpr, BLOCK_R: tl.constexpr,
):  # fmt: skip
    # All programs lie on one axis of the grid: the others end at 65,535, and a batch may hold more planes.
    across = tl.cdiv(out_width, BLOCK_W)
    down = tl.cdiv(out_height, BLOCK_H)
    column = tl.program_id(0) % across
    line = tl.program_id(0) // across % down
    plane = tl.program_id(0) // (across * down)
    channel = plane % channels
    image = IMAGES + (plane // channels).to(tl.int64) * stride_n + channel.to(tl.int64) * stride_c
    y = line * BLOCK_H + tl.arange(0, BLOCK_H)
    x = column * BLOCK_W + tl.arange(0, BLOCK_W)
    mask_w = x < out_width
    first_x = tl.load(FIRST_X + x, mask=mask_w, other=0)
    begin = tl.load(RANGE_Y + 2 * line)
    end = tl.load(RANGE_Y + 2 * line + 1)
    total = tl.zeros((BLOCK_H, BLOCK_W), tl.float32)
    for start in range(begin, end, BLOCK_R):
        source = start + tl.arange(0, BLOCK_R)
        mask = (source < end)[:, None] & mask_w[None, :]
        row = tl.zeros((BLOCK_R, BLOCK_W), tl.float32)
        for tap in range(0, TAPS):
            weight = tl.load(WEIGHTS_X + tap * out_width + x, mask=mask_w, other=0.0)
            source_ptrs = (
                image + source.to(tl.int64)[:, None] * stride_h + (first_x + tap).to(tl.int64)[None, :] * stride_w
            )
            row += weight[None, :] * tl.load(source_ptrs, mask=mask & (weight != 0.0)[None, :], other=0).to(tl.float32)
        weights = tl.load(
            WEIGHTS_Y + y[:, None] * source_height + source[None, :],
            mask=(y < out_height)[:, None] & (source < end)[None, :],
            other=0.0,
        )
        total = tl.dot(weights, _level(row), total, input_precision="ieee")
    pixel = _level(total) * tl.load(SCALE + channel) - tl.load(SHIFT + channel)
    out_ptrs = OUT + (plane.to(tl.int64) * out_height + y[:, None]) * out_width + x[None, :]
    tl.store(out_ptrs, pixel.to(OUT.dtype.element_ty), mask=(y < out_height)[:, None] & mask_w[None, :])


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
    """Launch the kernel; arguments and result are those of the operation."""
    count, channels, height, width = images.shape
    out = torch.empty(count, channels, *size, dtype=dtype, device=images.device)
    first_x, weights_x = _taps(width, resize[1], crop[1], size[1], interpolation, images.device)
    weights_y, range_y = _rows(height, resize[0], crop[0], size[0], interpolation, PREPROCESS["BLOCK_H"], images.device)
    blocks = triton.cdiv(size[1], PREPROCESS["BLOCK_W"]) * triton.cdiv(size[0], PREPROCESS["BLOCK_H"])
    if count:
        _preprocess_kernel[(blocks * count * channels,)](
            images, out, first_x, weights_x, weights_y, range_y, *normalization(mean, std, images.device),
            channels, height, *size, *images.stride(), TAPS=len(weights_x), **PREPROCESS,
        )  # fmt: skip
    return out


def resize_weights(source: int, target: int, interpolation: str) -> Tensor:
    """Weights ``[target, source]``, float64, of a filter widened by the reduction, as Pillow has it.

    Bicubic is Keys' cubic (a = -1/2), bilinear the triangle. Its support is cut to whole pixels around the centre, and
    what is left is made to sum to one.
    """
    ratio = source / target
    widened = max(ratio, 1.0)
    support = widened * (2 if interpolation == "bicubic" else 1)
    centre = (torch.arange(target, dtype=torch.float64) + 0.5) * ratio
    pixel = torch.arange(source, dtype=torch.float64)
    low = (centre - support + 0.5).floor().clamp_min(0)[:, None]
    high = (centre + support + 0.5).floor().clamp_max(source)[:, None]
    distance = ((pixel + 0.5 - centre[:, None]) / widened).abs()
    weights = _cubic(distance) if interpolation == "bicubic" else (1 - distance).clamp_min(0)
    weights = weights.masked_fill((pixel < low) | (pixel >= high), 0)
    return weights / weights.sum(1, keepdim=True)


def _cubic(distance: Tensor) -> Tensor:
    near = (1.5 * distance - 2.5) * distance**2 + 1
    far = ((-0.5 * distance + 2.5) * distance - 4) * distance + 2
    return torch.where(distance < 1, near, torch.where(distance < 2, far, 0))


@functools.lru_cache(64)
def _taps(
    source: int, target: int, begin: int, length: int, interpolation: str, device: torch.device
) -> tuple[Tensor, Tensor]:
    """First source pixel ``[length]`` of every result pixel of a row, and its weights ``[taps, length]``."""
    weights = _cropped(source, target, begin, length, interpolation)
    first = (weights != 0).int().argmax(1)
    last = source - 1 - (weights != 0).flip(1).int().argmax(1)
    taps = int((last - first).max()) + 1
    pixel = first[:, None] + torch.arange(taps)
    weights = weights.gather(1, pixel.clamp_max(source - 1)).masked_fill(pixel > last[:, None], 0)
    return first.int().to(device), weights.mT.float().contiguous().to(device)


@functools.lru_cache(64)
def _rows(
    source: int, target: int, begin: int, length: int, interpolation: str, block: int, device: torch.device
) -> tuple[Tensor, Tensor]:
    """Weights ``[length, source]`` of the columns, and the source rows ``[blocks, 2]`` that each block needs."""
    weights = _cropped(source, target, begin, length, interpolation)
    used = torch.stack([(part != 0).any(0) for part in weights.split(block)])
    first, last = used.int().argmax(1), source - used.flip(1).int().argmax(1)
    return weights.float().contiguous().to(device), torch.stack([first, last], 1).int().contiguous().to(device)


def _cropped(source: int, target: int, begin: int, length: int, interpolation: str) -> Tensor:
    if source == target:
        return torch.eye(source, dtype=torch.float64)[begin : begin + length]
    return resize_weights(source, target, interpolation)[begin : begin + length]
