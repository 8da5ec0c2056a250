# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""understanding_generation_gap against numbers worked by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from imug_metrics import UnderstandingGenerationGap
from imug_metrics.functional import understanding_generation_gap
from tests.metrics.decay.ragged import places


def mixed(seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    generator = np.random.default_rng(seed)
    dialogue, turn = places(generator, 50, least=2, most=7)
    image = generator.random(len(turn)) < 0.2 + 0.05 * np.bincount(dialogue)[dialogue]
    scores = 0.9 - 0.03 * turn - image * (0.1 + 0.04 * turn) + 0.1 * generator.normal(size=len(turn))
    return scores, image, dialogue, turn


@pytest.fixture
def found() -> dict[str, torch.Tensor]:
    scores, image, dialogue, turn = mixed(0)
    metric = UnderstandingGenerationGap(detail=True)
    metric.update(scores, torch.tensor(image), dialogue=dialogue, turn=turn)
    return metric.compute()


def test_per_dialogue_gap_and_ways_to_say_the_modality() -> None:
    scores, turns = [[0.9, 0.5], [0.4, 0.8], [0.7, 0.7]], [["text", "image"], ["image", "text"], ["text", "text"]]
    image = torch.tensor([[kind == "image" for kind in line] for line in turns])
    for modality in (turns, image, image.tolist(), image.numpy(), np.array(turns)):
        found = understanding_generation_gap(scores, modality, reduction="none")
        assert found.tolist() == pytest.approx([0.4, 0.4, math.nan], nan_ok=True)


def test_gap_is_differentiable() -> None:
    scores = torch.tensor([[0.9, 0.5, 0.4]], dtype=torch.float64, requires_grad=True)
    modality = [["text", "image", "image"]]
    assert torch.autograd.gradcheck(lambda s: understanding_generation_gap(s, modality), scores)


def test_an_unknown_modality_is_refused_by_row() -> None:
    with pytest.raises(ValueError, match=r"`modality` to be 'text' or 'image', got 'audio' at row 1"):
        understanding_generation_gap([0.5, 0.6], ["text", "audio"], dialogue=[0, 0], turn=[1, 2])


def test_turns_of_one_modality_have_no_gap() -> None:
    assert understanding_generation_gap([[0.5, 0.6]], [["text", "text"]]).isnan()


def test_lengths_leave_out_what_lies_behind_a_dialogue() -> None:
    scores, image = torch.tensor([[0.9, 0.5, 0.7], [0.8, 0.8, 0.0]]), torch.tensor([[False, True, True]] * 2)
    found = understanding_generation_gap(scores, image, lengths=torch.tensor([3, 2]), reduction="none")
    assert found.tolist() == pytest.approx([0.3, 0.0], abs=1e-7)
