# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Agreement of raters, against the krippendorff package, scipy and direct loops."""

from __future__ import annotations

import math

import pytest
import torch
from scipy import stats

from imug_metrics.stats.agreement import agreement, krippendorff_alpha

krippendorff = pytest.importorskip("krippendorff", reason="krippendorff is not installed")

LEVELS = ("nominal", "ordinal", "interval")


def ratings(raters: int, units: int, levels: int, missing: float, seed: int) -> torch.Tensor:
    """Raters who mostly see the same thing, with gaps."""
    generator = torch.Generator().manual_seed(seed)
    truth = torch.randint(levels, (units,), generator=generator)
    own = torch.randint(levels, (raters, units), generator=generator)
    values = torch.where(torch.rand(raters, units, generator=generator) < 0.4, own, truth).double()
    return values.masked_fill(torch.rand(raters, units, generator=generator) < missing, torch.nan)


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize(("raters", "units", "levels"), [(2, 6, 2), (2, 30, 6), (5, 40, 6), (3, 200, 40)])
@pytest.mark.parametrize("missing", [0.0, 0.3, 0.6])
def test_alpha_is_that_of_the_reference_package(level, raters, units, levels, missing):
    for seed in range(5):
        values = ratings(raters, units, levels, missing, seed)
        if values[:, (~values.isnan()).sum(0) >= 2].nan_to_num(0).unique().numel() < 2:
            continue
        expected = krippendorff.alpha(values.numpy(), level_of_measurement=level)
        assert krippendorff_alpha(values, level).item() == pytest.approx(expected, abs=1e-12)


def test_alpha_of_krippendorffs_worked_example():
    # Four observers, twelve units, with gaps: the data of "Computing Krippendorff's Alpha-Reliability" (2011).
    gap = math.nan
    values = torch.tensor([
        [1, 2, 3, 3, 2, 1, 4, 1, 2, gap, gap, gap],
        [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, gap, 3],
        [gap, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, gap],
        [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, gap],
    ])  # fmt: skip
    found = [round(krippendorff_alpha(values, level).item(), 3) for level in LEVELS]
    assert found == [0.743, 0.815, 0.849]


def test_alpha_of_large_values_loses_no_digits():
    values = ratings(3, 50, 6, 0.2, 0)
    assert krippendorff_alpha(values + 1e9).item() == pytest.approx(krippendorff_alpha(values).item(), abs=1e-9)


@pytest.mark.parametrize("level", LEVELS)
def test_alpha_without_variation_or_pairs_is_undefined(level):
    assert krippendorff_alpha(torch.full((3, 4), 0.1), level).isnan()
    assert krippendorff_alpha(torch.tensor([[1.0, math.nan], [math.nan, 2.0]]), level).isnan()
    assert krippendorff_alpha(torch.zeros(2, 0), level).isnan()


def test_spread_and_identical_shares_are_those_of_a_loop():
    scores = ratings(4, 60, 6, 0.4, 1)
    repeated = [unit[~unit.isnan()] for unit in scores.T if (~unit.isnan()).sum() >= 2]
    found = agreement(scores, replicates=1)
    assert found["units"] == len(repeated) < 60
    assert found["spread"] == pytest.approx(sum(unit.std().item() for unit in repeated) / len(repeated))
    assert found["identical"] == sum(unit.unique().numel() == 1 for unit in repeated) / len(repeated)


def test_a_judge_beside_people_is_correlated_over_units_that_both_rated():
    scores, human = ratings(3, 80, 6, 0.3, 2), ratings(2, 80, 6, 0.5, 2)
    judge, people = scores.nanmean(0), human.nanmean(0)
    both = ~(judge.isnan() | people.isnan())
    found = agreement(scores, human, level="ordinal", replicates=1)
    assert found["human_units"] == both.sum() < 80
    assert found["human_pearson"] == pytest.approx(stats.pearsonr(judge[both], people[both]).statistic)
    assert found["human_spearman"] == pytest.approx(stats.spearmanr(judge[both], people[both]).statistic)
    pair = torch.stack([judge, people])
    assert found["human_alpha"] == pytest.approx(krippendorff.alpha(pair.numpy(), level_of_measurement="ordinal"))


