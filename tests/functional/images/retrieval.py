# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Retrieval among the prompts of a dialogue, by enumeration."""

from __future__ import annotations

import torch
from torch import Tensor

D = torch.float64


def pairs(rows: int = 6, seed: int = 0) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(rows, 10, generator=generator, dtype=D), torch.randn(rows, 10, generator=generator, dtype=D)


def brute_retrieval(images: Tensor, texts: Tensor) -> list[tuple[float, float]]:
    """Share of first places and mean reciprocal rank over all orders of tied candidates."""
    table = torch.nn.functional.cosine_similarity(images[:, None], texts[None], dim=2)
    found = []
    for own, row in enumerate(table):
        above = int((row > row[own] + 1e-9).sum())
        ties = int(((row - row[own]).abs() <= 1e-9).sum())
        ranks = [above + place + 1 for place in range(ties)]
        found.append((sum(r == 1 for r in ranks) / ties, sum(1 / r for r in ranks) / ties))
    return found
