# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Ragged dialogues, some harder than others, for tests of what turns cost."""

from __future__ import annotations

from typing import Any

import numpy as np


def places(generator: np.random.Generator, dialogues: int, least: int = 1, most: int = 6) -> tuple[np.ndarray, ...]:
    """Dialogue and turn of every row; dialogues have `least` to `most` turns."""
    lengths = generator.integers(least, most + 1, dialogues)
    return np.repeat(np.arange(dialogues), lengths), np.concatenate([np.arange(1, n + 1) for n in lengths])


def arms(seed: int, dialogues: int = 50) -> tuple[np.ndarray, ...]:
    """Two arms in [0, 1], dialogue and turn: unequal lengths, hard dialogues, noise that grows with the turn."""
    generator = np.random.default_rng(seed)
    dialogue, turn = places(generator, dialogues)
    hard = 0.1 * generator.normal(size=dialogues)[dialogue]
    noise = 0.03 * turn[:, None] * generator.normal(size=(len(turn), 2))
    both = 0.6 + hard[:, None] + noise - 0.04 * np.stack([turn, np.zeros_like(turn)], 1)
    return (*both.clip(0, 1).T, dialogue, turn)


def centred(values: np.ndarray, dialogue: np.ndarray) -> np.ndarray:
    """Values about the mean of their dialogue."""
    return values - (np.bincount(dialogue, values) / np.bincount(dialogue))[dialogue]


def found(metric: Any, *arguments: Any, **more: Any) -> dict[str, float]:
    """What a metric gives after one update."""
    metric.update(*arguments, **more)
    return {key: float(value) for key, value in metric.compute().items()}
