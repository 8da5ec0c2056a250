# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Batches of whole dialogues: each row once, on one process, and the same number of batches for all."""

from __future__ import annotations

import random

import pytest
import torch
from torch.utils.data import DataLoader

from imug_metrics.dialogues.batch_sampler import DialogueBatchSampler
from imug_metrics.errors import ArgumentError, InputError

# Rows of 11 dialogues of one to four turns, mixed.
DIALOGUE = [f"d{number}" for number in range(11) for _ in range(1 + number % 4)]
random.Random(0).shuffle(DIALOGUE)


@pytest.mark.parametrize("world_size", [1, 2, 3, 11, 20])
@pytest.mark.parametrize("size", [1, 2, 4, 100])
def test_every_row_comes_once_and_no_dialogue_is_cut(world_size, size) -> None:
    shares = [
        list(DialogueBatchSampler(DIALOGUE, size, rank=rank, world_size=world_size)) for rank in range(world_size)
    ]
    batches = [batch for share in shares for batch in share]
    assert sorted(row for batch in batches for row in batch) == list(range(len(DIALOGUE)))
    held = [{DIALOGUE[row] for row in batch} for batch in batches]
    assert sum(map(len, held)) == 11
    assert max(map(len, held)) <= size
    lengths = [len(share) for share in shares]
    assert max(lengths) - min(lengths) <= 1


@pytest.mark.parametrize(("world_size", "size"), [(2, 1), (2, 2), (2, 3), (3, 3), (4, 2)])
def test_processes_have_as_many_batches_where_dialogues_are_enough(world_size, size) -> None:
    dialogue = [number for number in range(12) for _ in range(3)]
    samplers = [DialogueBatchSampler(dialogue, size, rank=rank, world_size=world_size) for rank in range(world_size)]
    assert len({len(sampler) for sampler in samplers}) == 1


def test_a_loader_takes_it_again_every_epoch() -> None:
    data = torch.tensor([0, 0, 1, 0, 1])
    loader = DataLoader(data, batch_sampler=DialogueBatchSampler(data, 1))
    assert [batch.tolist() for batch in loader] == [[0, 0, 0], [1, 1]]
    assert [batch.tolist() for batch in loader] == [[0, 0, 0], [1, 1]]
    assert len(loader) == 2


def test_without_rows_there_are_no_batches() -> None:
    assert list(DialogueBatchSampler([], 4, rank=1, world_size=2)) == []


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"dialogues_per_batch": 0}, ArgumentError),
        ({"dialogues_per_batch": 1, "rank": 2, "world_size": 2}, ArgumentError),
        ({"dialogues_per_batch": 1, "rank": -1}, ArgumentError),
        ({"dialogues_per_batch": 1, "dialogue": [1.5]}, InputError),
        ({"dialogues_per_batch": 1, "dialogue": [[1], [2]]}, InputError),
    ],
)
def test_what_it_cannot_share_out_is_refused(options, error) -> None:
    with pytest.raises(error):
        DialogueBatchSampler(**{"dialogue": [1], **options})
