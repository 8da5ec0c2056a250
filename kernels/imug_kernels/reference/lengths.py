# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Gradients through the length of a row, which is bounded below by eps.

A row shorter than eps is divided by a constant: its direction may change its length.
"""

from __future__ import annotations

import torch
from torch import Tensor


def radial_factor(along: Tensor, lengths: Tensor, eps: float) -> Tensor:
    """Return how many times itself a row loses of its gradient; ``along`` sums its cosines times their gradients."""
    return torch.where(lengths > eps, along / lengths**2, 0)


def normalize_backward(unit: Tensor, lengths: Tensor, gradient: Tensor, eps: float) -> Tensor:
    """Return the gradient of rows from that of ``unit = rows / lengths``, with ``lengths [..., 1]`` at least eps."""
    along = torch.linalg.vecdot(unit, gradient)[..., None]
    result: Tensor = (gradient - torch.where(lengths > eps, along * unit, 0)) / lengths
    return result
