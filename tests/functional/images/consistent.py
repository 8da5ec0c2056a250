# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Images of one dialogue as embeddings."""

from __future__ import annotations

import torch
from torch import Tensor

D = torch.float64


def dialogue(turns: int = 5, seed: int = 0) -> Tensor:
    return torch.randn(turns, 8, generator=torch.Generator().manual_seed(seed), dtype=D) + 1


def angles(*degrees: float) -> Tensor:
    radians = torch.tensor(degrees, dtype=D).deg2rad()
    return torch.stack([radians.cos(), radians.sin()], 1)
