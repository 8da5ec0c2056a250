# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""`own_rank` against loops over pairs."""

from __future__ import annotations

import pytest
import torch
from imug_kernels import own_rank

from tests.kernels.comparisons import same
from tests.kernels.naive import LENGTHS, naive_rank, offsets_of, random_rows, random_valid


@pytest.mark.usefixtures("block_size")
@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("width", [1, 5, 300])
@pytest.mark.parametrize("lengths", LENGTHS.values(), ids=LENGTHS)
def test_equals_loops_over_pairs(lengths: list[int], width: int, masked: bool) -> None:
    x, y = random_rows(sum(lengths), width, 5), random_rows(sum(lengths), width, 6)
    masks = (random_valid(sum(lengths), 7), random_valid(sum(lengths), 8))
    result = own_rank(x, y, offsets_of(lengths), *(masks if masked else (None, None)))
    everything = torch.ones(sum(lengths), dtype=torch.bool)
    same(torch.stack(result), naive_rank(x, y, lengths, *(masks if masked else (everything, everything))))


def test_duplicate_candidates_tie_and_rounding_of_float32_does_not_break_ties() -> None:
    torch.manual_seed(0)
    x, y = torch.randn(3, 256), torch.randn(3, 256)
    y[1] = y[0]
    y[2] = y[0] * (1 + 6e-8 * torch.randn(256))
    x[2] = x[1]  # whichever of y[0] and y[2] is nearer by rounding, one of the two rows would see it ahead
    greater, equal, candidates = own_rank(x, y, torch.tensor([0, 3]))
    assert greater.tolist() == [0, 0, 0]
    assert equal.tolist() == [2, 2, 2]
    assert candidates.tolist() == [3, 3, 3]


def test_a_difference_above_rounding_is_no_tie() -> None:
    x = torch.tensor([[1.0, 0.0], [1.0, 0.0]])
    y = torch.tensor([[1.0, 0.0], [1.0, 3e-3]])
    greater, equal, _ = own_rank(x, y, torch.tensor([0, 2]))
    assert greater.tolist() == [0, 1]
    assert equal.tolist() == [0, 0]


def test_rank_without_valid_candidates_is_undefined() -> None:
    nobody = torch.zeros(2, dtype=torch.bool)
    greater, equal, candidates = own_rank(torch.ones(2, 2), torch.ones(2, 2), torch.tensor([0, 2]), valid_y=nobody)
    assert greater.isnan().all()
    assert equal.isnan().all()
    assert candidates.tolist() == [0, 0]
