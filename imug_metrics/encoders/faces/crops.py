# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Faces cut out of images: a square around the box, or turned so that the features lie where ArcFace has them."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional as F

ARCFACE_POINTS = ((38.2946, 51.6963), (73.5318, 51.5014), (56.0252, 71.7366), (41.5493, 92.3655), (70.7299, 92.2041))
"""Where the eye on the left of the image, the other eye, nose and the corners of the mouth are in 112 x 112 pixels.

The points of insightface (`arcface_dst`), on which ArcFace and most later models were trained.
"""


def square_crop(image: Tensor, box: Tensor, *, margin: float = 0.0, size: int | None = None) -> Tensor:
    """The square around a box, black where it leaves the image.

    Args:
        image: uint8 ``[3, H, W]``.
        box: Left, top, right and bottom in pixels.
        margin: What the longer side of the box is widened by, as a share of it; half of it on either side.
        size: Side that the square is resized to (bilinear, antialiased); None: as it is.

    Returns:
        uint8 tensor ``[3, S, S]``.

    Example:
        >>> import torch
        >>> image = torch.arange(16, dtype=torch.uint8).reshape(1, 4, 4).expand(3, 4, 4)
        >>> square_crop(image, torch.tensor([2.0, 1.0, 4.0, 2.0]), margin=0.5)[0].tolist()
        [[2, 3, 0], [6, 7, 0], [10, 11, 0]]
    """
    left, top, right, bottom = box.tolist()
    side = max(1, round(max(right - left, bottom - top) * (1 + margin)))
    x, y = math.floor((left + right - side + 1) / 2), math.floor((top + bottom - side + 1) / 2)
    height, width = image.shape[1:]
    inside = image[:, max(0, y) : max(0, min(height, y + side)), max(0, x) : max(0, min(width, x + side))]
    crop = image.new_zeros(3, side, side)
    crop[:, max(0, -y) : max(0, -y) + inside.shape[1], max(0, -x) : max(0, -x) + inside.shape[2]] = inside
    if size is None or size == side:
        return crop
    resized = F.interpolate(crop[None].float(), (size, size), mode="bilinear", antialias=True)[0]
    return resized.round().clamp(0, 255).to(torch.uint8)


def aligned_crop(image: Tensor, points: Tensor, *, size: int = 112) -> Tensor:
    """A face turned, scaled and moved so that its five points come closest to `ARCFACE_POINTS`.

    The similarity is that of least squares; pixels between others are bilinear and those outside the image black, as
    in insightface's `norm_crop`. Large faces are not smoothed before they are reduced, there as here.

    Args:
        image: uint8 ``[3, H, W]``.
        points: Five landmarks ``[5, 2]`` of x and y in pixels, in the order of `ARCFACE_POINTS`.
        size: Side of the crop.

    Returns:
        uint8 tensor ``[3, size, size]``.

    Example:
        >>> import torch
        >>> image = torch.arange(112 * 112).reshape(1, 112, 112).expand(3, -1, -1).remainder(256).to(torch.uint8)
        >>> torch.equal(aligned_crop(image, torch.tensor(ARCFACE_POINTS)), image)
        True
    """
    turn, shift = _similarity(points, torch.tensor(ARCFACE_POINTS) * (size / 112))
    y, x = torch.meshgrid(torch.arange(size), torch.arange(size), indexing="ij")
    places = (torch.complex(x.double(), y.double()) - shift) / turn  # of each pixel of the crop in the image
    height, width = image.shape[1:]
    grid = torch.stack([2 * places.real / max(1, width - 1) - 1, 2 * places.imag / max(1, height - 1) - 1], -1)
    grid = grid.to(image.device, torch.float32)
    crop = F.grid_sample(image[None].float(), grid[None], mode="bilinear", align_corners=True)[0]
    return crop.round().clamp(0, 255).to(torch.uint8)


def _similarity(source: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
    """The complex numbers a, b for which a z + b takes the source points closest to the target points."""
    z, w = (torch.view_as_complex(points.double().cpu().contiguous()) for points in (source, target))
    centred = z - z.mean()
    turn = (centred.conj() * (w - w.mean())).sum() / centred.abs().square().sum()
    return turn, w.mean() - turn * z.mean()
