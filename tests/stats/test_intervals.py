# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Intervals of estimates against statsmodels, scipy and what each method promises."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from scipy import stats
from statsmodels.stats.proportion import proportion_confint
from torch import Tensor

from imug_metrics.stats import REASONS, Interval, Weights, interval, ratio_spread, student_quantile, unpack_moments
from imug_metrics.stats.cluster_robust import component_weights, packed_moments
from imug_metrics.stats.intervals import effective_records, wilson_bounds
from tests.metrics.interval_reference import effective, log_bounds, share_bounds, student_bounds

INFINITE = math.inf
FINE, UNDEFINED, FEW, CONSTANT, END = REASONS[:5]


def weights_of(counts: np.ndarray | list[float]) -> Weights:
    """Weights of dialogues of so many records."""
    counts = torch.as_tensor(np.asarray(counts), dtype=torch.float64)
    return Weights(counts.sum(), (counts**2).sum())


def number(value: float) -> Tensor:
    return torch.tensor(value, dtype=torch.float64)


def of_mean(totals: np.ndarray | list[float], counts: np.ndarray | list[float], **options: float) -> Interval:
    """The interval of a mean of scores, from their sums and counts by dialogue."""
    vectors = torch.tensor(np.stack([totals, counts], 1), dtype=torch.float64)
    moments = unpack_moments(packed_moments(vectors))
    value, spread = ratio_spread(moments, 1)
    return interval(value, spread, component_weights(moments, torch.tensor([1])), **options)


def bounds(found: Interval) -> list[float]:
    return [found.value.item(), found.lower.item(), found.upper.item()]


def reason(found: Interval) -> str:
    return REASONS[int(found.reason)]


@pytest.mark.parametrize("counts", [[3, 3, 3], [1, 2, 30], [5], [2.5, 0.5], [1e-3, 1e3]])
def test_effective_dialogues_are_as_many_as_equal_ones_would_be_as_uneven(counts: list[float]) -> None:
    assert weights_of(counts).effective.item() == pytest.approx(effective(np.array(counts)), rel=1e-12)
    assert weights_of([*counts, 0, 0]).effective.item() == pytest.approx(weights_of(counts).effective.item())
    assert 1 <= weights_of(counts).effective.item() <= len(counts)


def test_without_dialogues_none_are_effective() -> None:
    assert Weights(torch.zeros(2), torch.zeros(2)).effective.tolist() == [0, 0]


@pytest.mark.parametrize(("right", "records"), [(0, 12), (1, 12), (7, 12), (40, 50), (50, 50), (990, 1000)])
@pytest.mark.parametrize("level", [0.8, 0.95, 0.99])
def test_wilson_bounds_equal_statsmodels(right: int, records: int, level: float) -> None:
    z = number(stats.norm.ppf((1 + level) / 2))
    ours = [bound.item() for bound in wilson_bounds(number(right / records), number(records), z)]
    theirs = proportion_confint(right, records, alpha=1 - level, method="wilson")
    assert ours == pytest.approx(theirs, abs=1e-12)


def test_shares_of_many_independent_records_have_wilson_bounds_and_an_exact_one_at_the_nearer_end() -> None:
    """With one record a dialogue nothing hangs together, and Student's t is the normal."""
    generator = np.random.default_rng(0)
    for share in (0.1, 0.4, 0.5, 0.93):
        right = (generator.random(20000) < share).astype(float)
        found = of_mean(right, np.ones(20000), low=0, high=1)
        wilson, exact = (proportion_confint(right.sum(), 20000, method=method) for method in ("wilson", "beta"))
        near_0 = right.mean() < 0.5
        expected = (exact[0], wilson[1]) if near_0 else (wilson[0], exact[1])
        assert bounds(found)[1:] == pytest.approx(expected, abs=2e-6)


@pytest.mark.parametrize(("right", "records"), [(0, 10), (1, 10), (2, 40), (38, 40), (10, 10)])
def test_the_side_of_the_nearer_end_is_no_tighter_than_the_exact_one(right: int, records: int) -> None:
    scores = np.zeros(records)
    scores[:right] = 1
    _, lower, upper = bounds(of_mean(scores, np.ones(records), low=0, high=1))
    events = effective_records(number(right / records), number(0.0), weights_of(np.ones(records)))
    assert events.item() == pytest.approx(records), "one record a dialogue: nothing is deducted"
    below, above = proportion_confint(right, records, method="beta")
    if right < records / 2:
        assert lower <= below + 1e-12
    else:
        assert upper >= above - 1e-12
    t = stats.t.ppf(0.975, records - 1)
    wilson = [bound.item() for bound in wilson_bounds(number(right / records), number(records), number(t))]
    assert lower <= wilson[0] + 1e-12
    assert upper >= wilson[1] - 1e-12


