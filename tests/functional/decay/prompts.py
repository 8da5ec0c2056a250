# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Dialogues with links, and what their images show of which prompts, one image after the other."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from scipy.spatial.distance import cosine as cosine_distance
from torch import Tensor

Pair = tuple[int, int]


@dataclass(frozen=True)
class Dialogues:
    """Flat records in any order: some without an image, with gaps in the turns, half of the dialogues with links."""

    images: np.ndarray
    texts: np.ndarray
    dialogue: np.ndarray
    turn: np.ndarray
    valid: np.ndarray
    links: list[Pair]

    def batch(self) -> dict[str, Any]:
        links = torch.tensor(self.links, dtype=torch.int64).reshape(-1, 2)
        places = {"dialogue": torch.tensor(self.dialogue), "turn": torch.tensor(self.turn)}
        rows = {"images": torch.tensor(self.images), "texts": torch.tensor(self.texts)}
        return {**rows, **places, "valid": torch.tensor(self.valid), "links": links}

    def by_turn(self) -> list[list[int]]:
        """The rows of each dialogue in the order of turns."""
        ids = np.unique(self.dialogue)
        return [sorted(np.flatnonzero(self.dialogue == one), key=lambda row: self.turn[row]) for one in ids]

    def cosine(self, image: int, prompt: int) -> float:
        if not self.valid[image] or not self.texts[prompt].any():
            return math.nan
        return 1 - float(cosine_distance(self.images[image], self.texts[prompt]))


def dialogues(seed: int, count: int = 12, width: int = 8) -> Dialogues:
    generator = np.random.default_rng(seed)
    lengths = generator.integers(1, 8, count)
    turn = np.concatenate([np.sort(generator.choice(np.arange(1, 10), n, replace=False)) for n in lengths])
    dialogue = np.repeat(generator.permutation(100)[:count], lengths)
    order = generator.permutation(len(turn))
    turn, dialogue = turn[order], dialogue[order]
    texts = generator.normal(size=(len(turn), width))
    texts[generator.random(len(turn)) < 0.1] = 0
    found = Dialogues(
        generator.normal(size=(len(turn), width)), texts, dialogue, turn, generator.random(len(turn)) < 0.8, []
    )
    for place, rows in enumerate(found.by_turn()):
        for later in range(1, len(rows)) if place % 2 else ():
            for goal in generator.choice(later, generator.integers(0, 3)):
                found.links.append((int(rows[later]), int(rows[goal])))
    found.links.extend([(int(order[0]), int(order[0])), (0, len(turn) - 1)])  # to itself, and to another dialogue
    return found


def reached(row: int, links: list[Pair]) -> set[int]:
    """Rows that a row is linked to, directly or by a chain."""
    found: set[int] = set()
    new = {row}
    while new := {goal for source, goal in links if source in new} - found - {row}:
        found |= new
    return found


@dataclass(frozen=True)
class Seen:
    """What an image is compared with: cosines by turns back and row, of its context and of its distractors."""

    row: int
    own: float
    earlier: dict[int, float]
    context: dict[int, float]
    linked: dict[int, float]
    previous: int | None
    rivals: list[float]


def seen(data: Dialogues, bank: np.ndarray | None = None) -> list[Seen]:
    """Of every record."""
    found = []
    for rows in data.by_turn():
        place = {row: number for number, row in enumerate(rows)}
        links = [(s, g) for s, g in data.links if s in place and g in place and place[g] < place[s]]
        for number, row in enumerate(rows):
            context = reached(row, links) if links else set(rows[:number])
            direct = {goal for source, goal in links if source == row}
            others = [other for other in rows if other != row and other not in context]
            others = [other for other in others if links or place[other] > number]
            rivals = [data.cosine(row, other) for other in others]
            if bank is not None:
                rivals = [1 - float(cosine_distance(data.images[row], one)) for one in bank] if data.valid[row] else []
            cosines = {other: data.cosine(row, other) for other in rows[:number]}
            cosines = {other: value for other, value in cosines.items() if not math.isnan(value)}
            found.append(
                Seen(
                    row,
                    data.cosine(row, row),
                    cosines,
                    {other: value for other, value in cosines.items() if other in context},
                    {other: value for other, value in cosines.items() if other in direct}
                    if links
                    else {other: value for other, value in cosines.items() if other == rows[number - 1]},
                    rows[number - 1] if number else None,
                    [value for value in rivals if not math.isnan(value)],
                )
            )
    return found


def mean(values: Any) -> float:
    values = [*values]
    return float(np.mean(values)) if values else math.nan


def rows_of(values: dict[int, float], count: int) -> Tensor:
    return torch.tensor([values.get(row, math.nan) for row in range(count)], dtype=torch.float64)
