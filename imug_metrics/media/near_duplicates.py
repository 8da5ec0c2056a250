# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""How far two small images are from being one: the part of the image that differs most."""

from __future__ import annotations

import torch
from torch import Tensor

PARTS = 8
"""Parts along a side: a part is a square of four pixels in thumbnails of 32."""


def largest_difference(first: Tensor, second: Tensor) -> Tensor:
    """The largest difference `[P]` between parts of two images `[P, 3, S, S]`, by the mean of a part and colour."""
    part = max(1, first.shape[-1] // PARTS)
    difference = torch.nn.functional.avg_pool2d(first - second, part, stride=max(1, part // 2))
    return difference.abs().flatten(1).amax(1)
