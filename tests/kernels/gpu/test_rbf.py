# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""The compiled kernel of `rbf_sum` on a device."""

from __future__ import annotations

import pytest
import torch
from imug_kernels import rbf_sum
from torch.testing import assert_close

from tests.kernels.comparisons import DTYPES
from tests.kernels.gpu.on_device import on_both
from tests.kernels.naive import noise

pytestmark = pytest.mark.gpu


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("sigma", [0.3, 1.0, 10.0])
def test_sums_equal_float64(sigma: float, dtype: torch.dtype) -> None:
    x, y = (torch.nn.functional.normalize(noise(n, 776, n), dim=1).to(dtype) for n in (1500, 900))
    sums = on_both(lambda x, y: (rbf_sum(x, y, sigma=sigma), rbf_sum(x, sigma=sigma)), x, y)
    for found, expected in zip(*sums, strict=True):
        assert_close(found, expected, rtol=1e-5, atol=0)
