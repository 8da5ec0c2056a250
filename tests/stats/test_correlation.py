# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Fisher's z from sums: equality with scipy, undefined cases, and the coverage of its interval by dialogue."""

import math

import numpy as np
import pytest
import torch
from scipy import stats

from imug_metrics.stats import delta_interval, packed_moments, unpack_moments
from imug_metrics.stats.correlation import fisher_z


def sums(x: np.ndarray, y: np.ndarray) -> list[torch.Tensor]:
    parts = (np.ones_like(x), x, y, x * x, y * y, x * y)
    return [torch.tensor(part.sum(-1)) for part in parts]


def test_equals_scipy_and_does_not_change_with_scale() -> None:
    x, y = np.random.default_rng(0).random((2, 30))
    parts = sums(x, y)
    assert fisher_z(*parts).tanh().item() == pytest.approx(stats.pearsonr(x, y).statistic, abs=1e-12)
    torch.testing.assert_close(fisher_z(*(3.3 * part for part in parts)), fisher_z(*parts))


@pytest.mark.parametrize(
    ("x", "y"),
    [([0.1, 0.1, 0.1, 0.1], [1, 0, 1, 0]), ([0.1, 0.2, 0.3], [1, 1, 1]), ([0.1, 0.4], [1, 0]), ([], [])],
)
def test_undefined_where_one_does_not_vary_or_with_two_records(x: list[float], y: list[float]) -> None:
    assert fisher_z(*sums(np.array(x, float), np.array(y, float))).isnan()


def test_perfect_correlation_is_one() -> None:
    x = np.array([0.1, 0.2, 0.4])
    assert fisher_z(*sums(x, 2 * x)).tanh().item() == pytest.approx(1)
    assert fisher_z(*sums(x, -x)).tanh().item() == pytest.approx(-1)


def test_interval_by_dialogue_covers_the_truth() -> None:
    """Dialogues of 1 to 6 turns that share a part of x and y: half of each's variance, correlated alike."""
    generator = np.random.default_rng(4)
    truth, hits = 0.5, 0
    for _ in range(500):
        lengths = generator.integers(1, 7, 150)
        owner = np.repeat(np.arange(150), lengths)
        shared, own = generator.normal(size=(2, 150))[:, owner], generator.normal(size=(2, len(owner)))
        x, rest = (shared + own) / math.sqrt(2)
        y = truth * x + math.sqrt(1 - truth**2) * rest
        vectors = [np.bincount(owner, part) for part in (np.ones_like(x), x, y, x * x, y * y, x * y)]
        moments = unpack_moments(packed_moments(torch.tensor(np.stack(vectors, 1))))
        found = delta_interval(lambda totals: fisher_z(*totals)[None], moments, torch.tensor([0]))
        hits += bool(found.lower.item() <= math.atanh(truth) <= found.upper.item())
    print(f"coverage {hits / 500}")
    assert 0.93 <= hits / 500 <= 0.97
