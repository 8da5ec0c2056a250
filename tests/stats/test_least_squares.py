# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Least squares from cross products against numpy."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from imug_metrics.stats.least_squares import least_squares


def rows(seed: int = 0) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    drawn = torch.randn(30, 5, generator=generator, dtype=torch.float64)
    return drawn[:, :4] * torch.tensor([1.0, 1e3, 1e-3, 1.0]), drawn[:, 4]


def test_coefficients_are_those_of_numpy() -> None:
    x, y = rows()
    found = least_squares(x.mT @ x, x.mT @ y)
    assert found.value.tolist() == pytest.approx(np.linalg.lstsq(x.numpy(), y.numpy(), rcond=None)[0].tolist())


def test_what_is_left_of_a_column_is_at_right_angles_to_all_others() -> None:
    x, y = rows(1)
    left = x @ least_squares(x.mT @ x, x.mT @ y).residual.mT
    assert left[:, 0].tolist() != x[:, 0].tolist()
    for row in range(4):
        others = [other for other in range(4) if other != row]
        assert (x[:, others] / x[:, others].norm(dim=0)).mT @ left[:, row] == pytest.approx([0, 0, 0], abs=1e-9)
        assert float(left[:, row] @ left[:, row]) == pytest.approx(float(left[:, row] @ x[:, row]))


def test_columns_that_are_combinations_of_others_have_no_coefficient_and_leave_the_others_theirs() -> None:
    x, y = rows(2)
    more = torch.cat([x, x[:, :1] + x[:, 3:], torch.zeros(30, 1)], 1)
    value = least_squares(more.mT @ more, more.mT @ y).value
    assert value.isnan().tolist() == [True, False, False, True, True, True]
    assert value[1:3].tolist() == pytest.approx(least_squares(x.mT @ x, x.mT @ y).value[1:3].tolist())


def test_derivatives_are_those_of_the_solution() -> None:
    x, y = rows(3)
    more = torch.cat([x, x[:, :1] + x[:, 3:]], 1)
    weights = torch.ones(30, dtype=torch.float64, requires_grad=True)

    def solved(weights: Tensor) -> Tensor:
        weighted = more.mT * weights
        return least_squares(weighted @ more, weighted @ y).value[1:3]

    assert torch.autograd.gradcheck(solved, weights)


def test_each_of_several_systems_is_solved() -> None:
    pairs = [rows(seed) for seed in (4, 5)]
    cross, right = (torch.stack(parts) for parts in zip(*[(x.mT @ x, x.mT @ y) for x, y in pairs]))
    found = least_squares(cross, right)
    for place in (0, 1):
        torch.testing.assert_close(found.value[place], least_squares(cross[place], right[place]).value)
