# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""The fair tolerance: an operation errs no more than its eager form in the same dtype, forward and backward.

Both are compared with the eager form in float64. So no dtype needs a tolerance of its own: what rounding has to cost,
the eager form shows. Tests plain PyTorch, and in the interpreter the kernels.
"""

from __future__ import annotations

from dataclasses import replace

import imug_kernels as ops
import pytest
import torch

from tests.kernels.eager_forms import FORMS, Batch, Form, Results
from tests.kernels.fair_tolerance import DTYPES, LAYOUTS, WIDTHS, larger_errors


def test_every_public_function_has_an_eager_form() -> None:
    assert FORMS.keys() == {name for name in ops.__all__ if name.islower()}


@pytest.mark.parametrize("masked", [False, True], ids=["all", "masked"])
@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("name", FORMS)
def test_error_is_at_most_that_of_the_eager_form(name: str, dtype: torch.dtype, masked: bool) -> None:
    worse = [line for width in WIDTHS for line in larger_errors(name, width, dtype, masked)]
    assert not worse, "\n".join(worse)


def test_one_that_rounds_more_than_its_eager_form_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    eager = FORMS["rbf_sum"].eager

    def rounded(batch: Batch) -> Results:
        return eager(replace(batch, x=batch.x.bfloat16(), y=batch.y.bfloat16()))

    monkeypatch.setitem(FORMS, "rbf_sum", Form(rounded, eager))
    lines = list(larger_errors("rbf_sum", 3, torch.float32, masked=False))
    assert len(lines) == len(LAYOUTS) * len(["mean", "own", "gradient of x", "gradient of y"])
