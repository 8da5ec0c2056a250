# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Bounds that hold at every time, and the bound at one."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import integrate, stats

from imug_metrics.errors import ArgumentError
from imug_metrics.stats.confidence_sequences import chernoff_upper_bound, confidence_sequence, log_evidence_against


@pytest.mark.parametrize(("count", "total", "mean"), [(7, 2.0, 0.5), (30, 11.25, 0.2), (3, 0.0, 0.9), (12, 12.0, 0.6)])
def test_evidence_is_the_mixture_of_likelihood_ratios(count: int, total: float, mean: float) -> None:
    def ratio(t: float) -> float:
        return float((t / mean) ** total * ((1 - t) / (1 - mean)) ** (count - total))

    # t = sin(u)^2 takes the weights of Beta(1/2, 1/2) to even ones on (0, pi/2).
    mixed, _ = integrate.quad(lambda u: ratio(math.sin(u) ** 2) * 2 / math.pi, 0, math.pi / 2)
    assert float(log_evidence_against(mean, count, total)) == pytest.approx(math.log(mixed), abs=1e-8)


@pytest.mark.parametrize(("count", "total"), [(1, 0.0), (1, 1.0), (4, 1.5), (50, 50.0), (1000, 0.0), (1000, 123.5)])
def test_bounds_are_the_ends_of_what_the_evidence_leaves(count: int, total: float) -> None:
    grid = np.linspace(0, 1, 200_001)
    inside = grid[log_evidence_against(grid, count, total) < math.log(20)]
    lower, upper = confidence_sequence(count, total)
    assert float(lower) == pytest.approx(inside[0], abs=1e-5)
    assert float(upper) == pytest.approx(inside[-1], abs=1e-5)


def test_without_units_nothing_is_known() -> None:
    assert [float(bound) for bound in confidence_sequence(0, 0)] == [0.0, 1.0]


@given(st.integers(1, 10**9), st.floats(0, 1), st.sampled_from([0.5, 0.9, 0.95, 0.999]))
def test_bounds_hold_the_mean_and_are_mirrored(count: int, share: float, level: float) -> None:
    total = min(share * count, float(count))
    lower, upper = confidence_sequence(count, total, level)
    assert 0 <= lower <= total / count <= upper <= 1
    low, high = confidence_sequence(count, count - total, level)
    assert float(1 - high) == pytest.approx(float(lower), abs=1e-6)
    assert float(1 - low) == pytest.approx(float(upper), abs=1e-6)


def test_bounds_narrow_and_are_wider_than_an_interval_for_one_look() -> None:
    count = np.array([10, 100, 1000, 10**6, 10**9])
    lower, upper = confidence_sequence(count, 0.3 * count)
    assert (np.diff(upper - lower) < 0).all()
    for n, width in zip(count[:3], (upper - lower)[:3], strict=True):
        once = stats.binomtest(int(0.3 * n), int(n)).proportion_ci(method="exact")
        assert width > once.high - once.low


@pytest.mark.parametrize("level", [0.5, 0.9])
def test_the_rate_is_ever_outside_of_its_bounds_as_rarely_as_promised(level: float) -> None:
    draw = np.random.default_rng(5)
    units = draw.beta(0.6, 1.4, (2000, 300))  # of mean 0.3, neither 0 nor 1
    evidence = log_evidence_against(0.3, np.arange(1, 301), units.cumsum(1))
    ever = int((evidence >= -math.log1p(-level)).any(1).sum())
    assert stats.binomtest(ever, 2000, 1 - level, alternative="greater").pvalue > 1e-3


@pytest.mark.parametrize(("count", "total"), [(200, 40.0), (5, 0.0), (50, 12.5), (10, 9.0)])
def test_the_bound_at_one_time_solves_its_equation(count: int, total: float) -> None:
    bound, mean = float(chernoff_upper_bound(count, total, 0.9)), total / count
    distance = sum(p * math.log(p / q) for p, q in ((mean, bound), (1 - mean, 1 - bound)) if p)
    assert count * distance == pytest.approx(math.log(10), rel=1e-6)
    assert bound < float(confidence_sequence(count, total, 0.9)[1])


def test_the_bound_at_one_time_holds() -> None:
    means = np.random.default_rng(6).binomial(4, 0.2, (4000, 50)).mean(1) / 4
    missed = int((chernoff_upper_bound(50, means * 50, 0.9) < 0.2).sum())
    assert stats.binomtest(missed, 4000, 0.1, alternative="greater").pvalue > 1e-3


@pytest.mark.parametrize(
    ("count", "total", "level", "argument"),
    [
        (3, 4, 0.95, "total"),
        (3, -1, 0.95, "total"),
        (3, math.nan, 0.95, "total"),
        (-1, 0, 0.95, "count"),
        (math.inf, 1, 0.95, "count"),
        (3, 1, 1.0, "level"),
        (3, 1, math.nan, "level"),
    ],
)
def test_what_is_no_sum_of_units_is_refused(count: float, total: float, level: float, argument: str) -> None:
    for bounds in (confidence_sequence, chernoff_upper_bound):
        with pytest.raises(ArgumentError, match=f"`{argument}`"):
            bounds(count, total, level)


def test_a_bound_of_nothing_is_refused() -> None:
    with pytest.raises(ArgumentError, match="`count`"):
        chernoff_upper_bound(0, 0)
