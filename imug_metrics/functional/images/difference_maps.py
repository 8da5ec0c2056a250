# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Where two images differ: maps of one number a pixel, of which regions take means."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F
from torchmetrics.functional.image import structural_similarity_index_measure

SSIM_REACH = 5
"""Pixels to each side that a window of SSIM sees: it is 11 x 11, a Gaussian of sigma 1.5."""


def absolute_map(x: Tensor, y: Tensor) -> Tensor:
    """Absolute difference of each pixel, mean over channels (L1). Lower is more alike, 0 for equal pixels.

    Args:
        x: floating `[N, C, H, W]`, levels in [0, 1].
        y: of the same shape.

    Returns:
        `[N, H, W]` in [0, 1], differentiable.

    Example:
        >>> absolute_map(torch.zeros(1, 3, 1, 2), torch.tensor([0.0, 0.5]).expand(1, 3, 1, 2))
        tensor([[[0.0000, 0.5000]]])
    """
    return (x - y).abs().mean(1)


def squared_map(x: Tensor, y: Tensor) -> Tensor:
    """Squared difference of each pixel, mean over channels, of which PSNR is made. Lower is more alike.

    Args:
        x: floating `[N, C, H, W]`, levels in [0, 1].
        y: of the same shape.

    Returns:
        `[N, H, W]` in [0, 1], differentiable.

    Example:
        >>> squared_map(torch.zeros(1, 3, 1, 2), torch.tensor([0.0, 0.5]).expand(1, 3, 1, 2))
        tensor([[[0.0000, 0.2500]]])
    """
    return (x - y).square().mean(1)


def ssim_map(x: Tensor, y: Tensor) -> Tensor:
    """Structural similarity of the window around each pixel, mean over channels. Higher is more alike, at most 1.

    SSIM (Wang et al., IEEE TIP 2004) as torchmetrics computes it: Gaussian windows of 11 x 11 with sigma 1.5, K1 =
    0.01, K2 = 0.03, levels in [0, 1]; windows that reach over an edge see the image mirrored there. Windows of equal
    pixels are 1 exactly, where rounding would leave less of flat ones.

    Args:
        x: floating `[N, C, H, W]`, levels in [0, 1]; float32 is right to about 0.001 where windows are flat.
        y: of the same shape and dtype.

    Returns:
        `[N, H, W]` in [-1, 1], differentiable; NaN where a side has fewer than 6 pixels, which cannot be mirrored.

    Example:
        >>> image = torch.rand(1, 3, 16, 16)
        >>> ssim_map(image, image).unique()
        tensor([1.])
    """
    if min(x.shape[-2:]) <= SSIM_REACH:
        return torch.full_like(x[:, 0], torch.nan)
    # With channels last CUDA would round the products to TF32, which leaves nothing of small variances.
    x, y = x.contiguous(), y.contiguous()
    _, similarity = structural_similarity_index_measure(x, y, data_range=1.0, return_full_image=True)
    return torch.where(reached(x != y, SSIM_REACH), similarity, 1).mean(1)


def reached(marked: Tensor, distance: int) -> Tensor:
    """Whether a marked pixel lies within a square window around each pixel.

    Args:
        marked: bool `[N, C, H, W]`.
        distance: pixels that the window extends to each side.

    Returns:
        Bool of the same shape.

    Example:
        >>> reached(torch.tensor([[[[False, False, False, True]]]]), 1)
        tensor([[[[False, False,  True,  True]]]])
    """
    return widened(marked.float(), distance) > 0


def widened(shares: Tensor, distance: int) -> Tensor:
    """The largest value of the square window around each pixel.

    Args:
        shares: floating `[..., H, W]` of three or four dimensions.
        distance: pixels that the window extends to each side.

    Example:
        >>> widened(torch.tensor([[[0.0, 0.0, 0.0, 0.5]]]), 1)
        tensor([[[0.0000, 0.0000, 0.5000, 0.5000]]])
    """
    size = 2 * distance + 1
    rows = F.max_pool2d(shares, (1, size), stride=1, padding=(0, distance))
    return F.max_pool2d(rows, (size, 1), stride=1, padding=(distance, 0))
