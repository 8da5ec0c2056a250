# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""The kernel of `rbf_sum` under the interpreter against plain PyTorch."""

from __future__ import annotations

import pytest
import torch
from imug_kernels import rbf_sum
from imug_kernels.reference import rbf as reference

from tests.kernels.comparisons import DTYPES
from tests.kernels.interpreted.small_tiles import FORMS, small_tiles
from tests.kernels.interpreted.test_cross import rows


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("sigma", [0.3, 1.0, 10.0])
@pytest.mark.parametrize("tile", FORMS)
def test_kernel_sums_equal_plain_pytorch(tile: dict[str, int], sigma: float, dtype: torch.dtype) -> None:
    x, y = (torch.nn.functional.normalize(rows(n, 40, n), dim=1).to(dtype) for n in (50, 37))
    with small_tiles("rbf", tile) as kernels:
        pairs, self_pairs = kernels.rbf_sum(x, y, sigma), kernels.rbf_self_sum(x, sigma)
    for found, expected in (
        (pairs, reference.rbf_sum(x, y, sigma)),
        (self_pairs, reference.rbf_self_sum(x, sigma)),
        (rbf_sum(x[:7], sigma=sigma), reference.rbf_self_sum(x[:7], sigma)),
    ):
        torch.testing.assert_close(found, expected, rtol=1e-6, atol=0)


@pytest.mark.parametrize("tile", FORMS)
def test_kernel_sums_of_unknown_rows_and_of_none(tile: dict[str, int]) -> None:
    x = rows(20, 8)
    x[17, 3] = torch.inf
    with small_tiles("rbf", tile) as kernels:
        assert kernels.rbf_self_sum(x, 1.0).isnan()
        assert kernels.rbf_sum(rows(3, 8), x, 1.0).isnan()
        assert kernels.rbf_sum(x[:0], x, 1.0) == 0
        assert kernels.rbf_self_sum(x[:1], 1.0) == 0


def test_single_row_that_holds_nan_makes_nan_of_the_sum() -> None:
    with small_tiles("rbf") as kernels:
        assert kernels.rbf_self_sum(torch.tensor([[1.0, torch.nan]]), 1.0).isnan()
