# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Running sums as every device makes them, against `cumsum` of a CPU."""

from __future__ import annotations

import pytest
import torch

from imug_metrics.stats import running_sums as module
from imug_metrics.stats.running_sums import running_sums


@pytest.fixture(autouse=True, params=["cumsum", "steps"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a CPU does, and what other devices do."""
    if request.param == "steps":
        monkeypatch.setattr(module, "_keeps_order", lambda values: False)


@pytest.mark.parametrize("shape", [(0, 3), (3, 0), (1, 3), (2, 63), (64, 2), (3, 65), (0, 65), (4097, 2)])
@pytest.mark.parametrize("dim", [0, 1, -1])
def test_sums_are_those_of_cumsum(shape: tuple[int, int], dim: int) -> None:
    values = torch.randn(shape, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    for rows in (values, values.repeat_interleave(2, 1)[:, ::2], values.mT.contiguous().mT):
        torch.testing.assert_close(running_sums(rows, dim), values.cumsum(dim), rtol=1e-12, atol=1e-11)


def test_counts_stay_whole_and_dtypes_stay() -> None:
    counts = torch.randint(0, 9, (2, 5000), generator=torch.Generator().manual_seed(0))
    for dtype in (torch.float32, torch.float64):
        with torch.autocast("cpu", torch.bfloat16):
            found = running_sums(counts.to(dtype))
        assert found.dtype == dtype
        assert torch.equal(found, counts.cumsum(-1).to(dtype))


def test_what_is_not_finite_is_in_no_sum_before_it() -> None:
    found = running_sums(torch.tensor([1.0, 2.0, torch.inf, 3.0, torch.nan, 1.0]))
    assert found[:4].tolist() == [1, 3, torch.inf, torch.inf]
    assert found[4:].isnan().all()


def test_it_carries_a_gradient() -> None:
    values = torch.rand(2, 130, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(running_sums, (values[:, :5],))
    (slope,) = torch.autograd.grad(running_sums(values).sum(), values)
    torch.testing.assert_close(slope, torch.arange(130, 0, -1, dtype=torch.float64).expand(2, -1))
