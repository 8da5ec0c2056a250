# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""The compiled kernel of `cross_stats` on a device."""

from __future__ import annotations

import pytest
import torch
from imug_kernels import cross_stats
from torch.testing import assert_close

from tests.kernels.comparisons import DTYPES
from tests.kernels.gpu.on_device import CUDA, on_both
from tests.kernels.naive import noise

pytestmark = pytest.mark.gpu


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_reductions_equal_float64(dtype: torch.dtype) -> None:
    x, y = noise(700, 776, 1, dtype), noise(9000, 776, 2, dtype)

    def reduced(x: torch.Tensor, y: torch.Tensor, positive: torch.Tensor) -> tuple[torch.Tensor, ...]:
        return cross_stats(x, y, k=10, positive=positive, lse=True, scale=20.0, exclude_self=True)

    found, expected = on_both(reduced, x, y, torch.arange(700))
    values, indices, positive, greater, _, lse, _, _ = zip(found, expected, strict=True)
    for mine, plain in (values, positive, lse):
        assert_close(mine.double(), plain, rtol=0, atol=1e-5)
    assert (indices[0] == indices[1]).double().mean() > 0.999
    assert (greater[0] - greater[1]).abs().max() <= 3, "pairs within float32 noise of the tie"


def test_rows_beyond_two_to_the_31_elements() -> None:
    y = torch.zeros(2**21 + 8, 1024, dtype=torch.bfloat16, device=CUDA)
    y[-1, 5] = 1
    query = torch.zeros(1, 1024, dtype=torch.bfloat16, device=CUDA)
    query[0, 5] = 1
    assert cross_stats(query, y, k=1).indices.item() == len(y) - 1


def test_histograms_count_every_pair() -> None:
    """Right angles and equal directions: cosines that no rounding moves over the edge of a bin."""
    x, y = torch.eye(16).repeat(90, 1), torch.cat([torch.eye(16), -torch.eye(16)]).repeat(50, 1)
    groups = torch.arange(len(x)) % 3, torch.arange(len(y)) % 3
    for bins in (5, 64, 512):
        found, expected = on_both(
            lambda x, y, a, b, bins=bins: cross_stats(x, y, groups_x=a, groups_y=b, bins=bins)[-2:], x, y, *groups
        )
        assert torch.equal(torch.stack(found), torch.stack(expected))
