# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Loops of generating and refining, at random."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch

NAN = math.nan


def trajectories(seed: int) -> list[list[float]]:
    """Loops of 1 to 7 steps on a grid of scores, so that plateaus and ties happen, with absent steps."""
    generator = np.random.default_rng(seed)
    loops = [generator.integers(0, 6, n) / 5 for n in generator.integers(1, 8, 60)]
    return [np.where(generator.random(len(loop)) < 0.15, NAN, loop).tolist() for loop in loops]


def flat(loops: list[list[float]]) -> dict[str, Any]:
    rows = [(s, d, t) for d, loop in enumerate(loops) for t, s in enumerate(loop, 1)]
    scores, dialogue, turn = (list(column) for column in zip(*rows))
    return {"scores": torch.tensor(scores, dtype=torch.float64), "dialogue": dialogue, "turn": turn}
