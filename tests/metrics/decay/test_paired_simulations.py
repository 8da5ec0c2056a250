# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""PairedGain and ExposureBias against simulations whose truth is known."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor

from imug_metrics import ExposureBias, PairedGain
from imug_metrics.stats import Interval
from tests.coverage.data import Records
from tests.coverage.estimates import by_run

SETS, DIALOGUES = 2000, 80

LENGTHS = torch.tensor([0.1, 0.15, 0.25, 0.2, 0.15, 0.15], dtype=torch.float64)  # probability of 1 to 6 turns

REACHES = LENGTHS.flip(0).cumsum(0).flip(0)  # probability that a dialogue has turn t

TURNS = torch.arange(1, 7, dtype=torch.float64)


def simulated_places(generator: torch.Generator) -> tuple[Records, Tensor]:
    """Every row of all data sets, and the length of its dialogue."""
    length = torch.multinomial(LENGTHS, SETS * DIALOGUES, True, generator=generator) + 1
    dialogue = torch.arange(len(length)).repeat_interleave(length)
    start = (length.cumsum(0) - length)[dialogue]
    return Records(dialogue, torch.arange(len(dialogue)) - start + 1, SETS, DIALOGUES), length[dialogue]


def assert_covers(
    estimates: dict[str, tuple[Interval, Any]], truth: dict[str, float], unbiased: set[str], rare: set[str]
) -> None:
    for name, true in truth.items():
        found, _ = estimates[name]
        share = ((found.lower <= true) & (true <= found.upper)).double().mean().item()
        print(f"{name}: coverage {share:.4f}")
        # Where few dialogues differ at all, they alone tell how well a difference is known: rather too wide.
        assert 0.93 <= share <= (0.985 if name in rare else 0.97), f"{name} is covered in {share:.2%} of the data sets"
        z = (found.value.mean() - true) / (found.value.std() / math.sqrt(SETS))
        # A ratio of sums is biased by the order of 1 / dialogues; the others are not at all.
        assert abs(z) <= (2 if name in unbiased else 0.15 * math.sqrt(SETS)), (
            f"{name} is off by {z:.1f} standard errors"
        )


def test_intervals_of_gain_and_slope_cover_the_truth() -> None:
    generator = torch.Generator().manual_seed(11)
    rows, length = simulated_places(generator)
    dialogue, turn = rows.dialogue, rows.turn

    def normal(count: int) -> Tensor:
        return torch.randn(count, generator=generator, dtype=torch.float64)

    persons = SETS * DIALOGUES
    hard = normal(persons)[dialogue] - 0.3 * length  # shared by the arms, and longer dialogues are harder
    own_gain = 0.2 * normal(persons)[dialogue]
    own_slope = 0.05 * normal(persons)[dialogue]
    gain = 0.05 + 0.03 * turn + own_gain + own_slope * turn + 0.1 * turn * normal(len(turn))  # noise grows with turns
    found = by_run(PairedGain(max_turns=6, detail=True), rows, hard + gain, hard)
    by_turn = 0.05 + 0.03 * TURNS
    truth = {
        "mean": ((REACHES * by_turn).sum() / REACHES.sum()).item(),
        "slope": 0.03,
        "turn_2": by_turn[1].item(),
        "turn_5": by_turn[4].item(),
    }
    assert_covers(found, truth, unbiased=set(truth), rare=set())


def test_intervals_of_gap_slope_and_excess_cover_the_truth() -> None:
    generator = torch.Generator().manual_seed(12)
    rows, length = simulated_places(generator)
    dialogue, turn = rows.dialogue, rows.turn

    def uniform(count: int) -> Tensor:
        return torch.rand(count, generator=generator, dtype=torch.float64)

    hard = 0.25 * (uniform(SETS * DIALOGUES) - 0.5)[dialogue]
    right = 0.8 - 0.02 * turn - 0.03 * (length - 3) + hard  # probability on the reference history
    lost = 0.02 + 0.05 * uniform(SETS * DIALOGUES)[dialogue] * (turn - 1)  # dialogues suffer differently
    luck = uniform(len(turn))
    other = torch.where(uniform(len(turn)) < 0.7, luck, uniform(len(turn)))  # the arms mostly err together
    metric = ExposureBias(max_turns=6, detail=True)
    found = by_run(metric, rows, (other < right - lost).double(), (luck < right).double())
    # Only longer and so harder dialogues reach late turns.
    mean_length = torch.stack([(LENGTHS[t:] * TURNS[t:]).sum() / REACHES[t] for t in range(6)])
    reference, gap = 0.2 + 0.02 * TURNS + 0.03 * (mean_length - 3), 0.02 + 0.025 * (TURNS - 1)
    excess = 100 * gap.cumsum(0) / reference.cumsum(0)
    truth = {
        "mean": ((REACHES * gap).sum() / REACHES.sum()).item(),
        "slope": 0.025,
        "turn_3": gap[2].item(),
        "excess": excess[5].item(),
        "excess_3": excess[2].item(),
    }
    assert_covers(found, truth, unbiased={"mean", "slope", "turn_3"}, rare={"turn_3"})
