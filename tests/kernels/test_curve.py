# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""`delta_curve` against loops over pairs."""

from __future__ import annotations

import pytest
import torch
from imug_kernels import delta_curve

from tests.kernels.comparisons import same
from tests.kernels.naive import LENGTHS, naive_curve, offsets_of, random_rows, random_valid


@pytest.mark.usefixtures("block_size")
@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("width", [1, 5, 300])
@pytest.mark.parametrize("lengths", LENGTHS.values(), ids=LENGTHS)
def test_equals_loops_over_pairs(lengths: list[int], width: int, masked: bool) -> None:
    rows, valid = random_rows(sum(lengths), width, 2), random_valid(sum(lengths), 3)
    positions = torch.randint(1, 9, (sum(lengths),), generator=torch.Generator().manual_seed(4))
    sums, counts = delta_curve(rows, offsets_of(lengths), positions, 4, valid if masked else None)
    everything = torch.ones_like(valid)
    expected = naive_curve(rows, lengths, positions, 4, valid if masked else everything)
    same(sums, expected[0])
    same(counts, expected[1])


@pytest.mark.usefixtures("block_size")
def test_gradients() -> None:
    torch.manual_seed(0)
    rows = torch.randn(9, 3, dtype=torch.float64, requires_grad=True)
    offsets, valid = torch.tensor([0, 4, 4, 5, 9]), torch.tensor([1, 1, 0, 1, 1, 1, 1, 1, 1]).bool()
    positions = torch.tensor([1, 2, 3, 4, 1, 1, 3, 4, 6])
    assert torch.autograd.gradcheck(lambda r: delta_curve(r, offsets, positions, 3, valid)[0], (rows,))
