# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""turn_diversity against sums written out over turns."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from imug_metrics.functional import turn_diversity
from tests.stats.test_vendi import numpy_vendi

LENGTHS = [3, 1, 3, 2, 3, 2]


def images(seed: int = 0, width: int = 6) -> torch.Tensor:
    return torch.randn(len(LENGTHS), 3, width, generator=torch.Generator().manual_seed(seed)).double()


@pytest.mark.parametrize("seed", range(3))
def test_change_equals_the_sums_over_turns_of_matched_dialogues(seed: int) -> None:
    rows = images(seed)
    above = below = 0.0
    for turn in (2, 3):
        both = [row for row, length in zip(rows.numpy(), LENGTHS) if length >= turn]
        first, later = (numpy_vendi(np.array([row[t] for row in both])) for t in (0, turn - 1))
        above += len(both) * (turn - 1) * (later - first)
        below += len(both) * (turn - 1) ** 2 * (first - 1)
    found = turn_diversity(rows, lengths=LENGTHS)
    assert found.item() == pytest.approx(above / below, abs=1e-9)
    curve = turn_diversity(rows, lengths=LENGTHS, reduction="none")
    every = [[row[t] for row, length in zip(rows.numpy(), LENGTHS) if length > t] for t in range(3)]
    assert curve.tolist() == pytest.approx([numpy_vendi(np.array(at)) for at in every], abs=1e-9)


@pytest.mark.parametrize("options", [{}, {"order": 2}, {"kind": "distance"}], ids=str)
def test_it_has_gradients(options: dict[str, Any]) -> None:
    rows = images()[:4].clone().requires_grad_()
    assert torch.autograd.gradcheck(lambda rows: turn_diversity(rows, **options), rows)


def test_gradients_of_few_images_in_a_wide_space_and_of_equal_ones_are_finite() -> None:
    rows = torch.eye(3, 8).repeat_interleave(2, 0).view(3, 2, 8).double().requires_grad_()
    turn_diversity(rows, reduction="none").sum().backward()
    assert rows.grad is not None
    assert rows.grad.isfinite().all()


def test_absent_images_and_lengths_of_vectors_do_not_matter() -> None:
    rows = images()
    scaled = rows * torch.rand(len(LENGTHS), 3, 1).double().add(0.1)
    flat = [(d, t) for d, length in enumerate(LENGTHS) for t in range(length)]
    found = turn_diversity(
        torch.stack([scaled[d, t] for d, t in flat]), dialogue=[d for d, _ in flat], turn=[t + 1 for _, t in flat]
    )
    torch.testing.assert_close(found, turn_diversity(rows, lengths=LENGTHS))


def test_no_dialogue_has_no_diversity() -> None:
    assert turn_diversity(torch.zeros(0, 4), dialogue=[], turn=[]).isnan()


@pytest.mark.parametrize("late", [[0, 2, 4], [0, 1, 2, 3, 4, 5]], ids=["some", "all"])
def test_turns_are_counted_from_the_first_image_of_a_dialogue(late: list[int]) -> None:
    rows = images()
    later = torch.cat([rows, torch.zeros(len(rows), 1, rows.shape[2])], 1)
    later[late, 1:] = rows[late]
    later[late, 0] = torch.nan
    lengths = [length + (row in late) for row, length in enumerate(LENGTHS)]
    torch.testing.assert_close(turn_diversity(later, lengths=lengths), turn_diversity(rows, lengths=LENGTHS))
