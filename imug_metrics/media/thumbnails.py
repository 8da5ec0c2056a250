# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Small versions of images, to tell by pixels whether one repeats another."""

from __future__ import annotations

import torch
from torch import Tensor

from imug_metrics.media.images import Images, group_by_size, image_batches


def thumbnails(images: Images, size: int = 32, batch_size: int = 64) -> Tensor:
    """Pixel values of images at one small size, whatever their own.

    Args:
        images: a batch or a sequence of images, see `imug_metrics.media.images`.
        size: height and width.
        batch_size: images decoded at a time.

    Returns:
        float32 `[N, 3 * size * size]` in [0, 1], where the images are; differentiable where they are floating point.

    Raises:
        TypeError, ValueError: if an image cannot be read; see `image_batches`.

    Example:
        >>> thumbnails(torch.full((2, 3, 64, 64), 255, dtype=torch.uint8)).shape
        torch.Size([2, 3072])
    """
    parts = []
    for batch in image_batches(images, batch_size):
        rows = torch.zeros(len(batch), 3 * size * size, device=batch[0].device)
        for index, group in group_by_size(batch):
            # A CPU resizes levels several times faster than floats; accelerators cannot.
            pixels = group if group.is_floating_point() or group.device.type == "cpu" else group.float()
            small = torch.nn.functional.interpolate(pixels, (size, size), mode="bilinear", antialias=True)
            small = small if group.is_floating_point() else small.float() / 255
            rows[index] = small.flatten(1).to(rows.device)
        parts.append(rows)
    return torch.cat(parts) if parts else torch.zeros(0, 3 * size * size)
