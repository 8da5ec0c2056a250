# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""The adjusted mean that prediction-powered means and control variates share."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from imug_metrics.stats.adjusted_mean import (
    MIN_DIALOGUES,
    adjusted_mean,
    effective_dialogues,
    mean_parts,
)
from imug_metrics.stats.cluster_robust import delta_spread, packed_moments, unpack_moments


def drawn(dialogues: int, turns: int, share: float, covariates: int = 1, seed: int = 0):
    """Scores of some records, covariates of all, uneven dialogues."""
    rng = np.random.default_rng(seed)
    dialogue = np.repeat(np.arange(dialogues), rng.integers(1, turns + 1, dialogues))
    easy = rng.normal(size=dialogues)[dialogue]
    x = easy[:, None] + rng.normal(size=(len(dialogue), covariates))
    y = x.sum(1) + easy + rng.normal(size=len(dialogue)) + 3
    y[rng.random(len(dialogue)) > share] = math.nan
    return torch.tensor(y), torch.tensor(x), torch.tensor(dialogue)


@pytest.mark.parametrize("slope", [0.0, 0.7, -2.0])
def test_the_spread_is_that_of_the_delta_method_over_sums_of_dialogues(slope):
    y, x, dialogue = drawn(30, 5, 0.4)
    parts = mean_parts(y, x, dialogue)
    found = adjusted_mean(parts, level=0.95, slopes=torch.tensor([slope], dtype=torch.float64))
    scored = ~y.isnan()
    rows = torch.stack([torch.ones_like(y), x[:, 0], scored.double(), y.nan_to_num(0), x[:, 0] * scored], 1)
    sums = torch.zeros(30, 5, dtype=torch.float64).index_add_(0, dialogue, rows)

    def estimate(totals):
        n, f, labelled, people, judge = totals
        return ((people - slope * judge) / labelled + slope * f / n)[None]

    value, spread = delta_spread(estimate, unpack_moments(packed_moments(sums)))
    assert found.value == pytest.approx(value.item(), abs=1e-12)
    factor = found.dialogues / (found.dialogues - 1)
    assert found.error**2 == pytest.approx(spread.item() * factor, rel=1e-10)


@pytest.mark.parametrize("covariates", [1, 3])
def test_slopes_found_are_those_of_least_error(covariates):
    y, x, dialogue = drawn(80, 4, 0.5, covariates)
    parts = mean_parts(y, x, dialogue)
    best = adjusted_mean(parts, level=0.95)
    assert best.variance_ratio < 1
    slopes = torch.tensor(best.slopes, dtype=torch.float64)
    least = (parts.own - parts.others @ slopes).square().sum()
    for k in range(covariates):
        for step in (-0.05, 0.05):
            moved = slopes.clone()
            moved[k] += step
            assert (parts.own - parts.others @ moved).square().sum() > least
    expected = np.linalg.lstsq(parts.others.numpy(), parts.own.numpy(), rcond=None)[0]
    np.testing.assert_allclose(best.slopes, expected, rtol=1e-8)


def test_each_slope_that_was_found_costs_a_degree_of_freedom():
    y, x, dialogue = drawn(80, 4, 0.5, 2)
    parts = mean_parts(y, x, dialogue)
    best = adjusted_mean(parts, level=0.95)
    given = adjusted_mean(parts, level=0.95, slopes=torch.tensor(best.slopes, dtype=torch.float64))
    left, all_ = best.dialogues - 2, best.dialogues
    assert best.error / given.error == pytest.approx(math.sqrt(left / (left - 1) * (all_ - 1) / all_), rel=1e-12)
    assert best.value == given.value


def test_scales_and_shifts_of_covariates_change_nothing():
    y, x, dialogue = drawn(80, 4, 0.5, 2)
    plain = adjusted_mean(mean_parts(y, x, dialogue), level=0.95)
    scaled = adjusted_mean(mean_parts(y, x * torch.tensor([1e6, 1e-6]) - 1e3, dialogue), level=0.95)
    assert (scaled.value, scaled.error) == pytest.approx((plain.value, plain.error), rel=1e-6)


