# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Means adjusted by control variates, against direct computations and simulation."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from imug_metrics.stats.control_variates import controlled_mean


def drawn(generator: torch.Generator, dialogues: int = 150, scored: int = 30):
    """Scores of the first dialogues, which follow two covariates of all, three records each."""
    dialogue = torch.arange(dialogues).repeat_interleave(3)
    noise = torch.randn(4, 3 * dialogues, generator=generator, dtype=torch.float64)
    x = torch.stack([noise[0] + torch.randn(dialogues, generator=generator).double()[dialogue], noise[1]], 1)
    y = 2 * x[:, 0] - x[:, 1] + 0.5 * noise[2] + 1
    return y.where(dialogue < scored, math.nan), x, dialogue


def test_slopes_are_those_of_a_regression_where_each_dialogue_is_one_record():
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(3000, generator=generator, dtype=torch.float64)
    y = (0.5 - 1.5 * x + torch.randn(3000, generator=generator).double()).where(torch.arange(3000) < 1000, math.nan)
    mean = float(x.mean())
    found = controlled_mean(y, x, torch.arange(3000), covariate_mean=mean)
    slope = np.polyfit(x[:1000], y[:1000], 1)[0]
    assert found.slopes[0] == pytest.approx(slope, rel=1e-10)
    assert found.value == pytest.approx(float(y[:1000].mean() - slope * (x[:1000].mean() - mean)), abs=1e-12)
    residual = y[:1000] - slope * x[:1000]
    assert found.error == pytest.approx(float(residual.std() / math.sqrt(1000)), rel=2e-3)


def test_intervals_hold_and_are_shorter():
    generator = torch.Generator().manual_seed(2)
    held = ratio = 0.0
    runs = 400
    for _ in range(runs):
        found = controlled_mean(*drawn(generator))
        held += found.lower < 1 < found.upper
        ratio += found.variance_ratio
    assert 0.92 <= held / runs <= 0.98
    assert ratio / runs < 0.4


def test_a_known_mean_is_exact_and_works_where_all_is_scored():
    y, x, dialogue = drawn(torch.Generator().manual_seed(0), 60, 60)
    assert controlled_mean(y, x, dialogue).variance_ratio == 1.0
    found = controlled_mean(y, x, dialogue, covariate_mean=torch.zeros(2))
    assert found.variance_ratio < 0.2
    assert found.lower < 1 < found.upper
    assert found.value == pytest.approx(
        float(y.mean() - (torch.tensor(found.slopes).double() * x.mean(0)).sum()), abs=1e-6
    )


def test_a_covariate_that_says_nothing_gains_nothing():
    generator = torch.Generator().manual_seed(0)
    y, _, dialogue = drawn(generator)
    other = torch.randn(len(y), generator=generator)
    assert controlled_mean(y, other, dialogue).variance_ratio == pytest.approx(1, abs=0.2)
    constant = controlled_mean(y, torch.full_like(y, 0.1), dialogue)
    assert (constant.value, constant.variance_ratio) == (pytest.approx(float(y.nanmean()), abs=1e-14), 1.0)


def test_fewer_than_ten_dialogues_a_covariate_leave_the_plain_mean():
    y, x, dialogue = drawn(torch.Generator().manual_seed(0), 60, 19)
    both = controlled_mean(y, x, dialogue)
    assert (both.slopes, both.variance_ratio) == ((0.0, 0.0), 1.0)
    assert controlled_mean(y, x[:, 0], dialogue).variance_ratio < 0.6


def test_what_cannot_be_used_is_refused():
    y, x, dialogue = torch.zeros(4), torch.zeros(4, 2), torch.arange(4)
    with pytest.raises(ValueError, match="`covariate` to be known of every record, got NaN at row 3"):
        controlled_mean(y, x.index_fill(0, torch.tensor([3]), math.nan), dialogue)
    with pytest.raises(ValueError, match=r"`covariate` to have shape \[N\] or \[N, K\]"):
        controlled_mean(y, x[None], dialogue)
    with pytest.raises(ValueError, match="`covariate_mean` to hold 2 finite numbers"):
        controlled_mean(y, x, dialogue, covariate_mean=0.5)
    with pytest.raises(ValueError, match="`dialogue` to hold 4 records"):
        controlled_mean(y, x, dialogue[:2])
