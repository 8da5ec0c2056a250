# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Logistic slope from counts by turn against statsmodels."""

import math

import numpy as np
import pytest
import statsmodels.api as sm
import torch

from imug_metrics.stats.logistic import logistic_slope


def fitted(successes: list[int], trials: list[int]) -> float:
    turns = [t for t, n in enumerate(trials) if n]
    counts = np.array([[successes[t], trials[t] - successes[t]] for t in turns], float)
    model = sm.GLM(counts, sm.add_constant(np.array(turns, float)), family=sm.families.Binomial())
    return float(model.fit(tol=1e-13, maxiter=200).params[1])


@pytest.mark.parametrize(
    ("successes", "trials"),
    [
        ([1, 2, 4], [3, 4, 6]),
        ([0, 3, 5, 0, 9], [5, 6, 7, 0, 9]),  # rates of 0 and 1, and a turn without trials
        ([1, 0, 0, 30], [900, 800, 700, 31]),  # nearly parted: full steps of Newton would overshoot
        ([5, 5, 5], [10, 10, 10]),
        ([999, 2, 1], [1000, 3, 900]),
    ],
)
def test_slope_equals_binomial_regression(successes: list[int], trials: list[int]) -> None:
    found = logistic_slope(torch.tensor(successes).double(), torch.tensor(trials).double())
    assert found.item() == pytest.approx(fitted(successes, trials), rel=1e-7, abs=1e-9)


@pytest.mark.parametrize(
    ("successes", "trials"),
    [
        ([0, 0, 4], [3, 4, 4]),  # one turn parts them
        ([0, 2, 4], [3, 4, 4]),  # parted but for ties at one turn
        ([3, 1, 0], [3, 4, 4]),
        ([0, 0, 0], [3, 4, 4]),
        ([3, 4, 4], [3, 4, 4]),
        ([0, 0, 0], [0, 0, 0]),
        ([1, 0, 0], [2, 0, 0]),  # a single turn has no slope
    ],
)
def test_slope_without_a_maximum_is_undefined(successes: list[int], trials: list[int]) -> None:
    assert logistic_slope(torch.tensor(successes).double(), torch.tensor(trials).double()).isnan()


def test_slope_of_many_tables_at_once_with_an_undefined_one_among_them() -> None:
    successes = torch.tensor([[1.0, 2, 4], [0, 0, 0], [2, 2, 1]]).double()
    trials = torch.tensor([[3.0, 4, 6], [3, 3, 3], [3, 4, 6]]).double()
    found = logistic_slope(successes, trials)
    assert found[1].isnan()
    assert found[0].item() == pytest.approx(math.log(2), abs=1e-12)
    assert found[2].item() == pytest.approx(fitted([2, 2, 1], [3, 4, 6]), abs=1e-9)


def test_gradient_is_that_of_the_maximum_and_scale_does_not_matter() -> None:
    successes, trials = torch.tensor([1.0, 5, 4]).double(), torch.tensor([6.0, 9, 6]).double()
    assert torch.autograd.gradcheck(logistic_slope, (successes.requires_grad_(), trials.requires_grad_()))
    torch.testing.assert_close(logistic_slope(3.7 * successes, 3.7 * trials), logistic_slope(successes, trials))
