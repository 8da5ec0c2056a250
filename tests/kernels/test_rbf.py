# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Kernel sums against the kernel matrix in float64."""

from __future__ import annotations

import pytest
import torch
from imug_kernels import rbf_sum
from imug_kernels.reference import chunking
from torch import Tensor

from tests.kernels.comparisons import DTYPES


def rows(count: int, width: int, seed: int = 0, dtype: torch.dtype = torch.float32) -> Tensor:
    noise = torch.randn(count, width, generator=torch.Generator().manual_seed(seed))
    return torch.nn.functional.normalize(noise, dim=1).to(dtype)


def plain(x: Tensor, y: Tensor, sigma: float) -> Tensor:
    squares = (x.double()[:, None] - y.double()[None]).square().sum(2)
    return torch.expm1(-squares / (2 * sigma**2)).sum()


@pytest.fixture(params=[(3, 5), (8, 2), (512, 4096)], ids=str)
def tiling(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chunking, "TILE_X", request.param[0])
    monkeypatch.setattr(chunking, "TILE_Y", request.param[1])


@pytest.mark.usefixtures("tiling")
@pytest.mark.parametrize("dtype", [torch.float64, *DTYPES])
@pytest.mark.parametrize("sigma", [0.3, 1.0, 10.0])
def test_sum_over_two_sides_and_over_one(sigma: float, dtype: torch.dtype) -> None:
    x, y = rows(13, 21, 1, dtype), rows(17, 21, 2, dtype)
    torch.testing.assert_close(rbf_sum(x, y, sigma=sigma), plain(x, y, sigma), rtol=1e-12, atol=0)
    torch.testing.assert_close(rbf_sum(x, sigma=sigma), plain(x, x, sigma), rtol=1e-12, atol=1e-12)
    torch.testing.assert_close(rbf_sum(x, x, sigma=sigma), plain(x, x, sigma), rtol=1e-12, atol=1e-12)


def test_small_differences_of_large_sums_survive() -> None:
    x = rows(40, 16, 1, torch.float64)
    moved = torch.nn.functional.normalize(x + 1e-3 * rows(40, 16, 2, torch.float64), dim=1)
    found = (rbf_sum(x, sigma=10.0) + rbf_sum(moved, sigma=10.0) - 2 * rbf_sum(x, moved, sigma=10.0)) / 40**2
    exact = 0.01 * (x.mean(0) - moved.mean(0)).square().sum()  # the kernel is nearly linear in the cosine
    torch.testing.assert_close(found, exact, rtol=0.03, atol=0)
    assert found > 0


@pytest.mark.parametrize(("n", "m"), [(0, 4), (4, 0), (0, 0)])
def test_no_pairs_sum_to_zero(n: int, m: int) -> None:
    assert rbf_sum(torch.zeros(n, 3), torch.zeros(m, 3), sigma=1.0) == 0
    assert rbf_sum(torch.zeros(0, 3), sigma=1.0) == 0


@pytest.mark.parametrize("value", [torch.nan, torch.inf])
def test_unknown_row_makes_the_sum_unknown(value: float) -> None:
    x = rows(9, 4)
    x[5, 1] = value
    assert rbf_sum(x, sigma=1.0).isnan()
    assert rbf_sum(rows(3, 4), x, sigma=1.0).isnan()


@pytest.mark.usefixtures("tiling")
def test_gradients() -> None:
    x, y = rows(7, 3, 1).double().requires_grad_(), rows(6, 3, 2).double().requires_grad_()
    assert torch.autograd.gradcheck(lambda a, b: rbf_sum(a, b, sigma=0.8), (x, y))
    assert torch.autograd.gradcheck(lambda a: rbf_sum(a, sigma=0.8), (x,))


def test_compiles_into_one_graph() -> None:
    def discrepancy(x: Tensor, y: Tensor) -> Tensor:
        return rbf_sum(x, sigma=1.0) + rbf_sum(y, sigma=1.0) - 2 * rbf_sum(x, y, sigma=1.0)

    x, y = rows(6, 5).requires_grad_(), rows(8, 5, 1)
    compiled = torch.compile(discrepancy, fullgraph=True, backend="aot_eager")
    (expected,) = torch.autograd.grad(discrepancy(x, y), x)
    (found,) = torch.autograd.grad(compiled(x, y), x)
    torch.testing.assert_close(found, expected)
