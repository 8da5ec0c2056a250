# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""exposure_bias against numbers worked by hand."""

from __future__ import annotations

import math

import pytest
import torch

from imug_metrics import ExposureBias
from imug_metrics.functional import exposure_bias
from tests.metrics.decay.ragged import arms

NAN = math.nan

OWN = torch.tensor([[0.8, 0.5, 0.2], [0.6, 0.5, 0.4]])

REFERENCE = torch.tensor([[0.8, 0.7, 0.8], [0.6, 0.7, 0.6]])


def test_errors_before_a_perfect_start_are_undefined_until_the_reference_errs() -> None:
    curve = exposure_bias([[0.5, 0.5]], [[1.0, 0.75]], reduction="none")
    assert curve[0].isnan()
    assert curve[1].item() == pytest.approx(100 * (1.0 / 0.25 - 1))


def test_a_horizon_below_one_is_refused() -> None:
    with pytest.raises(ValueError, match="`horizon`"):
        exposure_bias([[0.5]], [[0.5]], horizon=0)


def test_the_curve_of_the_excess_by_hand() -> None:
    curve = exposure_bias(OWN.double(), REFERENCE.double(), reduction="none")
    torch.testing.assert_close(curve, torch.tensor([0, 100 / 3, 200 / 3]).double(), rtol=1e-6, atol=1e-5)


def test_a_reference_arm_without_errors_has_no_multiple() -> None:
    assert exposure_bias([[1.0, 0.5]], [[1.0, 1.0]]).isnan()


def test_the_function_gives_the_excess_of_the_class() -> None:
    own, reference, dialogue, turn = arms(8)
    own[5] = NAN
    metric = ExposureBias()
    metric.update(own, reference, dialogue, turn)
    assert exposure_bias(own, reference, dialogue, turn).item() == pytest.approx(metric.compute().item(), abs=1e-9)


def test_gradients_of_the_excess_pass_absent_records() -> None:
    own = torch.tensor([[0.5, NAN, 0.25]], requires_grad=True)
    exposure_bias(own, torch.tensor([[0.75, 0.5, 0.5]])).backward()
    # 100 (R / E - 1) with E = 0.75 falls by 100 / 0.75 for each point of score.
    assert own.grad.flatten().tolist() == pytest.approx([-100 / 0.75, 0, -100 / 0.75], rel=1e-6)