@pytest.mark.parametrize("ends", [(0.0, 1.0), (0.0, 2.5), (1.0, 5.0)])
@pytest.mark.parametrize("level", [0.9, 0.95])
def test_shares_equal_the_rule_spelled_out_in_numpy(ends: tuple[float, float], level: float) -> None:
    low, high = ends
    generator = np.random.default_rng(1)
    for _ in range(200):
        counts = generator.integers(1, 8, generator.integers(3, 40)).astype(float)
        mood, graded = generator.random(len(counts)), generator.random() < 0.5
        shares = generator.binomial(counts.astype(int), mood) if not graded else counts * mood
        totals = low * counts + (high - low) * shares
        if effective(counts) < 2:
            continue
        found = of_mean(totals, counts, low=low, high=high, level=level)
        expected = share_bounds(totals, counts, low, high, level)
        assert bounds(found) == pytest.approx(expected, abs=1e-9)
        assert reason(found) == FINE


def test_no_interval_of_a_share_has_no_width_or_leaves_its_range() -> None:
    generator = np.random.default_rng(2)
    seen = {"0": 0, "1": 0, "between": 0}
    for _ in range(1000):
        counts = generator.integers(1, 7, generator.integers(2, 30)).astype(float)
        share = generator.choice([0.0, 0.01, 0.5, 0.99, 1.0])
        together = generator.random() < 0.5
        drawn = generator.random(len(counts)) < share
        totals = counts * drawn if together else generator.binomial(counts.astype(int), share).astype(float)
        found = of_mean(totals, counts, low=0, high=1)
        value, lower, upper = bounds(found)
        if effective(counts) < 2:
            assert reason(found) == FEW
            continue
        assert 0 <= lower <= value <= upper <= 1
        assert upper - lower > 0.01
        seen["0" if value == 0 else "1" if value == 1 else "between"] += 1
    assert min(seen.values()) > 100, seen


@pytest.mark.parametrize("share", [0.0, 1.0])
def test_nothing_or_everything_right_leaves_doubt_that_shrinks_with_the_number_of_dialogues(share: float) -> None:
    widths = []
    for dialogues in (2, 5, 20, 100, 1000):
        counts = np.full(dialogues, 4.0)
        value, lower, upper = bounds(of_mean(share * counts, counts, low=0, high=1))
        assert value == share
        assert {0.0: lower, 1.0: upper}[share] == share
        widths.append(upper - lower)
    assert widths == sorted(widths, reverse=True)
    assert widths[-1] < 0.01 < widths[0]
    many = np.full(1000, 4.0)
    records = 4000 / (1 + 3 * 0.7)  # as if records of a dialogue hung together by 0.7
    t = stats.t.ppf(0.975, 999) ** 2
    _, lower, upper = bounds(of_mean(share * many, many, low=0, high=1))
    exact = 1 - 0.025 ** (1 / records)
    assert upper - lower == pytest.approx(max(t / (records + t), exact), abs=1e-9)


def test_dialogues_that_hang_together_count_less() -> None:
    counts = np.full(30, 4.0)
    together, apart = 4.0 * (np.arange(30) < 15), np.full(30, 2.0) + np.tile([-1, 0, 1], 10)
    widths = [found.upper - found.lower for found in (of_mean(t, counts, low=0, high=1) for t in (together, apart))]
    assert widths[0] > 1.5 * widths[1]
    value, spread = number(0.5), number(0.25 / 30)
    records = effective_records(value, spread * 29 / 30, weights_of(counts))
    assert 30 <= records.item() < 35, "dialogues of one kind each are little more than one record each"


def test_a_constant_grade_is_a_share_whose_doubt_is_that_of_right_or_wrong() -> None:
    counts = np.full(25, 3.0)
    found = of_mean(0.7 * counts, counts, low=0, high=1)
    value, lower, upper = bounds(found)
    records = effective_records(number(0.7), number(0.0), weights_of(counts)).item()
    assert records == pytest.approx(75 / (1 + 2 * 0.7))
    t = number(stats.t.ppf(0.975, 24))
    assert [lower, upper] == pytest.approx([b.item() for b in wilson_bounds(number(0.7), number(records), t)], abs=0.02)
    assert value == pytest.approx(0.7)
    assert reason(found) == FINE


