# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""reliability against numpy's percentiles and numbers worked by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from imug_metrics.functional import reliability
from imug_metrics.functional.trust.reliability import METHODS

NAN = math.nan


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("runs", [2, 5, 10, 11])
def test_percentiles_equal_numpy(method: str, runs: int) -> None:
    scores = np.random.default_rng(runs).integers(0, 101, (30, runs)).astype(float)
    low, high = np.percentile(scores, [10, 90], axis=1, method=method)
    expected = {"aptitude": high, "unreliability": high - low, "reliability": 100 - (high - low)}
    for measure, values in expected.items():
        found = reliability(scores, measure=measure, method=method, scale=100.0, reduction="none")
        np.testing.assert_allclose(found, values, atol=1e-10)


def test_runs_that_failed_are_left_out_and_two_are_needed() -> None:
    runs = [[0.2, NAN, 0.4], [0.9, NAN, NAN], [NAN] * 3]
    found = reliability(runs, measure="average", reduction="none")
    assert found.tolist() == pytest.approx([0.3, NAN, NAN], nan_ok=True)


def test_lists_keep_all_digits() -> None:
    """As float32 the two runs would be one number."""
    assert reliability([[1.0, 1.0 + 1e-12]], measure="unreliability").item() > 0


def test_shapes_and_options_are_checked() -> None:
    for scores in ([0.1, 0.2], [[0.1], [0.2]]):
        with pytest.raises(ValueError, match="`scores`"):
            reliability(scores)
    for option in ({"measure": "luck"}, {"method": "cubic"}):
        with pytest.raises(ValueError, match=f"`{next(iter(option))}`"):
            reliability([[0.1, 0.2]], **option)


def test_aptitude_is_differentiable() -> None:
    runs = torch.tensor([[0.1, 0.5, 0.3], [0.9, 0.2, 0.4]], dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda s: reliability(s, measure="unreliability"), runs)
