# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""sample_diversity against numpy, and what samples that are not there change."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch

from imug_metrics.errors import InputError
from imug_metrics.functional import sample_diversity
from tests.stats.test_vendi import numpy_vendi


def samples(seed: int = 0) -> torch.Tensor:
    """Embeddings `[2, 3, 4, 6]`."""
    return torch.randn(2, 3, 4, 6, generator=torch.Generator().manual_seed(seed)).double()


@pytest.mark.parametrize("order", [1, 2, math.inf])
def test_each_turn_has_the_vendi_score_of_its_samples(order: float) -> None:
    found = sample_diversity(samples(), order=order, reduction="none")
    expected = [[numpy_vendi(turn.numpy(), order) for turn in line] for line in samples()]
    torch.testing.assert_close(found, torch.tensor(expected, dtype=torch.float64), rtol=1e-9, atol=1e-9)


def test_samples_that_are_not_there_do_not_count_however_that_is_said() -> None:
    rows = samples()
    masks = torch.ones(2, 3, 4, dtype=torch.bool)
    masks[0, 1, 2:] = False
    expected = numpy_vendi(rows[0, 1, :2].numpy())
    zero, unknown = (rows.masked_fill(~masks[..., None], filler) for filler in (0.0, math.nan))
    for given in ((rows, masks), (zero,), (unknown,), (rows.tolist(), masks.tolist())):
        assert sample_diversity(*given, reduction="none")[0, 1].item() == pytest.approx(expected, abs=1e-9)


def test_flat_records_padded_ones_and_lists_of_dialogues_are_the_same() -> None:
    rows = samples()
    padded = sample_diversity(rows, reduction="none")
    flat = sample_diversity(rows.flatten(0, 1), dialogue=[0, 0, 0, 1, 1, 1], turn=[1, 2, 3] * 2, reduction="none")
    torch.testing.assert_close(flat, padded.flatten())
    ragged = sample_diversity([rows[0], rows[1, :2]], reduction="none")
    torch.testing.assert_close(ragged[1, :2], padded[1, :2])
    assert ragged[1, 2].isnan()


def test_one_sample_is_undefined_not_one() -> None:
    assert sample_diversity(torch.ones(1, 1, 3), dialogue=[0], turn=[1], reduction="none").isnan().all()


@pytest.mark.parametrize("options", [{}, {"order": 2}, {"kind": "distance"}], ids=str)
def test_it_has_gradients(options: dict[str, Any]) -> None:
    rows = samples().requires_grad_()
    assert torch.autograd.gradcheck(lambda rows: sample_diversity(rows, **options), rows)


@pytest.mark.parametrize(
    ("images", "masks", "told"),
    [
        (torch.ones(2, 3), None, r"samples \[N, S, D\] or \[B, T, S, D\], got \[2, 3\]"),
        (torch.ones(1, 2, 3, 4), torch.ones(1, 2, 2, dtype=torch.bool), r"each sample of `images`, \[1, 2, 3\]"),
        (torch.ones(1, 2, 3, 0), None, "at least one number"),
        (torch.ones(2, 3, 0, 8), None, "at least one sample a turn"),
        ([[[[1.0, 2.0], [1.0]]]], None, "equally many numbers"),
    ],
)
def test_other_shapes_are_refused(images: Any, masks: Any, told: str) -> None:
    with pytest.raises(InputError, match=told):
        sample_diversity(images, masks)
