# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Slopes against numpy and scipy."""

import itertools

import numpy as np
import pytest
import torch
from scipy import stats

from imug_metrics.stats import (
    median_slope,
    packed_moments,
    pair_slopes,
    pooled_slope,
    pooled_weights,
    unpack_moments,
    within_sums,
)


def test_within_sums_of_equal_scores_or_one_turn_are_exactly_zero() -> None:
    # Neither a third of 0.3 nor a mean of three 0.1 is what it should be in binary.
    x = torch.tensor([1, 2, 4, 3, 5, 5]).double()
    y = torch.tensor([0.1, 0.1, 0.1, 0.7, 0.2, 0.9]).double()
    used = torch.tensor([True, True, True, True, False, True])
    xy, xx = within_sums(x, y, used, torch.tensor([0, 3, 5, 6]))
    assert xy.tolist() == [0, 0, 0]
    assert xx[1:].tolist() == [0, 0]


def test_within_sums_equal_numpy_on_centred_data() -> None:
    generator = np.random.default_rng(0)
    segment = np.sort(generator.integers(0, 7, 40))
    x, y, used = generator.normal(size=40), generator.normal(size=40), generator.random(40) < 0.7
    offsets = np.searchsorted(segment, np.arange(8))
    xy, xx = within_sums(*(torch.tensor(a) for a in (x, y, used, offsets)))
    for r in range(7):
        rows = (segment == r) & used
        a, b = (v[rows] - v[rows].mean() if rows.any() else v[rows] for v in (x, y))
        assert xy[r].item() == pytest.approx((a * b).sum(), abs=1e-12)
        assert xx[r].item() == pytest.approx((a * a).sum(), abs=1e-12)


def test_pooled_slope_equals_linregress_and_is_undefined_for_one_x() -> None:
    x, y = torch.arange(5.0).double(), torch.tensor([1.0, 0.7, 0.8, 0.2, 0.1]).double()
    sums = (torch.tensor(5.0).double(), x.sum(), y.sum(), (x * x).sum(), (x * y).sum())
    assert pooled_slope(*sums).item() == pytest.approx(stats.linregress(x, y).slope, abs=1e-12)
    assert pooled_slope(*(torch.tensor(v).double() for v in (2.0, 6.0, 1.0, 18.0, 3.0))).isnan()


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("ties", [False, True])
def test_the_median_slope_equals_theilslopes_and_one_dialogue_has_no_interval(seed: int, ties: bool) -> None:
    generator = np.random.default_rng(seed)
    x = np.arange(1.0, 13.0)
    y = generator.normal(size=12) - 0.1 * x
    y = np.round(y, 0) if ties else y
    [pairs] = pair_slopes(torch.tensor(x), torch.tensor(y), torch.tensor([0, 12]))
    slopes = pairs.slopes[0]
    median, lower, upper = median_slope(slopes, torch.zeros(len(slopes), dtype=torch.int64))
    assert median.item() == pytest.approx(stats.theilslopes(y, x).slope, abs=1e-12)
    assert lower.isnan()
    assert upper.isnan()


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("ties", [False, True])
def test_bounds_of_the_median_slope_are_those_of_a_test_of_the_signs_at_every_slope(seed: int, ties: bool) -> None:
    generator = np.random.default_rng(seed)
    dialogue = np.repeat(np.arange(9), generator.integers(1, 7, 9))
    slopes = generator.normal(size=len(dialogue)) + 0.5 * generator.normal(size=9)[dialogue]
    slopes = np.round(slopes, 0) if ties else slopes
    _, lower, upper = median_slope(torch.tensor(slopes), torch.tensor(dialogue))
    weight = np.bincount(dialogue).astype(float)
    effective = weight.sum() ** 2 / (weight**2).sum()

    def accepts(b: float) -> bool:
        signs = np.bincount(dialogue, np.sign(slopes - b))
        mean = signs.sum() / weight.sum()
        spread = ((signs - mean * weight) ** 2).sum() / weight.sum() ** 2
        return bool(abs(mean) <= stats.t.ppf(0.975, effective - 1) * np.sqrt(spread * effective / (effective - 1)))

    values = np.unique(slopes)
    between = [(a, b) for a, b in itertools.pairwise(values) if accepts((a + b) / 2)]
    if not ties:
        assert (lower.item(), upper.item()) == (between[0][0], between[-1][1])
    elif between:
        assert lower.item() <= between[0][0]
        assert upper.item() >= between[-1][1]


def test_equal_slopes_have_no_interval_of_width_zero() -> None:
    median, lower, upper = median_slope(torch.zeros(20), torch.arange(20))
    assert median.item() == 0
    assert lower.isnan()
    assert upper.isnan()


def test_a_long_dialogue_weighs_in_a_pooled_slope_by_the_squares_of_its_turns() -> None:
    turns = [np.arange(1, 3)] * 6 + [np.arange(1, 31)]
    mean = np.concatenate(turns).mean()
    expected = np.array([((t - mean) ** 2).sum() for t in turns])
    vectors = torch.tensor([[len(t), t.sum(), (t**2).sum()] for t in turns]).double()
    found = pooled_weights(unpack_moments(packed_moments(vectors)), 0, 1, 2)
    assert found.total.item() == pytest.approx(expected.sum(), rel=1e-12)
    assert found.squares.item() == pytest.approx((expected**2).sum(), rel=1e-12)


def test_pair_slopes_cover_every_pair_within_runs_and_none_across() -> None:
    offsets = torch.tensor([0, 3, 3, 4, 7, 9])
    x = torch.tensor([1, 2, 3, 1, 1, 2, 4, 2, 3]).double()
    y = torch.arange(9).double() ** 2
    found = {int(r): s for pairs in pair_slopes(x, y, offsets) for r, s in zip(pairs.segments, pairs.slopes)}
    assert sorted(found) == [0, 3, 4]
    for segment, slopes in found.items():
        low, high = offsets[segment].item(), offsets[segment + 1].item()
        expected = [(y[j] - y[i]) / (x[j] - x[i]) for i in range(low, high) for j in range(i + 1, high)]
        assert sorted(slopes.tolist()) == pytest.approx(sorted(float(e) for e in expected))
