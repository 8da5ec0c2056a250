# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Batches of rows that hold whole dialogues, shared out to processes."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

from imug_metrics.dialogues.ids import read_ids
from imug_metrics.errors import ArgumentError, InputError


class DialogueBatchSampler:
    """The `batch_sampler` of a `DataLoader` over rows: no dialogue is cut, and none comes twice.

    `DistributedSampler` deals out rows, which cuts dialogues, and repeats some to fill the last batch. Here processes
    have different dialogues and the same number of batches; where there are fewer dialogues than batches for all,
    some have a batch less. The order is that of the rows, dialogue by dialogue, in every
    epoch: there is nothing to shuffle in an evaluation, and no `set_epoch`.

    Args:
        dialogue: ids `[N]` of the rows' dialogues, integers or strings; the rows of a dialogue may lie apart.
        dialogues_per_batch: at most so many are in a batch, from 1.
        rank: of this process, from 0.
        world_size: number of processes that share the rows. Leave it at 1 where something else shares out the batches,
            as Accelerate does.

    Raises:
        InputError: if the ids are not as expected.
        ArgumentError: if a number is out of its range.

    Example:
        >>> dialogue = ["a", "a", "b", "a", "c", "d", "d"]
        >>> [list(DialogueBatchSampler(dialogue, 2, rank=rank, world_size=2)) for rank in range(2)]
        [[[0, 1, 3, 2]], [[4, 5, 6]]]
    """

    def __init__(self, dialogue: Any, dialogues_per_batch: int, *, rank: int = 0, world_size: int = 1) -> None:
        if dialogues_per_batch < 1:
            raise ArgumentError("dialogues_per_batch", f"expected a number from 1, got {dialogues_per_batch}")
        if not 0 <= rank < world_size:
            raise ArgumentError(("rank", "world_size"), f"expected 0 <= rank < world_size, got {rank} and {world_size}")
        ids = read_ids("dialogue", dialogue).values
        if ids.ndim != 1:
            raise InputError("dialogue", "to be one id a row, [N]", list(ids.shape))
        rows: dict[int, list[int]] = {}
        for row, key in enumerate(ids.tolist()):
            rows.setdefault(key, []).append(row)
        rounds = -(-len(rows) // (dialogues_per_batch * world_size))
        self._batches = _even_parts(list(rows.values()), rounds * world_size)[rank::world_size]

    def __iter__(self) -> Iterator[list[int]]:
        """Numbers of the rows of each batch."""
        return map(list, self._batches)

    def __len__(self) -> int:
        """Number of batches of this process."""
        return len(self._batches)


def _even_parts(dialogues: list[list[int]], count: int) -> list[list[int]]:
    """The rows of so many parts of the dialogues, of nearly the same number of dialogues each; none is empty."""
    ends = [len(dialogues) * part // count for part in range(count + 1)] if count else []
    parts = [dialogues[begin:end] for begin, end in pairwise(ends) if begin < end]
    return [[row for dialogue in part for row in dialogue] for part in parts]
