# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""turn_retrieval against enumeration."""

from __future__ import annotations

import itertools

import pytest
import torch

from imug_metrics.functional import turn_retrieval
from tests.functional.images.retrieval import brute_retrieval, pairs

D = torch.float64


def test_prompts_of_absent_images_stay_candidates() -> None:
    prompts = torch.eye(3, dtype=D)
    shown = prompts[[1, 1, 2]][None]
    valid = torch.tensor([[True, False, True]])
    found = turn_retrieval(shown, prompts[None], valid=valid, turn=[1, 2, 3], reduction="none")[0]
    assert found[[0, 2]].tolist() == [0, 1]
    assert found[1].isnan()


def test_retrieval_is_one_for_the_own_prompt_and_shared_among_ties() -> None:
    vectors = torch.tensor(list(itertools.product([0.0, 1.0], repeat=3)), dtype=D)[1:]
    images, texts = vectors[[0, 2, 2, 6, 4]], vectors[[0, 2, 2, 5, 6]]
    found = turn_retrieval(images[None], texts[None], reduction="none")[0]
    assert found.tolist() == pytest.approx([first for first, _ in brute_retrieval(images, texts)])


def test_dialogues_of_one_turn_have_nothing_to_confuse() -> None:
    images, texts = pairs(3)
    found = turn_retrieval(images, texts, dialogue=[0, 1, 1], turn=[1, 1, 2], reduction="none")
    assert found.isnan().tolist() == [True, False, False]


def test_lengths_leave_the_prompts_behind_a_dialogue_out() -> None:
    prompts = torch.eye(3, dtype=D)
    shown = torch.stack([prompts, prompts[[0, 2, 0]]])
    found = turn_retrieval(shown, prompts.expand(2, 3, 3), lengths=torch.tensor([3, 2]), reduction="none")
    # The second image shows the third prompt, which its dialogue of two turns does not have: a tie of two zeros.
    torch.testing.assert_close(found[1, :2], torch.tensor([1, 0.5], dtype=D))
    assert found[1, 2].isnan()
