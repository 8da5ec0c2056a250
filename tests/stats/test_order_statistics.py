# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Weights of order statistics against exact binomials, ties against a plain loop, ranks against scipy."""

from __future__ import annotations

from fractions import Fraction
from math import comb

import numpy as np
import pytest
import torch
from scipy import stats

from imug_metrics.stats.order_statistics import average_ranks, best_of_weights, share_ties


@pytest.mark.parametrize("n", [1, 2, 7, 64])
def test_weights_are_the_exact_binomials(n: int) -> None:
    found = best_of_weights(n, torch.arange(1, n + 1))
    exact = [[float(Fraction(comb(i - 1, k - 1), comb(n, k))) for i in range(1, n + 1)] for k in range(1, n + 1)]
    torch.testing.assert_close(found, torch.tensor(exact, dtype=torch.float64), rtol=1e-12, atol=1e-300)


def test_weights_of_ten_thousand_candidates_are_stable() -> None:
    n, ks = 10_000, (1, 2, 17, 5_000, 9_999, 10_000)
    found = best_of_weights(n, torch.tensor(ks))
    torch.testing.assert_close(found.sum(1), torch.ones(len(ks), dtype=torch.float64), rtol=0, atol=1e-9)
    for row, k in enumerate(ks):
        for i in (k, (k + n) // 2, n):
            exact = Fraction(comb(i - 1, k - 1), comb(n, k))
            if exact > Fraction(1, 10**300):
                assert found[row, i - 1].item() == pytest.approx(float(exact), rel=1e-9)


def test_ties_share_within_their_row_only() -> None:
    generator = torch.Generator().manual_seed(0)
    keys = torch.randint(0, 4, (50, 9), generator=generator).double().sort(1).values
    keys[:, -1] = torch.nan
    values = torch.rand(50, 9, generator=generator, dtype=torch.float64)
    found = share_ties(values, keys)
    for row in range(50):
        for column in range(8):
            same = keys[row] == keys[row, column]
            torch.testing.assert_close(found[row, column], values[row, same].mean())
        assert found[row, 8] == values[row, 8]


def test_ranks_are_those_of_scipy() -> None:
    values = torch.randint(0, 5, (40, 12), generator=torch.Generator().manual_seed(1)).double()
    values[::3, 4] = torch.nan
    expected = stats.rankdata(values.numpy(), axis=1, nan_policy="omit")
    np.testing.assert_array_equal(average_ranks(values).numpy(), expected)


def test_no_rows_and_no_columns() -> None:
    assert average_ranks(torch.zeros(0, 3)).shape == (0, 3)
    assert average_ranks(torch.zeros(2, 0)).shape == (2, 0)
