# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Slopes against numpy and scipy."""

import numpy as np
import pytest
import torch
from scipy import stats

from imug_metrics.stats import pair_slopes, pooled_slope, sen_slope, within_sums


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
@pytest.mark.parametrize("level", [0.8, 0.95])
def test_sen_slope_equals_theilslopes_for_one_segment(seed: int, ties: bool, level: float) -> None:
    generator = np.random.default_rng(seed)
    x = np.arange(1.0, 13.0)
    y = generator.normal(size=12) - 0.1 * x
    y = np.round(y, 0) if ties else y
    [pairs] = pair_slopes(torch.tensor(x), torch.tensor(y), torch.tensor([0, 12]))
    ours = sen_slope(pairs.slopes[0], float(pairs.variance), level)
    reference = stats.theilslopes(y, x, alpha=level)
    np.testing.assert_allclose(ours, [reference.slope, reference.low_slope, reference.high_slope], atol=1e-12)


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
