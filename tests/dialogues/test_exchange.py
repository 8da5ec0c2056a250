# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Dialogues and turns that were given in each other's place are noticed where the numbers show it, and else never."""

from __future__ import annotations

import warnings

import pytest
import torch
from torch import Tensor

from imug_metrics import TurnDecay

GENERATOR = torch.Generator().manual_seed(3)
HASHES = torch.randint(1, 2**62, (40,), generator=GENERATOR)
NUMBERS = torch.randperm(9000, generator=GENERATOR)[:64] + 17
STEPS = torch.randint(1, 50, (100,), generator=GENERATOR).cumsum(0)


def records(ids: Tensor, lengths: list[int]) -> tuple[Tensor, Tensor]:
    """Dialogue and turn of dialogues of these lengths."""
    dialogue = torch.cat([ids[row].repeat(length) for row, length in enumerate(lengths)])
    return dialogue, torch.cat([torch.arange(1, length + 1) for length in lengths])


def shared(stamps: Tensor, dialogues: int) -> tuple[Tensor, Tensor]:
    """The same turns in every dialogue, turn by turn."""
    ids = torch.arange(1, dialogues + 1)
    return ids.repeat(len(stamps)), stamps.repeat_interleave(dialogues)


def ragged(count: int, most: int) -> list[int]:
    return torch.randint(1, most + 1, (count,), generator=torch.Generator().manual_seed(count)).tolist()


SWAPPED = {
    "ids of a database": (NUMBERS, [4] * 64),
    "ids of a database, ragged": (NUMBERS, ragged(64, 6)),
    "a batch of sixteen": (NUMBERS[:16], [3] * 16),
    "hashes": (HASHES, [5] * 40),
    "hashes, ragged": (HASHES, ragged(40, 7)),
    "ids from 1, ragged": (torch.arange(1, 101), ragged(100, 5)),
    "ids from 1000, ragged": (torch.arange(1000, 1080), ragged(80, 4)),
    "a hundred dialogues of eight turns": (torch.arange(1, 101) ** 2, [8] * 100),
    "ids that count in threes and fives": (torch.tensor([3, 5]).repeat(20).cumsum(0), [4] * 40),
    "ids with a gap in every ten": (torch.arange(1, 81)[torch.arange(80) % 4 != 0], [3] * 60),
}
SILENT = {
    "turn by turn": shared(torch.arange(1, 5), 64),
    "three dialogues of a hundred turns": shared(torch.arange(1, 101), 3),
    "every tenth turn": shared(torch.arange(10, 1001, 10), 4),
    "time stamps that all share": shared(1_700_000_000 + STEPS, 4),
    "time stamps of their own": (
        torch.arange(1, 5).repeat(25),
        1_700_000_000 + torch.randperm(10**6, generator=GENERATOR)[:100],
    ),
    "a few steps of training": shared(torch.tensor([5, 10, 20, 50, 100, 200]), 3),
    "doubled turns": shared(2 ** torch.arange(12), 3),
    "ragged dialogues turn by turn": records(torch.arange(1, 41), ragged(40, 30)),
    "one long dialogue": (torch.ones(60, dtype=torch.int64), NUMBERS[:60]),
    "two dialogues, of one records are missing": (
        torch.cat([torch.ones(40, dtype=torch.int64), torch.full((25,), 2)]),
        torch.cat([torch.arange(1, 41), torch.randperm(40, generator=GENERATOR)[:25] + 1]),
    ),
    "a record is missing in the last of three dialogues": (
        torch.arange(1, 4).repeat_interleave(20)[torch.arange(60) != 50],
        torch.arange(1, 21).repeat(3)[torch.arange(60) != 50],
    ),
    "records are missing anywhere": tuple(
        column[torch.rand(80, generator=torch.Generator().manual_seed(1)) < 0.7]
        for column in (torch.arange(1, 5).repeat_interleave(20), torch.arange(1, 21).repeat(4))
    ),
}


def noticed(dialogue: Tensor, turn: Tensor, seed: int = 0) -> bool:
    order = torch.randperm(len(turn), generator=torch.Generator().manual_seed(seed))
    with warnings.catch_warnings(record=True) as found:
        warnings.simplefilter("always")
        TurnDecay().update(torch.rand(len(turn)), dialogue=dialogue[order], turn=turn[order])
    assert {warning.filename for warning in found} <= {__file__}
    return any("did you swap `dialogue` and `turn`" in str(warning.message) for warning in found)


@pytest.mark.parametrize("name", SWAPPED)
def test_exchanged_dialogues_and_turns_are_noticed(name: str) -> None:
    dialogue, turn = records(*SWAPPED[name])
    assert noticed(turn, dialogue)
    assert not noticed(dialogue, turn)


@pytest.mark.parametrize("name", SILENT)
def test_what_may_be_meant_is_taken_in_silence(name: str) -> None:
    assert not noticed(*SILENT[name])


@pytest.mark.parametrize("ids", [torch.arange(64), -torch.arange(64)])
def test_ids_from_0_are_no_turns(ids: Tensor) -> None:
    dialogue, turn = records(ids, [4] * 64)
    with pytest.raises(ValueError, match="`turn` to be >= 1"):
        TurnDecay().update(torch.rand(256), dialogue=turn, turn=dialogue)


def test_names_are_no_turns() -> None:
    with pytest.raises(ValueError, match="`turn` to hold integers, got 'a' at row 0"):
        TurnDecay().update([0.5, 0.5], dialogue=[1, 2], turn=["a", "a"])
