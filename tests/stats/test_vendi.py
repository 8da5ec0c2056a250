# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Vendi scores against eigenvalues of the covariance in numpy, and where they are known exactly."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from scipy import linalg, spatial

from imug_metrics.stats.vendi import mean_distance, vendi_score

ORDERS = [1, 2, math.inf]


def numpy_vendi(rows: np.ndarray, order: float = 1) -> float:
    """From the singular values of the unit rows, not from their cosines."""
    units = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    shares = linalg.svdvals(units) ** 2 / len(rows)
    shares = shares[shares > 0]
    if order == 1:
        return float(np.exp(-(shares * np.log(shares)).sum()))
    return float(1 / shares.max()) if math.isinf(order) else float((shares**order).sum() ** (1 / (1 - order)))


def gram(rows: np.ndarray) -> torch.Tensor:
    units = torch.from_numpy(rows / np.linalg.norm(rows, axis=1, keepdims=True))
    return units @ units.mT


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize(("count", "width"), [(2, 5), (7, 3), (40, 12), (64, 100)])
def test_it_equals_the_entropy_of_singular_values(count: int, width: int, order: float) -> None:
    rows = np.random.default_rng(count).normal(0.3, 1, (count, width))
    assert vendi_score(gram(rows), order).item() == pytest.approx(numpy_vendi(rows, order), abs=1e-9)


@pytest.mark.parametrize("order", ORDERS)
def test_what_is_alike_counts_once_and_what_is_orthogonal_each(order: float) -> None:
    assert vendi_score(torch.ones(9, 9).double(), order).item() == pytest.approx(1, abs=1e-9)
    assert vendi_score(torch.eye(9).double(), order).item() == pytest.approx(9, abs=1e-9)
    clusters = torch.block_diag(*[torch.ones(4, 4)] * 5).double()
    assert vendi_score(clusters, order).item() == pytest.approx(5, abs=1e-9)


@pytest.mark.parametrize("order", ORDERS)
def test_rows_that_are_not_there_do_not_count(order: float) -> None:
    rows = np.random.default_rng(0).normal(size=(6, 4))
    whole = gram(rows)
    some = torch.tensor([True, False, True, True, False, True])
    masked = whole * some[:, None] * some
    torch.testing.assert_close(vendi_score(masked, order), vendi_score(whole[some][:, some], order))
    torch.testing.assert_close(mean_distance(masked), mean_distance(whole[some][:, some]))


@pytest.mark.parametrize("order", ORDERS)
def test_fewer_than_two_rows_are_neither_alike_nor_different(order: float) -> None:
    grams = torch.zeros(2, 3, 3).double()
    grams[1, 1, 1] = 1
    assert vendi_score(grams, order).isnan().all()
    assert mean_distance(grams).isnan().all()


def test_the_mean_distance_is_that_of_scipy() -> None:
    rows = np.random.default_rng(0).normal(size=(8, 5))
    assert mean_distance(gram(rows)).item() == pytest.approx(spatial.distance.pdist(rows, "cosine").mean(), abs=1e-9)
