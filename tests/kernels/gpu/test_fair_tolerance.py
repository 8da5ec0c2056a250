# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""The fair tolerance of the compiled kernels: no larger an error than that of the eager form on the same device."""

from __future__ import annotations

import pytest
import torch

from tests.kernels.eager_forms import FORMS
from tests.kernels.fair_tolerance import DTYPES, WIDTHS, larger_errors
from tests.kernels.gpu.on_device import CUDA

pytestmark = pytest.mark.gpu


@pytest.mark.parametrize("masked", [False, True], ids=["all", "masked"])
@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("name", FORMS)
def test_error_is_at_most_that_of_the_eager_form(name: str, dtype: torch.dtype, masked: bool) -> None:
    worse = [line for width in WIDTHS for line in larger_errors(name, width, dtype, masked, CUDA)]
    assert not worse, "\n".join(worse)