def test_grades_that_vary_less_than_right_or_wrong_are_known_better() -> None:
    generator = np.random.default_rng(4)
    grades = 0.7 + 0.02 * generator.standard_normal(60)
    found = of_mean(grades, np.ones(60), low=0, high=1)
    _, lower, upper = bounds(found)
    student = student_bounds(grades.mean(), grades.std() / math.sqrt(60), np.ones(60))
    assert upper - lower == pytest.approx(student[2] - student[1], rel=0.3)
    assert upper - lower < 0.1 * np.diff(proportion_confint(42, 60, method="wilson"))


def test_estimates_of_any_size_have_student_bounds_on_effective_dialogues() -> None:
    generator = np.random.default_rng(5)
    counts, totals = generator.integers(1, 9, 14).astype(float), generator.normal(size=14)
    value, spread = number(0.3), number(0.02)
    found = interval(value, spread, weights_of(counts))
    assert bounds(found) == pytest.approx(student_bounds(0.3, math.sqrt(0.02), counts), abs=1e-12)
    count = effective(counts)
    assert found.error.item() == pytest.approx(math.sqrt(0.02 * count / (count - 1)), abs=1e-12)
    varies = totals > 0.4
    few = interval(value, spread, weights_of(counts), varying=weights_of(counts * varies))
    assert bounds(few) == pytest.approx(student_bounds(0.3, math.sqrt(0.02), counts, varies), abs=1e-12)
    assert few.error.item() == found.error.item()


def test_what_is_at_least_something_has_bounds_symmetric_in_the_logarithm() -> None:
    counts = np.array([3.0, 4.0, 5.0, 1.0, 2.0])
    for low in (-100.0, 0.0, 1.0):
        found = interval(number(low + 2.5), number(1.5), weights_of(counts), low=low)
        expected = log_bounds(low + 2.5, math.sqrt(1.5), counts, low=low)
        assert bounds(found) == pytest.approx(expected, rel=1e-12)
        lower, upper = found.lower.item() - low, found.upper.item() - low
        assert lower > 0
        assert lower * upper == pytest.approx(2.5**2)


def test_bounds_do_not_leave_the_range_of_what_may_be_below_0() -> None:
    weights, ends = weights_of(np.ones(3)), {"low": -1.0, "high": 1.0}
    for value, expected in ((0.9, (None, 1.0)), (-0.9, (-1.0, None)), (0.0, (-1.0, 1.0))):
        found = interval(number(value), number(0.1), weights, **ends)
        free = interval(number(value), number(0.1), weights)
        for ours, plain, end in zip((found.lower, found.upper), (free.lower, free.upper), expected):
            assert ours.item() == (plain.item() if end is None else end)


@pytest.mark.parametrize(
    ("value", "spread", "counts", "varies", "ends", "expected"),
    [
        (0.5, 0.1, [1, 1, 1], None, (-INFINITE, INFINITE), FINE),
        (math.nan, 0.1, [1, 1, 1], None, (-INFINITE, INFINITE), UNDEFINED),
        (math.nan, 0.1, [1], None, (0, 1), UNDEFINED),
        (0.5, 0.1, [7], None, (-INFINITE, INFINITE), FEW),
        (0.5, 0.1, [7], None, (0, 1), FEW),
        (0.5, 0.1, [1, 1, 20], None, (0, 1), FEW),
        (0.5, 0.1, [1, 1, 20], None, (0, INFINITE), FEW),
        (0.5, 0.0, [1, 1, 1], None, (-INFINITE, INFINITE), CONSTANT),
        (0.5, 0.0, [1, 1, 1], None, (-1, 1), CONSTANT),
        (0.5, 0.0, [1, 1, 1], None, (0, INFINITE), CONSTANT),
        (0.5, 0.0, [1, 1, 1], None, (0, 1), FINE),
        (0.5, 0.1, [1, 1, 1], [1, 0, 0], (-INFINITE, INFINITE), CONSTANT),
        (0.5, 0.1, [1, 1, 1], [0, 0, 0], (-1, 1), CONSTANT),
        (0.5, 0.1, [1, 1, 1], [1, 0, 0], (0, 1), FINE),
        (0.5, 0.1, [1, 1, 1], [1, 1, 0], (-INFINITE, INFINITE), FINE),
        (0.0, 0.1, [1, 1, 1], None, (0, INFINITE), END),
        (-100.0, 0.1, [1, 1, 1], None, (-100, INFINITE), END),
        (0.0, 0.1, [1, 1, 1], None, (0, 1), FINE),
    ],
)
def test_bounds_are_missing_for_a_reason_and_there_without_one(
    value: float,
    spread: float,
    counts: list[float],
    varies: list[float] | None,
    ends: tuple[float, float],
    expected: str,
) -> None:
    varying = None if varies is None else weights_of(varies)
    low, high = ends
    found = interval(number(value), number(spread), weights_of(counts), varying=varying, low=low, high=high)
    assert reason(found) == expected
    assert found.lower.isnan() == found.upper.isnan() == (expected != FINE)
    assert bool(found.error.isnan()) == (expected in (UNDEFINED, FEW))


