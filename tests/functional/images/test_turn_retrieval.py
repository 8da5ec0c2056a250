# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""turn_retrieval against enumeration."""

from __future__ import annotations

import itertools

import pytest
import torch
from torch import Tensor

from imug_metrics.functional import turn_retrieval

D = torch.float64


def pairs(rows: int = 6, seed: int = 0) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(rows, 10, generator=generator, dtype=D), torch.randn(rows, 10, generator=generator, dtype=D)


def brute_retrieval(images: Tensor, texts: Tensor) -> list[tuple[float, float]]:
    """Share of first places and mean reciprocal rank over all orders of tied candidates."""
    table = torch.nn.functional.cosine_similarity(images[:, None], texts[None], dim=2)
    found = []
    for own, row in enumerate(table):
        above = int((row > row[own] + 1e-9).sum())
        ties = int(((row - row[own]).abs() <= 1e-9).sum())
        ranks = [above + place + 1 for place in range(ties)]
        found.append((sum(r == 1 for r in ranks) / ties, sum(1 / r for r in ranks) / ties))
    return found


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
    found = turn_retrieval(images, texts, [0, 1, 1], [1, 1, 2], reduction="none")
    assert found.isnan().tolist() == [True, False, False]


def test_lengths_leave_the_prompts_behind_a_dialogue_out() -> None:
    prompts = torch.eye(3, dtype=D)
    shown = torch.stack([prompts, prompts[[0, 2, 0]]])
    found = turn_retrieval(shown, prompts.expand(2, 3, 3), lengths=torch.tensor([3, 2]), reduction="none")
    # The second image shows the third prompt, which its dialogue of two turns does not have: a tie of two zeros.
    torch.testing.assert_close(found[1, :2], torch.tensor([1, 0.5], dtype=D))
    assert found[1, 2].isnan()
