# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Dialogues divided over updates and processes as loaders do it, and what a table of sightings says of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from imug_metrics.stats import Repeats, add_sightings, count_repeats
from imug_metrics.stats.sightings import _BITS, BUCKETS, TABLE_SIZE, _pairs

Divide = Callable[[Tensor, torch.Generator], list[Tensor]]


@dataclass(frozen=True)
class Row:
    """What was found of one kind of data.

    Attributes:
        kind: how dialogues came.
        dialogues: how many there were.
        repeated: sightings beyond the first of each dialogue, on average.
        runs: simulated.
        noticed: of these.
        estimate: of `repeated`, on average.
        spread: standard deviation of estimate less truth.
    """

    kind: str
    dialogues: int
    repeated: float
    runs: int
    noticed: int
    estimate: float
    spread: float


@dataclass(frozen=True)
class Tail:
    """How often the probability of the sum over pairs was below some levels, where all dialogues differ.

    Attributes:
        sightings: in a table.
        runs: simulated.
        levels: of the probability.
        shares: of the runs that were below each.
    """

    sightings: int
    runs: int
    levels: tuple[float, ...]
    shares: tuple[float, ...]


def drawn(count: int, generator: torch.Generator) -> Tensor:
    """Random ids, int64 `[count]`, as hashed names are."""
    return torch.randint(-(2**63), 2**63 - 1, (count,), generator=generator)


def table(*updates: Tensor) -> Tensor:
    """The table after updates with the dialogues of these ids."""
    found = torch.zeros(TABLE_SIZE, dtype=torch.float64)
    for ids in updates:
        add_sightings(found, ids)
    return found


def back_again(share: float) -> Divide:
    """A share of all dialogues comes a second time, and one at least."""
    return lambda ids, _: [ids, ids[: max(round(share * len(ids)), 1)]]


def whole(ids: Tensor, _: torch.Generator) -> list[Tensor]:
    """Every dialogue once."""
    return [ids]


def turns_in_batches(ids: Tensor, generator: torch.Generator) -> list[Tensor]:
    """Loader over turns in their order, 2 to 6 of each dialogue, in batches of 16 that cut dialogues."""
    rows = _turns(ids, generator)
    return [batch.unique() for batch in rows.split(16)]


def turns_shuffled(ids: Tensor, generator: torch.Generator) -> list[Tensor]:
    """The same with turns in random order."""
    rows = _turns(ids, generator)
    return [batch.unique() for batch in rows[torch.randperm(len(rows), generator=generator)].split(16)]


def round_robin(ids: Tensor, generator: torch.Generator) -> list[Tensor]:
    """Turns dealt out to 4 processes one by one, each process all of its own at once."""
    rows = _turns(ids, generator)
    return [rows[rank::4].unique() for rank in range(4)]


def padded_shares(ids: Tensor, _: torch.Generator) -> list[Tensor]:
    """Dialogues for 8 processes, the first repeated until all have as many, as `DistributedSampler` does it."""
    wanted = -(-len(ids) // 8) * 8
    filled = torch.cat([ids, ids[: wanted - len(ids)]])
    return [filled[rank::8] for rank in range(8)]


def even_batches(ids: Tensor, _: torch.Generator) -> list[Tensor]:
    """Batches of 16 for 2 processes, the last filled up from the first, as Accelerate does it."""
    wanted = -(-len(ids) // 32) * 32
    return [*torch.cat([ids, ids[: wanted - len(ids)]]).split(16)]


LOADERS: dict[str, Divide] = {
    "turns in batches of 16, in order": turns_in_batches,
    "turns in batches of 16, shuffled": turns_shuffled,
    "turns dealt out to 4 processes": round_robin,
    "DistributedSampler, 8 processes": padded_shares,
    "Accelerate, even batches of 16, 2 processes": even_batches,
}


def simulate(kind: str, divide: Divide, dialogues: int, runs: int, seed: int) -> Row:
    """Divide so many dialogues so many times."""
    generator = torch.Generator().manual_seed(seed)
    found: list[Repeats] = []
    truth = []
    for _ in range(runs):
        updates = divide(drawn(dialogues, generator), generator)
        found.append(count_repeats(table(*updates)))
        truth.append(sum(map(len, updates)) - dialogues)
    estimates = torch.tensor([one.repeated for one in found], dtype=torch.float64)
    errors = estimates - torch.tensor(truth)
    noticed = sum(one.noticed for one in found)
    return Row(
        kind, dialogues, sum(truth) / runs, runs, noticed, float(estimates.mean()), float(errors.std(correction=0))
    )


def tail_of_pairs(sightings: int, runs: int, seed: int) -> Tail:
    """The probability that `imug_metrics.stats.sightings` gives to the sum over pairs, on tables of whole dialogues.

    Buckets and marks are drawn, not hashed, which is faster by far; what is hashed is counted elsewhere.
    """
    generator = np.random.default_rng(seed)
    chances = np.empty(runs)
    for run in range(runs):
        buckets = generator.integers(0, BUCKETS, sightings)
        marks = generator.integers(0, 1 << _BITS, sightings).astype(np.float64)
        sums = (np.bincount(buckets, weights, BUCKETS) for weights in (np.ones(sightings), marks, marks * marks))
        chances[run] = _pairs(*sums)[1]
    levels = (0.1, 0.01, 0.001, 0.0001)
    return Tail(sightings, runs, levels, tuple(float((chances < level).mean()) for level in levels))


def _turns(ids: Tensor, generator: torch.Generator) -> Tensor:
    """Each id once a turn."""
    return ids.repeat_interleave(torch.randint(2, 7, (len(ids),), generator=generator))
