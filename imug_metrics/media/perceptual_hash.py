# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""A perceptual hash: which of an image's 64 lowest frequencies are strong."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from imug_metrics._constants import constant

BITS = 64
_SIDE = 8
_LUMA = (0.299, 0.587, 0.114)
_FLAT = 0.5 / 255  # an image that varies by less than half a level has no layout, only rounding


def perceptual_hash(pixels: Tensor) -> Tensor:
    """Which of the 64 lowest frequencies of an image's cosine transform are above their median: its layout.

    This is the hash known as pHash (Zauner, 2010) of brightness by the weights of ITU-R BT.601. Images that were saved
    anew, resized or lit a little differently keep nearly all bits; so do images whose edit is small.

    Args:
        pixels: floating `[N, 3 * S * S]` in [0, 1].

    Returns:
        float32 `[N, 64]` of 0 and 1; NaN for an image of one colour, which has no layout, or of less than 8 x 8.

    Example:
        >>> image = torch.rand(1, 3 * 16 * 16, generator=torch.Generator().manual_seed(0))
        >>> bool((perceptual_hash(image) == perceptual_hash(0.9 * image)).all())
        True
    """
    side = math.isqrt(pixels.shape[1] // 3)
    if side < _SIDE:
        return pixels.new_full((len(pixels), BITS), torch.nan, dtype=torch.float32)
    grey = torch.einsum("nchw,c->nhw", pixels.view(-1, 3, side, side).float(), constant(_luma, like=pixels))
    waves = constant(_cosines, side, like=pixels)
    frequencies = (waves @ grey @ waves.mT).flatten(1)
    flat = frequencies[:, 1:].abs().amax(1, keepdim=True) <= _FLAT * side  # NaN is not flat, and stays
    bits = (frequencies > frequencies.sort(1).values[:, BITS // 2 - 1, None]).to(frequencies)
    return bits.masked_fill(flat | ~frequencies[:, :1].isfinite(), torch.nan)


def hash_distance(first: Tensor, second: Tensor) -> Tensor:
    """The number of bits `[P]` in which hashes `[P, 64]` differ; NaN where one image has none."""
    return (first - second).abs().sum(1)


def _luma(device: torch.device) -> Tensor:
    return torch.tensor(_LUMA, device=device)


def _cosines(side: int, device: torch.device) -> Tensor:
    """The first 8 rows of the orthogonal cosine transform, `[8, S]`."""
    place = (torch.arange(side, dtype=torch.float64) + 0.5) * math.pi / side
    waves = torch.cos(torch.arange(_SIDE, dtype=torch.float64)[:, None] * place) * math.sqrt(2 / side)
    waves[0] /= math.sqrt(2)
    return waves.float().to(device)
