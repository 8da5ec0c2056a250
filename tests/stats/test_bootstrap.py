# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""The Poisson bootstrap: its draws depend on ids alone, and they are Poisson(1)."""

import torch
from scipy import stats

from imug_metrics.stats import percentile_interval, poisson_weights


def test_a_dialogues_draws_do_not_depend_on_its_neighbours() -> None:
    ids = torch.tensor([5, -3, 2**62, 0, -(2**63)])
    whole = poisson_weights(ids, 50, seed=4)
    for row, one in enumerate(ids):
        assert torch.equal(poisson_weights(one[None], 50, seed=4)[0], whole[row])
    assert torch.equal(poisson_weights(ids, 80, seed=4)[:, :50], whole)


def test_seeds_and_ids_give_different_draws() -> None:
    ids = torch.arange(20)
    assert not torch.equal(poisson_weights(ids, 30, 0), poisson_weights(ids, 30, 1))
    assert len({tuple(row) for row in poisson_weights(ids, 30).tolist()}) == 20


def test_draws_follow_poisson_one_over_dialogues_and_over_replicates() -> None:
    weights = poisson_weights(torch.arange(2000), 200).flatten()
    counts = torch.bincount(weights.long(), minlength=8)[:8].double()
    expected = torch.tensor(stats.poisson.pmf(range(8), 1)) * len(weights)
    assert stats.chisquare(counts, expected * counts.sum() / expected.sum()).pvalue > 1e-4
    table = poisson_weights(torch.arange(400), 400)
    off_diagonal = torch.corrcoef(table) - torch.eye(400)
    assert off_diagonal.abs().max() < 0.3


def test_percentiles_leave_out_undefined_replicates() -> None:
    lower, upper = percentile_interval(torch.tensor([[0.0], [torch.nan], [1.0], [2.0]]).double(), 0.999)
    assert 0 <= lower.item() < 0.01
    assert 1.99 < upper.item() <= 2
