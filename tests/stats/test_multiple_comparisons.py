# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Adjusted p-values against statsmodels, and joint coverage of the bounds where the truth is known."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from statsmodels.stats.multitest import multipletests

from imug_metrics.stats.multiple_comparisons import holm, holm_families, holm_intervals, max_t

LEVEL = 0.95


@pytest.mark.parametrize("seed", range(5))
def test_holm_is_that_of_statsmodels(seed: int) -> None:
    p = np.random.default_rng(seed).random(7) ** 3
    expected = multipletests(p, method="holm")[1]
    np.testing.assert_allclose(holm(torch.from_numpy(p)).numpy(), expected, rtol=1e-12)


def test_undefined_p_values_stay_undefined_and_do_not_count() -> None:
    found = holm(torch.tensor([0.02, torch.nan, 0.01]))
    torch.testing.assert_close(found, torch.tensor([0.02, torch.nan, 0.02]), equal_nan=True)


def _covered(correlation: float, times: int = 400, clusters: int = 60, strategies: int = 4) -> dict[str, float]:
    """How often all intervals cover the true means, 0, of correlated columns."""
    generator = torch.Generator().manual_seed(3)
    held = {"holm": 0, "max-t": 0, "one by one": 0}
    for _ in range(times):
        shared = torch.randn(clusters, 1, generator=generator, dtype=torch.float64)
        own = torch.randn(clusters, strategies, generator=generator, dtype=torch.float64)
        data = correlation**0.5 * shared + (1 - correlation) ** 0.5 * own
        value, error = data.mean(0), data.std(0) / clusters**0.5
        weights = torch.poisson(torch.ones(500, clusters, dtype=torch.float64), generator=generator)
        replicates = weights @ data / weights.sum(1, keepdim=True)
        count = torch.full_like(value, clusters)
        found = {
            "holm": holm_intervals(value, error, count, LEVEL),
            "max-t": max_t(value, error, count, replicates, LEVEL),
        }
        for name, bounds in found.items():
            held[name] += bool(((bounds.lower <= 0) & (bounds.upper >= 0)).all())
        held["one by one"] += bool((value.abs() <= 2 * error).all())
    return {name: count / times for name, count in held.items()}


@pytest.mark.parametrize("correlation", [0.0, 0.8])
def test_all_intervals_cover_together(correlation: float) -> None:
    held = _covered(correlation)
    assert held["holm"] > 0.92
    assert 0.92 < held["max-t"] < 0.98, "sharper than Bonferroni where estimates are correlated, but no less honest"
    assert held["one by one"] < 0.91, "which is why the others are needed"


def test_an_estimate_without_spread_is_undefined() -> None:
    replicates = torch.stack([torch.zeros(10), torch.arange(10.0)], 1).double()
    found = max_t(torch.tensor([0.0, 4.5]).double(), torch.ones(2).double(), torch.full((2,), 9.0), replicates)
    assert found.p[0].isnan()
    assert found.p[1].isfinite()


def families(*values: list[float]) -> list[torch.Tensor]:
    return [torch.tensor(p, dtype=torch.float64) for p in values]


@pytest.mark.parametrize("seed", range(5))
def test_families_of_one_member_are_holms_rule_of_statsmodels(seed: int) -> None:
    p = np.random.default_rng(seed).random(7) ** 3
    found = torch.cat(holm_families(list(torch.from_numpy(p)[:, None])))
    np.testing.assert_allclose(found.numpy(), multipletests(p, method="holm")[1], rtol=1e-12)


@pytest.mark.parametrize("seed", range(5))
def test_families_keep_the_order_of_p_values_and_never_lower_one(seed: int) -> None:
    rng = np.random.default_rng(seed)
    given = [torch.from_numpy(rng.random(size) ** 4) for size in (1, 3, 6, 2)]
    found = holm_families(given)
    for before, after in zip(given, found, strict=True):
        assert bool((after >= before).all())
        assert bool((after <= 1).all())
        assert bool((after[before.argsort()].diff() >= 0).all())
    smallest = torch.stack([before.min() for before in given])
    np.testing.assert_allclose([float(p.min()) for p in found], holm(smallest).numpy(), rtol=1e-12)


def test_a_familys_smallest_p_value_is_not_adjusted_below_that_of_a_family_before_it() -> None:
    found = holm_families(families([0.02, 0.5], [0.021], [0.03]))
    assert [p.tolist() for p in found] == [pytest.approx([0.06, 1.0]), [0.06], [0.06]]


def test_one_family_stays_as_it_is_and_an_unknown_one_does_not_count() -> None:
    [alone] = holm_families(families([0.03, 0.4]))
    assert alone.tolist() == [0.03, 0.4]
    none, known, partly = holm_families(families([np.nan, np.nan], [0.01, 0.2], [np.nan, 0.4]))
    assert bool(none.isnan().all())
    assert known.tolist() == [0.02, 0.4]
    assert bool(partly[0].isnan())
    assert partly[1].item() == 0.4
    assert holm_families([]) == []
