# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""switch_cost against numbers worked by hand."""

from __future__ import annotations

import math

import pytest
import torch

from imug_metrics import SwitchCost
from imug_metrics.functional import switch_cost

MODALITY = [["text", "image", "image"], ["text", "text", "image"], ["text", "text", "text"]]


def test_three_dialogues_with_a_cost_are_read_exactly() -> None:
    level, turns = torch.tensor([[0.9], [0.5], [0.7]]), torch.tensor([0.0, -0.1, -0.3])
    image = torch.tensor([[kind == "image" for kind in line] for line in MODALITY])
    switch = torch.tensor([[0, 1, 0], [0, 0, 1], [0, 0, 0]])
    scores = (level + turns - 0.25 * image - 0.125 * switch).double()
    assert float(switch_cost(scores, MODALITY)) == pytest.approx(-0.125, abs=1e-6)
    assert float(switch_cost(scores, image)) == pytest.approx(-0.125, abs=1e-6)


def test_it_is_what_the_metric_gives() -> None:
    generator = torch.Generator().manual_seed(0)
    scores, image = torch.rand(9, 5, generator=generator), torch.rand(9, 5, generator=generator) < 0.5
    metric = SwitchCost()
    metric.update(scores, image)
    assert float(switch_cost(scores, image)) == pytest.approx(float(metric.compute()), abs=1e-12)


def test_cost_is_differentiable_in_scores_that_are_there() -> None:
    scores = torch.tensor([[0.9, 0.5, 0.6], [0.8, 0.7, 0.4], [0.7, 0.6, 0.6]], dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda s: switch_cost(s, MODALITY), scores)
    holes = scores.detach().clone()
    holes[2, 0] = math.nan
    holes.requires_grad_()
    switch_cost(holes, MODALITY).backward()
    assert holes.grad is not None
    assert holes.grad.isfinite().all()
    assert holes.grad[2, 0] == 0


def test_one_dialogue_tells_nothing() -> None:
    assert switch_cost([[0.9, 0.5, 0.6]], [["text", "image", "text"]]).isnan()


def test_order_of_rows_does_not_matter() -> None:
    generator = torch.Generator().manual_seed(1)
    scores, image = torch.rand(30, generator=generator), torch.rand(30, generator=generator) < 0.5
    dialogue, turn = torch.arange(6).repeat_interleave(5), torch.arange(1, 6).repeat(6)
    order = torch.randperm(30, generator=generator)
    mixed = switch_cost(scores[order], image[order], dialogue=dialogue[order], turn=turn[order])
    torch.testing.assert_close(mixed, switch_cost(scores, image, dialogue=dialogue, turn=turn))


def test_a_score_without_a_modality_is_refused_by_row() -> None:
    with pytest.raises(
        ValueError, match=r"`modality` to be 'text' or 'image' where there is a score, got nan at row 1"
    ):
        switch_cost([0.5, 0.6], ["text", None], dialogue=[0, 0], turn=[1, 2])
