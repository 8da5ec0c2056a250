# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Fisher's z from sums: equality with scipy, undefined cases, and the coverage of its interval by dialogue."""

import math

import numpy as np
import pytest
import torch
from scipy import stats
from torch import Tensor

from imug_metrics.stats import delta_interval, packed_moments, unpack_moments
from imug_metrics.stats.correlation import fisher_z, partial_z


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


def _held_fixed(x: Tensor, y: Tensor, z: Tensor, *, semi: bool = False) -> float:
    """The partial correlation by its definition: of what regressions on z leave."""
    design = torch.stack([torch.ones_like(z), z], 1)
    left = [part - design @ torch.linalg.lstsq(design, part[:, None]).solution[:, 0] for part in (x, y)]
    return float(torch.corrcoef(torch.stack([x if semi else left[0], left[1]]))[0, 1])


def _partial(x: Tensor, y: Tensor, z: Tensor, *, semi: bool = False) -> float:
    rows = torch.stack([x, y, z], 1)
    centred = (rows - rows.mean(0)).unbind(1)
    sums = tuple((centred[a] * centred[b]).sum() for a, b in ((0, 0), (1, 1), (2, 2), (0, 1), (0, 2), (1, 2)))
    return float(partial_z(sums, tuple(rows.square().sum(0)), torch.tensor(len(x) - 2), semi=semi).tanh())


@pytest.mark.parametrize("semi", [False, True])
@pytest.mark.parametrize("seed", range(4))
def test_partial_correlation_is_that_of_what_regressions_leave(seed: int, semi: bool) -> None:
    noise = torch.randn(3, 40, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    x, y, z = 0.9 + 0.1 * (noise + noise[2])
    assert _partial(x, y, z, semi=semi) == pytest.approx(_held_fixed(x, y, z, semi=semi), abs=1e-9)


def test_the_semipartial_square_is_what_y_adds_to_the_explained_variance() -> None:
    x, y, z = torch.randn(3, 50, generator=torch.Generator().manual_seed(5), dtype=torch.float64)
    x = x + y + 0.5 * z

    def explained(*predictors: Tensor) -> float:
        design = torch.stack([torch.ones_like(x), *predictors], 1)
        left = x - design @ torch.linalg.lstsq(design, x[:, None]).solution[:, 0]
        return float(1 - left.var() / x.var())

    assert _partial(x, y, z, semi=True) ** 2 == pytest.approx(explained(y, z) - explained(z), abs=1e-9)


def test_what_does_not_vary_beyond_the_third_has_no_partial_correlation() -> None:
    x, y, z = torch.randn(3, 20, generator=torch.Generator().manual_seed(6), dtype=torch.float64)
    flat = torch.full_like(x, 0.7)
    for columns in ((flat, y, z), (x, flat, z), (x, 3 * z - 1, z), (3 * z - 1, y, z), (x[:3], y[:3], z[:3])):
        assert math.isnan(_partial(*columns))
    assert _partial(x, y, flat) == pytest.approx(float(torch.corrcoef(torch.stack([x, y]))[0, 1]), abs=1e-9)
    assert _partial(x, y, flat + 1e-9 * z) == pytest.approx(_partial(x, y, flat), abs=1e-9)
