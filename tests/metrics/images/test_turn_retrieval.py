# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""TurnRetrieval against enumeration and chance."""

from __future__ import annotations

import itertools

import pytest
import torch

from imug_metrics import TurnRetrieval
from tests.functional.images.retrieval import brute_retrieval, pairs
from tests.metrics import cases

CASES = {
    "retrieval": cases.Case(TurnRetrieval, cases.images_and_texts),
}

D = torch.float64


def test_retrieval_equals_enumeration_with_shared_ties() -> None:
    vectors = torch.tensor(list(itertools.product([0.0, 1.0], repeat=3)), dtype=D)[1:]
    images, texts = vectors[[0, 2, 2, 6, 4]], vectors[[0, 2, 2, 5, 6]]
    expected = brute_retrieval(images, texts)
    metric = TurnRetrieval(detail=True)
    metric.update(images[None], texts[None])
    assert metric.compute()["turn_retrieval"].item() == pytest.approx(sum(first for first, _ in expected) / 5)
    assert metric.compute()["turn_retrieval_mrr"].item() == pytest.approx(sum(r for _, r in expected) / 5)
    assert metric.compute()["turn_retrieval_chance"].item() == pytest.approx(0.2)


def test_retrieval_of_noise_is_at_chance() -> None:
    images, texts = pairs(3000, seed=4)
    metric = TurnRetrieval(detail=True)
    metric.update(images.view(600, 5, 10), texts.view(600, 5, 10))
    found = metric.compute()
    assert found["turn_retrieval_lower"] < found["turn_retrieval_chance"] < found["turn_retrieval_upper"]


def test_retrieval_needs_something_to_confuse() -> None:
    images, texts = pairs(3)
    metric = TurnRetrieval(detail=True)
    metric.update(images, texts, dialogue=[0, 1, 1], turn=[1, 1, 2])
    assert metric.compute()["turn_retrieval_coverage"].item() == pytest.approx(2 / 3)
