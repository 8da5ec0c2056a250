# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Coupled scores as metrics; tests/test_invariances.py has what they share with all metrics."""

from __future__ import annotations

import math

import pytest
import torch

from imug_metrics import InterleavedCoherence, SemanticQuality
from imug_metrics.functional import interleaved_coherence, semantic_quality


def test_equals_the_functional_twins() -> None:
    first, second = torch.rand(2, 40, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    for metric, twin in ((SemanticQuality(), semantic_quality), (InterleavedCoherence(eta=0.3), interleaved_coherence)):
        metric.update(first, second)
        torch.testing.assert_close(metric.compute(), twin(first, second, eta=metric.eta))


def test_parts_are_means_over_the_instances_that_have_both() -> None:
    metric = SemanticQuality(detail=True, scale="grade")
    metric.update([5.0, 1.0, 3.0], [0.5, math.nan, 1.0])
    found = metric.compute()
    assert found["semantic_quality_correctness"] == 0.75
    assert found["semantic_quality_quality"] == 0.75
    assert found["semantic_quality_coverage"] == pytest.approx(2 / 3)
    assert found["semantic_quality"] == pytest.approx((0.85 + 0.5) / 2)


def test_relative_of_a_model_that_supports_everything_is_absolute() -> None:
    metric = InterleavedCoherence(detail=True)
    metric.update([0.684], [0.719], support=[1.0])
    found = metric.compute()
    assert found["interleaved_coherence"] == found["interleaved_coherence_relative"] == pytest.approx(0.691)


def test_relative_is_taken_by_instance_and_then_averaged() -> None:
    metric = SemanticQuality(detail=True)
    metric.update([1.0, 0.0], [1.0, 1.0], support=[0.0, 1.0])
    found = metric.compute()
    assert (found["semantic_quality"], found["semantic_quality_support"]) == (0.5, 0.5)
    assert found["semantic_quality_relative"] == 0, "not the product of the means"


def test_absent_answers_score_zero_if_asked() -> None:
    metric = InterleavedCoherence(missing="zero", scale="grade")
    metric.update([5.0, 5.0], [5.0, 5.0], valid=torch.tensor([True, False]))
    assert metric.compute() == 0.5


def test_wrong_scale_is_refused_before_anything_is_added() -> None:
    metric = SemanticQuality()
    with pytest.raises(ValueError, match="`correctness`"):
        metric.update([4.0], [0.5])
    assert metric.moments.sum() == 0
    with pytest.raises(ValueError, match="`scale`"):
        InterleavedCoherence(scale="percent")
    with pytest.raises(ValueError, match="`eta`"):
        SemanticQuality(eta=7)
