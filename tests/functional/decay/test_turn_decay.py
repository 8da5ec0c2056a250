# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""turn_decay against scipy and numbers worked by hand."""

import math

import numpy as np
import pytest
import torch
from scipy import stats

from imug_metrics import TurnDecay
from imug_metrics.functional import turn_decay


def test_harder_long_dialogues_are_no_decay_within_dialogues() -> None:
    scores = [[0.9, 0.9], [0.4] * 6]  # nothing falls, but only the hard dialogue has late turns
    assert (
        turn_decay(torch.tensor([0.9] * 2 + [0.4] * 6), dialogue=[0, 0] + [1] * 6, turn=[1, 2, *range(1, 7)]).item()
        == 0
    )
    flat = [s for line in scores for s in line]
    assert turn_decay(flat, dialogue=[0, 0] + [1] * 6, turn=[1, 2, *range(1, 7)], slope="pooled").item() < -0.02


def test_median_of_pairwise_slopes_equals_scipy() -> None:
    scores = np.random.default_rng(0).normal(size=9)
    expected = stats.theilslopes(scores, np.arange(1, 10)).slope
    assert turn_decay(torch.tensor(scores)[None], slope="theil-sen").item() == pytest.approx(expected, abs=1e-12)


def test_slopes_by_dialogue_are_ordered_by_id_and_undefined_for_one_turn() -> None:
    found = turn_decay([0.5, 0.9, 0.8, 0.3], dialogue=[7, 2, 2, 5], turn=[1, 1, 3, 1], reduction="none")
    assert found.tolist() == pytest.approx([-0.05, math.nan, math.nan], nan_ok=True)


def test_lengths_leave_out_what_lies_behind_a_dialogue() -> None:
    scores = torch.tensor([[0.9, 0.8, 0.7], [0.5, 0.4, 9.0]])
    assert turn_decay(scores, lengths=torch.tensor([3, 2])).item() == pytest.approx(-0.1)
    metric = TurnDecay(detail=True)
    metric.update(scores, lengths=torch.tensor([3, 2]))
    assert metric.compute()["turn_decay_n"] == 5


@pytest.mark.parametrize("slope", ["within", "pooled"])
def test_slope_has_the_gradient_of_its_formula(slope: str) -> None:
    scores = torch.tensor([[0.9, 0.7, 0.4], [0.3, 0.2, 0.6]], dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda s: turn_decay(s, slope=slope), scores)


def test_wrong_slope_is_named() -> None:
    with pytest.raises(ValueError, match="`slope`"):
        turn_decay([[0.9, 0.8]], slope="steep")
