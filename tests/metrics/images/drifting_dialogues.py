# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Dialogues whose images drift from turn to turn."""

from __future__ import annotations

import torch
from torch import Tensor

WIDTH = 24


def records(count: int = 60, drift: float = 0.3, seed: int = 0) -> dict[str, Tensor]:
    """Ragged dialogues whose images resemble each other and move in one direction from turn to turn."""
    generator = torch.Generator().manual_seed(seed)
    lengths = torch.randint(1, 5, (count,), generator=generator)
    dialogue = torch.randperm(5000, generator=generator)[:count].repeat_interleave(lengths) - 2500
    turn = torch.cat([torch.arange(1, int(n) + 1) for n in lengths])
    common, direction = torch.randn(2, WIDTH, generator=generator)
    own = torch.randn(count, WIDTH, generator=generator).repeat_interleave(lengths, 0)
    noise = torch.randn(len(turn), WIDTH, generator=generator)
    images = 1.5 * common + own + 0.4 * noise + drift * turn[:, None] * direction
    return {"images": images, "dialogue": dialogue, "turn": turn, "valid": (dialogue + 3 * turn) % 9 != 0}
