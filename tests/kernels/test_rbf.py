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


def spread(kind: str, seed: int) -> Tensor:
    """So many float32 rows that they are multiplied in float32 where that can be as good."""
    unit = rows(400, 48, seed)
    placed = {
        "unit": unit,
        "positive": unit.abs().sort(1).values,
        "far": 100 + unit,
        "close": rows(1, 48) + 1e-4 * unit,
        "tiny": 1e-40 * unit,
        "huge": 1e25 * unit,
        "two far groups": unit + 1e4 * (torch.arange(400) % 2)[:, None],
        "equal": unit[:1].expand(400, -1),
    }
    return placed[kind]


@pytest.mark.parametrize("sigma", [0.3, 1.0, 10.0])
@pytest.mark.parametrize("kind", ["unit", "positive", "far", "close", "tiny", "huge", "two far groups", "equal"])
def test_float32_costs_no_digit_that_matters(kind: str, sigma: float) -> None:
    x, y = spread(kind, 1), spread(kind, 2)
    wide = x.double(), y.double()
    error = 1e-6 if kind == "equal" else 1e-7  # errors of equal pairs do not cancel
    torch.testing.assert_close(rbf_sum(x, y, sigma=sigma), rbf_sum(*wide, sigma=sigma), rtol=error, atol=1e-25)
    torch.testing.assert_close(rbf_sum(x, sigma=sigma), rbf_sum(wide[0], sigma=sigma), rtol=error, atol=1e-25)


@pytest.mark.parametrize("sigma", [0.3, 1.0, 10.0])
def test_discrepancy_of_float32_rows_is_that_of_float64(sigma: float) -> None:
    def discrepancy(x: Tensor, y: Tensor) -> Tensor:
        return (rbf_sum(x, sigma=sigma) + rbf_sum(y, sigma=sigma) - 2 * rbf_sum(x, y, sigma=sigma)) / 500**2

    x = rows(500, 64, 1)
    y = torch.nn.functional.normalize(x + 0.05 + 0.1 * rows(500, 64, 2), dim=1)
    torch.testing.assert_close(discrepancy(x, y), discrepancy(x.double(), y.double()), rtol=1e-5, atol=0)


@pytest.mark.parametrize("value", [torch.nan, torch.inf])
def test_unknown_row_among_many_makes_the_sum_unknown(value: float) -> None:
    x = rows(500, 4)
    x[5, 1] = value
    assert rbf_sum(x, sigma=1.0).isnan()


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