def test_labels_have_no_spread_and_no_correlation():
    found = agreement(ratings(2, 30, 4, 0.0, 3), ratings(1, 30, 4, 0.0, 3)[0], level="nominal", replicates=2)
    assert [math.isnan(found[name]) for name in ("spread", "human_pearson", "human_spearman")] == [True] * 3
    assert 0 < found["human_alpha"] < 1


def test_a_replicate_weights_units_as_if_they_were_repeated():
    """Bounds of two replicates lie between the estimates of units repeated as often as each draws them."""
    from imug_metrics.stats.bootstrap import poisson_weights

    scores, human = ratings(3, 40, 6, 0.3, 4), ratings(2, 40, 6, 0.3, 4)
    each = []
    for draws in poisson_weights(torch.arange(40), 2, seed=7).long().T:
        rows = [part.repeat_interleave(draws, 1) for part in (scores, human)]
        each.append(agreement(*rows, level="ordinal", replicates=1))
    found = agreement(scores, human, level="ordinal", replicates=2, seed=7)
    tail = stats.norm.cdf(-stats.t.ppf(0.975, 39) * math.sqrt(40 / 39))
    for name in ("alpha", "spread", "human_alpha", "human_pearson", "human_spearman"):
        low, high = sorted(drawn[name] for drawn in each)
        lower, upper = low + tail * (high - low), high - tail * (high - low)
        assert found[f"{name}_lower"] == pytest.approx(min(lower, found[name])), "bounds hold their estimate"
        assert found[f"{name}_upper"] == pytest.approx(max(upper, found[name]))


def test_repeats_that_are_all_equal_have_no_interval_of_width_zero():
    scores = torch.tensor([[1.0, 2.0, 3.0, 4.0, 5.0, 1.0]] * 3)
    found = agreement(scores, clusters=torch.tensor([0, 0, 1, 1, 2, 2]))
    assert found["identical"] == found["alpha"] == 1
    assert found["identical_lower"] < 0.7
    assert found["identical_upper"] == 1
    assert math.isnan(found["alpha_lower"])


def test_intervals_hold_the_estimate_and_are_wider_when_units_come_in_clusters():
    scores = ratings(3, 50, 6, 0.1, 5).repeat_interleave(6, 1)  # six copies of each unit
    alone = agreement(scores, replicates=200)
    together = agreement(scores, clusters=torch.arange(50).repeat_interleave(6), replicates=200)
    assert alone["alpha"] == together["alpha"]
    assert together["alpha_lower"] < alone["alpha_lower"] < alone["alpha"] < alone["alpha_upper"]
    ratio = (together["alpha_upper"] - together["alpha_lower"]) / (alone["alpha_upper"] - alone["alpha_lower"])
    assert ratio == pytest.approx(6**0.5, rel=0.3)


def test_one_repeat_says_nothing_about_the_judge_itself():
    found = agreement(ratings(1, 20, 6, 0.0, 6), ratings(1, 20, 6, 0.0, 7)[0], replicates=3)
    assert found["units"] == 0
    assert all(math.isnan(found[name]) for name in ("alpha", "spread", "identical"))
    assert not math.isnan(found["human_pearson"])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"scores": torch.zeros(4)}, "`scores` to have shape"),
        ({"scores": torch.full((2, 3), math.inf)}, "`scores` to be finite"),
        ({"scores": torch.zeros(2, 3), "human": torch.zeros(4)}, "`human` to hold 3 units"),
        ({"scores": torch.zeros(2, 3), "clusters": torch.arange(2)}, "`clusters` to hold 3 units"),
        ({"scores": torch.zeros(2, 3), "level": "ratio"}, "`level`"),
        ({"scores": torch.zeros(2, 3), "replicates": 0}, "`replicates`"),
    ],
)
def test_arguments_that_do_not_fit_are_named(arguments, message):
    with pytest.raises(ValueError, match=message):
        agreement(**arguments)
