# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Gains of repairs, and what they cost."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from imug_metrics.functional import gain_per_cost, paired_gain, repair_gain

NAN = math.nan


def test_the_gain_is_the_difference_of_each_record() -> None:
    after, before = np.random.default_rng(1).random((2, 20, 5))
    assert repair_gain(after, before, reduction="none").numpy() == pytest.approx(after - before)
    assert repair_gain(after, before).item() == pytest.approx((after - before).mean())
    assert repair_gain(after, before) == paired_gain(after, before)


def test_the_gain_is_differentiable() -> None:
    after = torch.rand(3, 4, dtype=torch.float64, requires_grad=True)
    repair_gain(after, torch.zeros(3, 4)).backward()
    assert after.grad is not None
    assert after.grad.flatten().tolist() == pytest.approx([1 / 12] * 12)


def test_the_gain_for_its_cost_is_a_ratio_of_sums() -> None:
    draw = np.random.default_rng(2)
    after, before = draw.random((2, 20, 5))
    costs = draw.integers(0, 4, (20, 5)).astype(float)
    assert gain_per_cost(after, before, costs).item() == pytest.approx((after - before).sum() / costs.sum())


def test_records_without_a_cost_or_a_score_are_left_out_of_the_ratio() -> None:
    assert gain_per_cost([[1, 1, NAN, 1]], [[0, 0, 0, NAN]], [[2, NAN, 8, 8]]) == 0.5


def test_where_nothing_is_paid_there_is_no_ratio() -> None:
    assert gain_per_cost([[1, 1]], [[0, 1]], [[0, 0]]).isnan()
    assert gain_per_cost([[NAN]], [[0]], [[1]]).isnan()


def test_a_cost_below_0_is_refused() -> None:
    with pytest.raises(ValueError, match=r"`costs` to lie in \[0, inf\], got -1 at row \[0, 1\]"):
        gain_per_cost([[1, 1]], [[0, 1]], [[0, -1]])
