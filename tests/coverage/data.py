# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Dialogues of known truth: how long they are, how their scores are spread, and how alike they are within a dialogue.

The share of a turn is exact whatever the correlation: each record's score follows from a uniform number, which with
probability `sqrt(correlation)` is its dialogue's own. Two records of a dialogue share it with probability
`correlation`, all or none: harder on intervals by dialogue than normal effects of the same correlation.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, NamedTuple

import torch
from torch import Tensor

Lengths = Literal["all of 4 turns", "one of 30 among 2s", "geometric"]
LENGTHS: tuple[Lengths, ...] = ("all of 4 turns", "one of 30 among 2s", "geometric")
_LONGEST = 21


class Records(NamedTuple):
    """Records of many runs, each a data set of its own: the dialogue and the turn of each, int64 `[N]`.

    Dialogues are numbered through: run r has those from `r * dialogues` on.
    """

    dialogue: Tensor
    turn: Tensor
    runs: int
    dialogues: int

    @property
    def run(self) -> Tensor:
        """The run of each record."""
        return self.dialogue // self.dialogues


class Scores(NamedTuple):
    """A kind of scores in [0, 1]: their mean, and how a uniform number and a mean become one."""

    name: str
    mean: float
    draw: Callable[[Tensor, Tensor], Tensor]


def _right(uniform: Tensor, mean: Tensor) -> Tensor:
    return (uniform < mean).double()


def _even(uniform: Tensor, mean: Tensor) -> Tensor:
    """Spread evenly about the mean, as far as half of the way to the nearer end."""
    return mean + 0.5 * torch.minimum(mean, 1 - mean) * (2 * uniform - 1)


def _skewed(uniform: Tensor, mean: Tensor) -> Tensor:
    """A power of a uniform number: the nearer the mean to 1, the longer the tail to 0."""
    return uniform ** ((1 - mean) / mean)


RIGHT = tuple(Scores(f"right or wrong, {mean:g}", mean, _right) for mean in (0.05, 0.5, 0.95, 0.99))
EVEN = Scores("graded, even, 0.7", 0.7, _even)
SKEWED = Scores("graded, skewed, 0.95", 0.95, _skewed)
SCORES = (*RIGHT, EVEN, SKEWED)


def records(lengths: Lengths, dialogues: int, runs: int, generator: torch.Generator) -> Records:
    """Turns of the dialogues of so many runs."""
    count = torch.full((runs, dialogues), 4)
    if lengths == "one of 30 among 2s":
        count = torch.full((runs, dialogues), 2)
        count[:, -1] = 30
    elif lengths == "geometric":
        drawn = torch.empty(runs, dialogues).geometric_(0.35, generator=generator)
        count = (drawn.long() + 1).clamp(max=_LONGEST)
    each = count.flatten()
    dialogue = torch.arange(len(each)).repeat_interleave(each)
    turn = torch.arange(len(dialogue)) - (each.cumsum(0) - each)[dialogue] + 1
    return Records(dialogue, turn, runs, dialogues)


def uniform(rows: Records, correlation: float, generator: torch.Generator) -> Tensor:
    """A uniform number for each record, that of its dialogue with probability `sqrt(correlation)`."""
    count = len(rows.dialogue)
    own = torch.rand(count, generator=generator, dtype=torch.float64)
    if not correlation:
        return own
    shared = torch.rand(rows.runs * rows.dialogues, generator=generator, dtype=torch.float64)[rows.dialogue]
    return shared.where(torch.rand(count, generator=generator) < correlation**0.5, own)


def partly(first: Tensor, share: float, generator: torch.Generator) -> Tensor:
    """Uniform numbers of a second arm, the same as the first's with this probability."""
    other = torch.rand(len(first), generator=generator, dtype=torch.float64)
    return first.where(torch.rand(len(first), generator=generator) < share, other)
