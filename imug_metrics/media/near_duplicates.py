# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Whether one small image is another one, as it is or shifted, mirrored, cropped or saved anew.

An honest editor changes a part and keeps the rest, so that no mean over the image decides, but the part that differs
most: a copy has no part that differs.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

from imug_metrics.media.alignment import LEAST_SIDE, align, gradients, mirror, warped

PIXEL_THRESHOLD = 0.03
"""Largest difference of a part up to which an image is a copy: twice that of JPEG at quality 60."""
_PARTS = 8  # along a side: a part is a square of four pixels in images of 32 x 32, and every other place has one
_CROPPED = 0.975  # side of the part of an image below which a copy is cropped, and above which it is shifted
_SLACK = 0.25  # pixels by which edges may be out of place
_KNOWN = 0.7  # share of a part that has to be known
_CLEARLY = 0.5  # of the squared difference: what an alignment has to bring it down to
_CHUNK = 128  # pairs at a time: the search needs 50 kB a pair


class PixelPairs(NamedTuple):
    """What pairs of images are to each other; differences are of the part that differs most.

    Attributes:
        difference: float32 `[P]`, in the alignment where it is least; NaN where an image of the pair is not known.
        as_is: float32 `[P]`, without any alignment; NaN there too.
        shifted, mirrored, cropped: bool `[P]`, how the images lie where the difference is least.
    """

    difference: Tensor
    as_is: Tensor
    shifted: Tensor
    mirrored: Tensor
    cropped: Tensor


def compare_pixels(images: Tensor, first: Tensor, second: Tensor) -> PixelPairs:
    """How far the second image of each pair is from being a copy of the first.

    Args:
        images: floating `[N, 3 * S * S]` in [0, 1], NaN where there is no image.
        first, second: int64 `[P]`, rows of the images; -1 for none.
    """
    side = math.isqrt(images.shape[1] // 3)
    found = []
    for start in range(0, max(len(first), 1), _CHUNK):
        rows = [chosen[start : start + _CHUNK] for chosen in (first, second)]
        one, other = (images[chosen].detach().float().view(-1, 3, side, side) for chosen in rows)
        found.append(_compared(one, other, (rows[0] >= 0) & (rows[1] >= 0)))
    return PixelPairs(*map(torch.cat, zip(*found)))


def _compared(first: Tensor, second: Tensor, known: Tensor) -> PixelPairs:
    known = known & (first + second).flatten(1).sum(1).isfinite()
    first, second = (images.nan_to_num(0, 0, 0) for images in (first, second))
    everywhere = torch.ones_like(first[:, :1])
    as_is = largest_difference(first, second, everywhere).where(known, torch.nan)
    if first.shape[-1] < LEAST_SIDE or not len(first):  # no Fourier transform of nothing
        never = torch.zeros_like(known)
        return PixelPairs(as_is, as_is, never, never, never)
    found = align(first, second)
    second = mirror(second, found.mirrored)
    shown, inside = warped(first, found.scale, found.shift)
    # What was changed at the border alone, an alignment could cut off: it has to explain the rest clearly better.
    needed = _squared(shown, second, inside) < _CLEARLY * _squared(first, second, inside)
    moved = largest_difference(shown, second, inside).where(needed, torch.inf)
    in_place = largest_difference(first, second, everywhere)  # mirrored or not
    difference = torch.minimum(torch.minimum(moved, in_place), as_is)  # NaN where the last one is
    is_moved, is_cropped = moved <= difference, found.scale.mean(1) < _CROPPED
    return PixelPairs(
        difference, as_is, is_moved & ~is_cropped, found.mirrored & (difference < as_is), is_moved & is_cropped
    )


def largest_difference(first: Tensor, second: Tensor, known: Tensor) -> Tensor:
    """The largest difference `[P]` between parts of images `[P, 3, S, S]`, by the mean of a part and colour.

    From it goes what edges a quarter of a pixel out of place would make.

    Args:
        first, second: the images.
        known: 1 or 0 `[P, 1, S, S]`, where they are compared.
    """
    part = max(1, first.shape[-1] // _PARTS)
    by_y, by_x = gradients(first)
    columns = torch.cat([(second - first) * known, (by_y.abs() + by_x.abs()) * known, known], 1)
    means = F.avg_pool2d(columns, part, stride=max(1, part // 2))
    share = means[:, 6:]
    excess = (means[:, :3].abs() - _SLACK * means[:, 3:6]) / share.clamp_min(_KNOWN)
    largest: Tensor = (excess.clamp_min(0) * (share >= _KNOWN)).flatten(1).amax(1)
    return largest


def _squared(first: Tensor, second: Tensor, known: Tensor) -> Tensor:
    """The sum of squared differences `[P]` where both are known."""
    return ((first - second).square() * known).flatten(1).sum(1)