def test_the_same_covariate_twice_is_used_once():
    y, x, dialogue = drawn(80, 4, 0.5)
    once = adjusted_mean(mean_parts(y, x, dialogue), level=0.95)
    twice = adjusted_mean(mean_parts(y, x.repeat(1, 2), dialogue), level=0.95)
    assert twice.value == pytest.approx(once.value, abs=1e-12)
    assert sum(twice.slopes) == pytest.approx(once.slopes[0])


@pytest.mark.parametrize("constant", [0.1, 1e6 / 3])
def test_a_covariate_that_does_not_vary_leaves_the_plain_mean(constant):
    y, _, dialogue = drawn(80, 4, 0.5)
    found = adjusted_mean(mean_parts(y, torch.full((len(y), 1), constant), dialogue), level=0.95)
    assert found.value == pytest.approx(y.nanmean().item(), abs=1e-14)
    assert (found.slopes, found.variance_ratio) == ((0.0,), 1.0)


def test_a_covariate_that_is_alike_in_all_dialogues_is_not_fitted_to_rounding():
    # Whole dialogues are scored, all of the same values, whose sum hangs on their order in the last digit.
    rng = np.random.default_rng(0)
    values = rng.random(7) + 1 / 3
    x = torch.tensor(np.stack([rng.permutation(values) for _ in range(40)])).flatten()
    dialogue = torch.arange(40).repeat_interleave(7)
    y = torch.tensor(rng.normal(size=280)).where(dialogue < 23, math.nan)
    parts = mean_parts(y, x[:, None], dialogue)
    assert adjusted_mean(parts, level=0.95).slopes == (0.0,)
    assert adjusted_mean(parts, level=0.95).variance_ratio == 1.0


def test_few_dialogues_find_no_slope():
    y, x, dialogue = drawn(60, 1, 1.0)
    for count, used in ((MIN_DIALOGUES - 1, False), (MIN_DIALOGUES, True)):
        scored = y.where(dialogue < count, math.nan)
        found = adjusted_mean(mean_parts(scored, x, dialogue), level=0.95)
        assert found.dialogues == pytest.approx(count)
        assert (found.slopes[0] != 0) == used
        assert (found.variance_ratio == 1.0) == (not used)


def test_bounds_below_two_effective_dialogues_are_undefined():
    one, none = torch.tensor([1.0, 3.0, math.nan]), torch.full((3,), math.nan)
    dialogue, x = torch.tensor([5, 5, 6]), torch.tensor([[1.0], [2.0], [3.0]])
    found = adjusted_mean(mean_parts(one, x, dialogue), level=0.95)
    assert (found.value, found.scored, found.records) == (2.0, 2, 3)
    assert math.isnan(found.lower)
    assert math.isnan(found.upper)
    assert math.isnan(found.variance_ratio)
    empty = adjusted_mean(mean_parts(none, x, dialogue), level=0.95)
    assert math.isnan(empty.value)
    assert (empty.scored, empty.dialogues) == (0, 0.0)


def test_scores_that_are_all_equal_have_no_interval():
    y, x, dialogue = drawn(40, 3, 0.5)
    found = adjusted_mean(mean_parts(torch.full_like(y, 0.1).where(~y.isnan(), math.nan), x, dialogue), level=0.95)
    assert (found.value, found.error) == (0.1, 0.0)
    assert math.isnan(found.lower)
    assert math.isnan(found.upper)
    assert (found.slopes, found.variance_ratio) == ((0.0,), 1.0)


def test_effective_dialogues_are_their_number_where_all_are_alike():
    assert effective_dialogues(torch.full((7,), 3)) == pytest.approx(7)
    assert effective_dialogues(torch.tensor([100, 1, 1])) == pytest.approx(102**2 / 10002)
    assert effective_dialogues(torch.zeros(0, dtype=torch.int64)) == 0
