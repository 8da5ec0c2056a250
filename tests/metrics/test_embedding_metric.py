# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""What an update does to the encoder it runs."""

from __future__ import annotations

from functools import partial

import pytest
import torch
from torch import Tensor

from imug_metrics import TurnAlignment, TurnConsistency, TurnDistributionShift, TurnRetrieval
from imug_metrics.encoders import CallableEncoder
from imug_metrics.metrics.embedding_metric import EmbeddingMetric


class KeepsWhatItMade(torch.nn.Module):
    """A projection that makes its angles at the first call and keeps them, as rotary position embeddings do."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = torch.nn.Parameter(torch.eye(4))
        self.angles: Tensor | None = None

    def forward(self, rows: Tensor) -> Tensor:
        if self.angles is None:
            self.angles = torch.arange(1.0, 5.0) / 4
        return (rows @ self.weight) * self.angles


@pytest.mark.parametrize(
    "make", [TurnAlignment, TurnConsistency, TurnRetrieval, partial(TurnDistributionShift, 4)], ids=str
)
def test_a_model_that_was_scored_can_be_trained(make: type[EmbeddingMetric]) -> None:
    model = KeepsWhatItMade()
    encoder = CallableEncoder(
        lambda images: model(images.flatten(1)[:, :4].float()), lambda texts: model(torch.ones(len(texts), 4))
    )
    metric = make(encoder=encoder)
    images = torch.rand(1, 3, 3, 8, 8)
    texts = {"texts": [["a", "b", "c"]]} if isinstance(metric, (TurnAlignment, TurnRetrieval)) else {}
    metric.update(images, **texts)
    model(torch.rand(2, 4)).sum().backward()
    assert model.weight.grad is not None
    assert metric.update_count == 1
