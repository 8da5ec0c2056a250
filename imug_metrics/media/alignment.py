# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Where one small image lies in another: shifted, mirrored, or a part of it that was enlarged again.

An alignment says of each pixel of the second image where it comes from in the first, `scale * place + shift`, about the
centres, by axis. It is searched coarsely among scales and shifts, with and without mirroring, by the mean squared
difference of what overlaps, all shifts at once by a Fourier transform; and refined by Gauss-Newton steps (the inverse
compositional form of Lucas and Kanade's method: Baker and Matthews, IJCV 2004), which also finds fractions of a pixel
and scales that differ by axis.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

from imug_metrics._constants import constant

LEAST_SIDE = 16
"""Smaller images are not aligned: a tenth of them is about a pixel."""
_SIDE = 16  # at which alignments are searched
_REACH = 2  # coarse pixels by which the second image may lie outside the first
_SIZES = (16, 15, 14, 13)  # coarse sides of the second image: all of the first one, or 0.94 to 0.81 of it
_PADDED = 20  # so that no shift wraps around
_STEPS = 5
_ROOM = 0.1  # a pixel counts where it comes from inside the first image, by this part of a pixel or less outside
_LIMITS = (0.72, 1.1)  # of the scale
_RIDGE = (20.0, 20.0, 0.05, 0.05)  # of scale and shift: images without structure stay where they are


class Alignment(NamedTuple):
    """How pairs of images lie.

    Attributes:
        scale: `[P, 2]` by axis y and x, the part of the first image that the second one shows.
        shift: `[P, 2]` in pixels, from the centre of the first image to that of the part.
        mirrored: bool `[P]`, the second image is mirrored left to right.
    """

    scale: Tensor
    shift: Tensor
    mirrored: Tensor


def align(first: Tensor, second: Tensor) -> Alignment:
    """Where the second image of each pair lies in the first one.

    Args:
        first, second: float32 `[P, 3, S, S]`, S from 16 on.
    """
    found = _search(*(F.adaptive_avg_pool2d(images, _SIDE) for images in (first, second)))
    side = first.shape[-1]
    found = found._replace(shift=found.shift * (side / _SIDE))
    return _refined(first, mirror(second, found.mirrored), found)


def mirror(images: Tensor, mirrored: Tensor) -> Tensor:
    """Images `[P, 3, S, S]`, those mirrored left to right that are `mirrored [P]`."""
    return torch.where(mirrored.view(-1, 1, 1, 1), images.flip(-1), images)


def warped(images: Tensor, scale: Tensor, shift: Tensor) -> tuple[Tensor, Tensor]:
    """What an alignment says the second image should show, and where that is known: 1 or 0, `[P, 1, S, S]`."""
    side = images.shape[-1]
    centre = (side - 1) / 2
    place = constant(_places, side, like=images)
    at = (scale[:, None] * place + shift[:, None]) / centre  # [P, S, 2]; 1 is the last row or column
    y, x = at[:, :, None, 0].expand(-1, -1, side), at[:, None, :, 1].expand(-1, side, -1)
    shown = F.grid_sample(images, torch.stack([x, y], -1), padding_mode="border", align_corners=True)
    inside = (at.abs() <= 1 + _ROOM / centre).to(images)
    return shown, (inside[:, :, None, 0] * inside[:, None, :, 1])[:, None]


def gradients(images: Tensor) -> tuple[Tensor, Tensor]:
    """Central differences of images `[P, C, S, S]` along y and x."""
    padded = F.pad(images, (1, 1, 1, 1), mode="replicate")
    return (padded[:, :, 2:, 1:-1] - padded[:, :, :-2, 1:-1]) / 2, (
        padded[:, :, 1:-1, 2:] - padded[:, :, 1:-1, :-2]
    ) / 2


def _search(first: Tensor, second: Tensor) -> Alignment:
    """The best of all sizes and whole shifts at 16 x 16, with and without mirroring.

    The sum of squared differences where both images are is a sum of three correlations, of energies with ones and of
    colours with colours; they are added up before they are transformed back.
    """
    resize, ones, count = (constant(make, like=first) for make in (_resizing, _sizes, _overlaps))
    second = torch.stack([second, second.flip(-1)], 1)[:, :, None]
    small = resize[:, None] @ second @ resize.mT[:, None]  # [P, 2, sizes, 3, 16, 16], zero beyond its size
    ones = ones[:, None].expand(*small.shape[:3], 1, _SIDE, _SIDE)
    parts = torch.cat([ones, small.square().sum(3, keepdim=True), -2 * small], 3)
    whole = torch.cat([first.square().sum(1, keepdim=True), torch.ones_like(first[:, :1]), first], 1)
    padded = (_PADDED, _PADDED)
    spectrum = (torch.fft.rfft2(whole, padded)[:, None, None] * torch.fft.rfft2(parts, padded).conj()).sum(3)
    error = torch.fft.irfft2(spectrum, padded).masked_fill(count == 0, torch.inf) / count
    best = error.flatten(1).argmin(1)
    return _as_alignment(best, first)


def _as_alignment(best: Tensor, like: Tensor) -> Alignment:
    """From the number of the best mirroring, size and shift."""
    cells = _PADDED**2
    size = constant(_scales, like=like)[best // cells % len(_SIZES)]
    place = torch.stack([best % cells // _PADDED, best % _PADDED], 1)
    place = torch.where(place > _SIDE, place - _PADDED, place).to(like)  # shifts below 0 have wrapped around
    # The first pixel of a part of `size` coarse pixels is at `place`: its centre, less that of the whole.
    shift = place + size[:, None] * (_SIDE / 2) - _SIDE / 2
    return Alignment(size[:, None].expand(-1, 2), shift, best >= cells * len(_SIZES))


def _refined(first: Tensor, second: Tensor, found: Alignment) -> Alignment:
    """Gauss-Newton steps on the squared differences, with the second image's own derivatives."""
    place = constant(_places, first.shape[-1], like=first)
    by_y, by_x = gradients(second)
    slopes = torch.stack([by_y * place, by_x * place[:, 0], by_y, by_x], 1).flatten(2)  # [P, 4, 3 * S * S]
    curvature = slopes @ slopes.mT + constant(_ridge, like=first)
    newton = torch.linalg.inv_ex(curvature).inverse @ slopes
    scale, shift = found.scale, found.shift
    for _ in range(_STEPS):
        shown, inside = warped(first, scale, shift)
        step = (newton @ ((shown - second) * inside).flatten(1)[:, :, None])[:, :, 0]
        scale = (scale / (1 + step[:, :2]).clamp(0.9, 1.1)).clamp(*_LIMITS)
        shift = shift - scale * step[:, 2:].clamp(-1.5, 1.5)
    return Alignment(scale, shift, found.mirrored)


def _places(side: int, device: torch.device) -> Tensor:
    """Places `[S, 1]` of rows or columns about the centre."""
    return (torch.arange(side, device=device) - (side - 1) / 2)[:, None]


def _resizing(device: torch.device) -> Tensor:
    """Matrices `[sizes, 16, 16]` that shrink 16 rows to each size, by the share of a row that lies in a new one."""
    found = torch.zeros(len(_SIZES), _SIDE, _SIDE)
    for number, size in enumerate(_SIZES):
        ends = torch.arange(size + 1) * (_SIDE / size)
        rows = torch.arange(_SIDE)
        shares = torch.minimum(ends[1:, None], rows + 1.0) - torch.maximum(ends[:-1, None], rows.float())
        found[number, :size] = shares.clamp_min(0) * size / _SIDE
    return found.to(device)


def _sizes(device: torch.device) -> Tensor:
    """1 `[sizes, 16, 16]` where an image of that size is."""
    row = torch.arange(_SIDE) < torch.tensor(_SIZES)[:, None]
    return (row[:, :, None] & row[:, None]).float().to(device)


def _scales(device: torch.device) -> Tensor:
    return torch.tensor(_SIZES, device=device) / _SIDE


def _overlaps(device: torch.device) -> Tensor:
    """Numbers that overlap `[sizes, 20, 20]` at each shift, where those below 0 wrap around; 0 where not allowed."""
    shift = torch.arange(_PADDED)
    shift = torch.where(shift > _SIDE, shift - _PADDED, shift)
    size = torch.tensor(_SIZES)[:, None]
    rows = (shift + size).clamp(max=_SIDE) - shift.clamp(min=0)
    rows = rows.where((shift >= -_REACH) & (shift + size <= _SIDE + _REACH), 0)
    return (3.0 * rows[:, :, None] * rows[:, None]).to(device)


def _ridge(device: torch.device) -> Tensor:
    return torch.diag(torch.tensor(_RIDGE)).to(device)
