# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""The delete-a-group jackknife against errors that are known."""

from __future__ import annotations

import pytest
import torch
from scipy import stats

from imug_metrics.stats import Weights
from imug_metrics.stats.intervals import REASONS
from imug_metrics.stats.jackknife import group_of, jackknife, jackknife_interval, sum_groups


def test_the_error_of_a_mean_of_equal_groups_is_that_of_the_group_means() -> None:
    values = torch.randn(12, 1, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    error, number = jackknife((values.sum(0) - values) / 11, torch.ones(12, 1))
    torch.testing.assert_close(error, values.std(0) / 12**0.5)
    assert number == 12


def test_estimates_do_not_hang_on_how_many_others_there_are() -> None:
    replicates = torch.rand(32, 9, dtype=torch.float64)
    together, _ = jackknife(replicates, torch.ones(32, 9))
    for column in range(9):
        alone, _ = jackknife(replicates[:, column : column + 1], torch.ones(32, 1))
        assert alone == together[column]


def test_an_estimate_that_a_group_carries_alone_has_no_error() -> None:
    replicates = torch.tensor([[1.0, torch.nan, 1.0], [2.0, 3.0, 1.0], [3.0, 4.0, 1.0]])
    clusters = torch.tensor([[1, 1, 0], [1, 1, 0], [1, 1, 1]])
    error, _ = jackknife(replicates, clusters)
    assert error.isnan().tolist() == [False, True, True]
    without = jackknife(replicates, torch.tensor([[1, 0, 1]] * 1 + [[1, 1, 1]] * 2))[0]
    assert without[1] == pytest.approx(0.5), "a group that takes no part may leave what it likes"


def test_groups_are_even_and_sums_are_those_of_their_members() -> None:
    group = group_of(torch.arange(10_000), 32)
    sizes = sum_groups(torch.ones(10_000), group, 32)
    assert stats.chisquare(sizes.numpy()).pvalue > 0.001
    terms = torch.rand(10_000, 2, dtype=torch.float64)
    for number in (0, 31):
        torch.testing.assert_close(sum_groups(terms, group, 32)[number], terms[group == number].sum(0))


def even(count: float) -> Weights:
    return Weights(torch.tensor([count]).double(), torch.tensor([count]).double())


def bounds(value: float, error: float, groups: float = 32, dialogues: float = 100, share: bool = True) -> list[float]:
    parts = [torch.tensor([number], dtype=torch.float64) for number in (value, error)]
    found = jackknife_interval(*parts, even(groups), even(dialogues), torch.tensor([share]))
    return [float(found.lower), float(found.upper), REASONS[int(found.reason)]]


def test_a_number_has_the_bounds_of_student() -> None:
    half = stats.t.ppf(0.975, 31) * 0.2
    assert bounds(1.5, 0.2, share=False)[:2] == pytest.approx([1.5 - half, 1.5 + half])


def test_a_share_keeps_within_its_range() -> None:
    lower, upper, reason = bounds(0.99, 0.02)
    assert 0 < lower < 0.97 < 0.99 < upper < 1
    assert not reason
    swapped = bounds(0.01, 0.02)
    assert [1 - upper, 1 - lower] == pytest.approx(swapped[:2])


def test_at_the_end_of_its_range_the_far_bound_is_that_of_as_many_trials() -> None:
    lower = stats.binomtest(100, 100).proportion_ci(method="exact").low
    assert bounds(1.0, 0.0)[:2] == pytest.approx([lower, 1.0])
    assert bounds(0.0, 0.0)[:2] == pytest.approx([0.0, 1 - lower])


@pytest.mark.parametrize(
    ("value", "error", "groups", "share", "reason"),
    [
        (torch.nan, torch.nan, 0, True, "it is undefined"),
        (0.7, torch.nan, 2, True, "fewer than 2 effective dialogues carry it"),
        (0.7, 0.1, 1.5, False, "fewer than 2 effective dialogues carry it"),
        (0.5, 0.0, 32, True, "it is the same in all dialogues, or differs from 0 in fewer than 2 effective ones"),
        (1.0, 0.0, 1, True, "fewer than 2 effective dialogues carry it"),
    ],
)
def test_what_cannot_be_bounded_says_why(value: float, error: float, groups: float, share: bool, reason: str) -> None:
    lower, upper, found = bounds(value, error, groups, share=share)
    assert lower != lower
    assert upper != upper
    assert found == reason
