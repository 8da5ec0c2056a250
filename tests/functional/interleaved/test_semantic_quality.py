# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""semantic_quality: its formula, scales, and the cells of UniM's tables (arXiv 2603.05075)."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from imug_metrics.functional import semantic_quality

# By field: Natural, Social, General, in per cent.
SQCS = {
    "AnyGPT": [(13.7, 37.9, 11.1), (18.0, 23.8, 15.5), (19.0, 30.1, 17.9)],
    "NExT-GPT": [(8.4, 23.4, 6.2), (16.8, 31.9, 13.3), (5.4, 30.0, 4.4)],
    "MIO": [(19.7, 29.1, 15.9), (25.2, 32.8, 21.4), (24.8, 37.5, 21.2)],
    "UniMA": [(59.8, 79.7, 57.3), (76.2, 81.0, 72.7), (64.7, 83.6, 62.2)],
}

SHARES = st.floats(0, 1)


@pytest.mark.parametrize("field", range(3))
def test_published_semantic_quality_is_that_of_instances_with_the_published_means(field: int) -> None:
    """SQCS is taken by instance. The three cells fix the covariance; two kinds of instances have it."""
    correctness, quality, published = (cell / 100 for cell in SQCS["UniMA"][field])
    of_means = semantic_quality([correctness], [quality]).item()
    covariance = (published - of_means) / 0.3
    step = math.sqrt(covariance)
    sc, gq = ([mean - step, mean + step] for mean in (correctness, quality))
    assert all(0 <= value <= 1 for value in sc + gq), "such instances exist"
    assert 100 * semantic_quality(sc, gq).item() == pytest.approx(100 * published, abs=0.05)
    assert 100 * (published - of_means) == pytest.approx([1.14, 0.84, 0.68][field], abs=0.01)


@pytest.mark.parametrize(("model", "field"), [(model, field) for model in SQCS for field in range(3)])
def test_every_published_semantic_quality_is_possible(model: str, field: int) -> None:
    """E[SC GQ] lies between max(0, SC + GQ - 1) and min(SC, GQ); the cells carry a rounding of 0.05 each."""
    correctness, quality, published = SQCS[model][field]
    product = (published - 0.7 * correctness) / 0.3
    assert max(0, correctness + quality - 100) - 0.4 <= product <= min(correctness, quality) + 0.4


def test_mean_of_coupled_scores_differs_from_the_score_of_means_by_the_covariance() -> None:
    generator = torch.Generator().manual_seed(0)
    sc, gq = torch.rand(2, 500, generator=generator, dtype=torch.float64)
    covariance = ((sc - sc.mean()) * (gq - gq.mean())).mean()
    gap = semantic_quality(sc, gq) - semantic_quality(sc.mean()[None], gq.mean()[None])
    torch.testing.assert_close(gap, 0.3 * covariance)


@settings(deadline=None)
@given(SHARES, SHARES, SHARES)
def test_quality_only_takes_from_what_is_right(first: float, second: float, eta: float) -> None:
    coupled = semantic_quality([first], [second], eta=eta).item()
    assert eta * first - 1e-12 <= coupled <= first + 1e-12


def test_a_grade_of_three_is_half() -> None:
    assert semantic_quality([3], [1.0], scale="grade").item() == 0.5


def test_unknown_stays_unknown() -> None:
    found = semantic_quality([1.0, 0.5, math.nan], [math.nan, 1.0, 1.0], reduction="none")
    assert found.isnan().tolist() == [True, False, True]


def test_gradients_flow() -> None:
    sc = torch.tensor([0.5, 0.25], dtype=torch.float64, requires_grad=True)
    semantic_quality(sc, [1.0, 0.0]).backward()
    torch.testing.assert_close(sc.grad, torch.tensor([0.5, 0.35]).double())


def test_arguments_are_refused() -> None:
    with pytest.raises(ValueError, match=r"`correctness`.*between 1 and 5.*row 1"):
        semantic_quality([3, 0], [1.0, 1.0], scale="grade")
    with pytest.raises(ValueError, match=r"`quality`.*between 0 and 1"):
        semantic_quality([0.5], [83.6])