def test_a_batch_of_runs_is_what_its_runs_are_one_by_one() -> None:
    generator = torch.Generator().manual_seed(6)
    low = torch.tensor([0.0, -INFINITE, 0.0, -1.0], dtype=torch.float64)
    high = torch.tensor([1.0, INFINITE, INFINITE, 1.0], dtype=torch.float64)
    value = torch.rand(5, 4, generator=generator, dtype=torch.float64)
    value[2, 1] = torch.nan
    spread = 0.02 * torch.rand(5, 4, generator=generator, dtype=torch.float64)
    spread[3] = 0
    counts = torch.randint(1, 9, (5, 9, 4), generator=generator).double()
    counts[4, 1:] = 0
    weights, varying = (Weights(c.sum(1), (c * c).sum(1)) for c in (counts, counts * (counts > 2)))
    whole = interval(value, spread, weights, varying=varying, low=low, high=high, level=0.9)
    assert whole.reason.unique().tolist() == [0, 1, 2, 3]
    for run in range(5):
        part = (Weights(w.total[run], w.squares[run]) for w in (weights, varying))
        alone = interval(value[run], spread[run], next(part), varying=next(part), low=low, high=high, level=0.9)
        for ours, theirs in zip(whole, alone):
            torch.testing.assert_close(ours[run], theirs, rtol=0, atol=0, equal_nan=True)


@pytest.mark.parametrize("ends", [(0, 1), (0, INFINITE), (-INFINITE, INFINITE), (-1, 1)])
def test_a_higher_level_holds_a_lower_one(ends: tuple[float, float]) -> None:
    weights, (low, high) = weights_of([1, 2, 3, 4, 2]), ends
    found = [interval(number(0.6), number(0.01), weights, low=low, high=high, level=x) for x in (0.5, 0.8, 0.95)]
    lower, upper = [f.lower.item() for f in found], [f.upper.item() for f in found]
    assert lower == sorted(lower, reverse=True)
    assert upper == sorted(upper)
    assert len(set(lower)) == len(set(upper)) == 3


@pytest.mark.parametrize("level", [0.8, 0.95])
def test_quantiles_equal_scipy_for_any_number_of_clusters_from_two(level: float) -> None:
    clusters = [2.0, 2.5, 7.3, 40.0, 1e5]
    ours = student_quantile(torch.tensor([*clusters, 1.99, 0.0], dtype=torch.float64), level)
    expected = [stats.t.ppf((1 + level) / 2, g - 1) for g in clusters]
    assert ours.tolist() == pytest.approx([*expected, math.nan, math.nan], nan_ok=True)


def test_float32_and_gradients_do_not_reach_into_the_bounds() -> None:
    value = torch.tensor(0.7, requires_grad=True)
    found = interval(value * 1, torch.tensor(0.01), Weights(torch.tensor(20.0), torch.tensor(40.0)), low=0, high=1)
    assert found.lower.dtype == found.upper.dtype == torch.float32
    assert 0 < found.lower < 0.7 < found.upper < 1


@pytest.mark.parametrize("sizes", [[1] * 24, [1, 2, 3, 4, 2], [4] * 6, [9, 8, 1], [2] * 100])
@pytest.mark.parametrize("off", [-2e-16, -1e-13, 1e-13, 2e-16])
def test_a_half_has_the_bounds_of_a_half_however_it_was_rounded(sizes: list[int], off: float) -> None:
    weights = weights_of(sizes)
    exact, rounded = (interval(number(0.5 + by), number(0.01), weights, low=0, high=1) for by in (0.0, off))
    assert rounded.lower.item() == pytest.approx(exact.lower.item(), abs=1e-10)
    assert rounded.upper.item() == pytest.approx(exact.upper.item(), abs=1e-10)
