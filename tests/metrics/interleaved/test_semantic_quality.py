# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""SemanticQuality; tests/metrics/test_invariances.py has what it shares with all metrics."""

from __future__ import annotations

import math

import pytest
import torch

from imug_metrics import SemanticQuality
from imug_metrics.functional import semantic_quality
from tests.metrics import cases

CASES = {
    "semantic-quality": cases.Case(lambda **k: SemanticQuality(scale="grade", **k), cases.correctness),
}


def test_quality_equals_its_function() -> None:
    first, second = torch.rand(2, 40, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    metric = SemanticQuality()
    metric.update(first, second)
    torch.testing.assert_close(metric.compute(), semantic_quality(first, second))


def test_parts_are_means_over_the_instances_that_have_both() -> None:
    metric = SemanticQuality(detail=True, scale="grade")
    metric.update([5.0, 1.0, 3.0], [0.5, math.nan, 1.0])
    found = metric.compute()
    assert found["semantic_quality_correctness"] == 0.75
    assert found["semantic_quality_quality"] == 0.75
    assert found["semantic_quality_coverage"] == pytest.approx(2 / 3)
    assert found["semantic_quality"] == pytest.approx((0.85 + 0.5) / 2)


def test_relative_is_taken_by_instance_and_then_averaged() -> None:
    metric = SemanticQuality(detail=True)
    metric.update([1.0, 0.0], [1.0, 1.0], support=[0.0, 1.0])
    found = metric.compute()
    assert (found["semantic_quality"], found["semantic_quality_support"]) == (0.5, 0.5)
    assert found["semantic_quality_relative"] == 0, "not the product of the means"


def test_wrong_scale_is_refused_before_anything_is_added() -> None:
    metric = SemanticQuality()
    with pytest.raises(ValueError, match="`correctness`"):
        metric.update([4.0], [0.5])
    assert metric.moments.sum() == 0
    with pytest.raises(ValueError, match="`eta`"):
        SemanticQuality(eta=7)
