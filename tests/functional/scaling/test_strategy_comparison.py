# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Gains of strategies and which are worth their cost."""

from __future__ import annotations

import pytest
import torch

from imug_metrics.functional import paired_gain, pareto_front, strategy_comparison


def test_every_gain_is_the_paired_gain() -> None:
    scores = torch.rand(20, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    scores[::4, 1] = torch.nan
    found = strategy_comparison(scores, baseline=2)
    for column in range(3):
        expected = paired_gain(scores[:, column], scores[:, 2], dialogue=torch.arange(20), turn=torch.ones(20).long())
        torch.testing.assert_close(found[column], expected)
    assert found[2] == 0


def test_front_against_every_pair() -> None:
    generator = torch.Generator().manual_seed(1)
    for _ in range(50):
        scores = torch.randint(0, 4, (6,), generator=generator).double()
        costs = torch.randint(0, 4, (6,), generator=generator).double()
        found = pareto_front(scores, costs)
        for i in range(6):
            beaten = any(
                scores[j] >= scores[i] and costs[j] <= costs[i] and (scores[j] > scores[i] or costs[j] < costs[i])
                for j in range(6)
            )
            assert bool(found[i]) is not beaten


def test_undefined_strategies_are_not_on_the_front() -> None:
    assert pareto_front([float("nan"), 0.5], [0.0, 1.0]).tolist() == [False, True]


def test_unknown_baseline_is_refused() -> None:
    with pytest.raises(ValueError, match="`baseline`"):
        strategy_comparison([[0.1, 0.2]], baseline=2)
