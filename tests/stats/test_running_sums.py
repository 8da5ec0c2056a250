# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Running sums by products, against `cumsum` on a CPU."""

import pytest
import torch

from imug_metrics.stats.running_sums import running_sums


@pytest.mark.parametrize("count", [0, 1, 63, 64, 65, 4096, 4097, 10_000])
@pytest.mark.parametrize("dim", [0, 1, -1])
def test_sums_are_those_of_cumsum(count: int, dim: int) -> None:
    generator = torch.Generator().manual_seed(count)
    values = torch.randn(count, 3, dtype=torch.float64, generator=generator)
    values = values if dim == 0 else values.mT
    torch.testing.assert_close(running_sums(values, dim), values.cumsum(dim), rtol=1e-12, atol=1e-11)


def test_counts_stay_whole_and_dtypes_stay() -> None:
    counts = torch.randint(0, 9, (2, 5000), generator=torch.Generator().manual_seed(0))
    for dtype in (torch.float32, torch.float64):
        found = running_sums(counts.to(dtype))
        assert found.dtype == dtype
        assert torch.equal(found, counts.cumsum(-1).to(dtype))


def test_it_carries_a_gradient() -> None:
    values = torch.rand(2, 130, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(running_sums, (values[:, :5],))
    (slope,) = torch.autograd.grad(running_sums(values).sum(), values)
    torch.testing.assert_close(slope, torch.arange(130, 0, -1, dtype=torch.float64).expand(2, -1))
