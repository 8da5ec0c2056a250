# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""InterleavedCoherence; tests/metrics/test_invariances.py has what it shares with all metrics."""

from __future__ import annotations

import pytest
import torch

from imug_metrics import InterleavedCoherence
from imug_metrics.functional import interleaved_coherence
from tests.metrics import cases

CASES = {
    "coherence": cases.Case(
        lambda **k: InterleavedCoherence(scale="grade", **k), lambda d, t: cases.grades(d, t, "holistic", "style")
    ),
}


def test_coherence_equals_its_function() -> None:
    first, second = torch.rand(2, 40, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    metric = InterleavedCoherence(eta=0.3)
    metric.update(first, second)
    torch.testing.assert_close(metric.compute(), interleaved_coherence(first, second, eta=0.3))


def test_relative_of_a_model_that_supports_everything_is_absolute() -> None:
    metric = InterleavedCoherence(detail=True)
    metric.update([0.684], [0.719], support=[1.0])
    found = metric.compute()
    assert found["interleaved_coherence"] == found["interleaved_coherence_relative"] == pytest.approx(0.691)


def test_absent_answers_score_zero_if_asked() -> None:
    metric = InterleavedCoherence(missing="zero", scale="grade")
    metric.update([5.0, 5.0], [5.0, 5.0], valid=torch.tensor([True, False]))
    assert metric.compute() == 0.5


def test_scales_are_three() -> None:
    with pytest.raises(ValueError, match="`scale`"):
        InterleavedCoherence(scale="percent")


def test_lengths_leave_out_what_lies_behind_a_dialogue() -> None:
    metric = InterleavedCoherence(detail=True)
    metric.update([[1.0, 0.5], [1.0, 0.0]], [[1.0, 0.5], [1.0, 0.0]], lengths=torch.tensor([2, 1]))
    found = metric.compute()
    assert found["interleaved_coherence_n"] == 3
    assert found["interleaved_coherence"] == pytest.approx(2.5 / 3)
