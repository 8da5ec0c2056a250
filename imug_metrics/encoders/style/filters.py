# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Colours and oriented edges of images as feature maps: a fixed filter bank without trained weights."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

_RADIUS, _ORIENTATIONS = 3, 4
_LUMINANCE = (0.299, 0.587, 0.114)  # of ITU-R BT.601
_UNSEEN = 0.01  # of the range of pixels: responses below it are noise to the eye


class FilterBank(nn.Module):
    """Feature maps of images by filters that nobody has trained.

    The first map holds brightness, darkness, and how red, green, blue and yellow each pixel is. The others hold, at
    full, half, quarter size and so on, how strong edges and lines are in each of four directions: first and second
    derivatives of Gaussians (Freeman and Adelson, PAMI 13, 1991) of the luminance, with each sign apart; and one
    constant channel as large as what the eye just does not see, against which the noise of flat images is small.

    Args:
        scales: how many sizes are filtered.

    Raises:
        ValueError: if `scales` is below 1.

    Example:
        >>> import torch
        >>> [list(found.shape) for found in FilterBank(scales=2)(torch.rand(1, 3, 8, 8))]
        [[1, 6, 8, 8], [1, 17, 8, 8], [1, 17, 4, 4]]
    """

    kernels: Tensor
    opponents: Tensor

    def __init__(self, scales: int = 3) -> None:
        super().__init__()
        if scales < 1:
            raise ValueError(f"Expected argument `scales` to be >= 1, got {scales}.")
        self.scales = scales
        self.register_buffer("kernels", _kernels()[:, None])
        self.register_buffer("opponents", torch.tensor([_LUMINANCE, (1.0, -1.0, 0.0), (-0.5, -0.5, 1.0)]))

    def forward(self, pixels: Tensor) -> list[Tensor]:
        """Maps of images.

        Args:
            pixels: floating `[B, 3, H, W]` in [0, 1].

        Returns:
            `1 + scales` maps `[B, C, h, w]`, none of them negative.
        """
        luminance, *chroma = torch.einsum("kc,bchw->kbhw", self.opponents, pixels).unbind()
        maps = [_signs_apart(torch.stack([luminance - 0.5, *chroma], 1))]
        layer = luminance[:, None]
        for scale in range(self.scales):
            layer = layer if scale == 0 else F.avg_pool2d(layer, 2, ceil_mode=True)
            edges = F.conv2d(F.pad(layer, (_RADIUS,) * 4, mode="replicate"), self.kernels)
            maps.append(torch.cat([_signs_apart(edges), torch.full_like(layer, _UNSEEN)], 1))
        return maps

    def extra_repr(self) -> str:
        """What tells it from others."""
        return f"scales={self.scales}"


def _signs_apart(values: Tensor) -> Tensor:
    return torch.cat([values, -values], 1).relu()


def _kernels() -> Tensor:
    """First and second derivatives of a Gaussian in each direction, `[2 * directions, side, side]`.

    Each one's positive part sums to 1, so that no response to pixels in [0, 1] is larger than that.
    """
    place = torch.arange(-_RADIUS, _RADIUS + 1, dtype=torch.float64)
    y, x = torch.meshgrid(place, place, indexing="ij")
    angles = [math.pi * step / _ORIENTATIONS for step in range(_ORIENTATIONS)]
    along = torch.stack([math.cos(angle) * x + math.sin(angle) * y for angle in angles])
    gaussian = torch.exp(-(x * x + y * y) / 2)
    found = torch.cat([along * gaussian, (along * along - 1) * gaussian])
    found = found - found.mean((1, 2), keepdim=True)
    return (found / found.clamp_min(0).sum((1, 2), keepdim=True)).float()
