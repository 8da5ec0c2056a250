# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Cohen's kappa against scikit-learn, and how often its interval covers."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from sklearn.metrics import cohen_kappa_score

from imug_metrics.stats.kappa import cohen_kappa


@pytest.mark.parametrize("seed", range(4))
def test_against_scikit_learn_with_missing_answers(seed: int) -> None:
    random = np.random.default_rng(seed)
    first = (random.random(120) < 0.7).astype(float)
    second = np.where(random.random(120) < 0.8, first, 1 - first)
    first[random.random(120) < 0.1] = np.nan
    second[random.random(120) < 0.1] = np.nan
    found = cohen_kappa(torch.tensor(first), torch.tensor(second), torch.arange(120) // 3)
    both = ~(np.isnan(first) | np.isnan(second))
    assert found.value == pytest.approx(cohen_kappa_score(first[both], second[both]))
    assert found.agreed == pytest.approx((first[both] == second[both]).mean())
    assert found.answers == both.sum()
    assert found.lower < found.value < found.upper


def test_its_interval_covers_where_answers_of_a_dialogue_hang_together() -> None:
    random = np.random.default_rng(1)
    inside = 0
    for seed in range(100):
        hard = np.repeat(random.random(40) < 0.3, 4)
        truth = random.random(160) < 0.5
        other = np.where(random.random(160) < np.where(hard, 0.6, 0.9), truth, ~truth)
        found = cohen_kappa(
            torch.tensor(truth.astype(float)), torch.tensor(other.astype(float)), torch.arange(160) // 4,
            replicates=300, seed=seed,
        )  # fmt: skip
        inside += found.lower <= 2 * (0.3 * 0.6 + 0.7 * 0.9) - 1 <= found.upper
    assert inside >= 89


def test_what_does_not_vary_has_no_agreement_beyond_chance() -> None:
    ones = torch.ones(6)
    found = cohen_kappa(ones, ones, torch.arange(6))
    assert math.isnan(found.value)
    assert found.agreed == 1
    assert cohen_kappa(torch.full((3,), torch.nan), torch.ones(3), torch.arange(3)).answers == 0
