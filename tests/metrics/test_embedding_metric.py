# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""What an update does to the encoder it runs, and what it makes of embeddings without direction."""

from __future__ import annotations

import math
from functools import partial
from types import SimpleNamespace

import pytest
import torch
from torch import Tensor

from imug_metrics import TurnAlignment, TurnConsistency, TurnDistributionShift, TurnRetrieval
from imug_metrics.encoders import CallableEncoder
from imug_metrics.metrics.embedding_metric import EmbeddingMetric
from tests.metrics.cases import metric_cases, places


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


@pytest.mark.parametrize("texts", [[["a", "b"], ["c", "d"]], [["a", None], ["c", "d"]], [["a", "b"], ["c"]]])
def test_images_carry_a_gradient_beside_texts_of_inference_mode(texts: list[list[str | None]]) -> None:
    encoder = CallableEncoder(lambda images: images, lambda texts: torch.inference_mode()(torch.ones)(len(texts), 4))
    images = torch.rand(2, 2, 4, requires_grad=True)
    TurnAlignment(encoder=encoder)(images, texts).backward()
    assert images.grad is not None
    assert images.grad.abs().sum() > 0


@pytest.mark.parametrize("given", [torch.ones(3, 4), torch.ones(4), torch.ones(4, 2, 2)], ids=lambda x: str([*x.shape]))
@pytest.mark.parametrize("texts", [[["a", "b"], ["c", "d"]], [["a", None], ["b", "c", "d"]]])
def test_an_encoder_that_gives_something_else_is_refused_by_the_name_of_the_argument(
    given: Tensor, texts: list[list[str | None]]
) -> None:
    encoder = SimpleNamespace(name="own", encode_images=lambda images: images, encode_texts=lambda texts: given)
    metric = TurnAlignment(encoder=encoder)
    with pytest.raises(ValueError, match=r"items of argument `texts`, \[4, D\], got"):
        metric.update(torch.ones(2, len(texts[1]), 4), texts)
    assert metric.update_count == 0


OTHERS = [("drift-ssim", "images"), ("copies", "references")]
"""Pixels, of which 0 is black, and what the angle of the detail alone needs."""


def embedding_columns() -> list[tuple[str, str]]:
    """Arguments of cases that are embeddings on which the metric's own estimate rests."""
    batches = {name: case.columns(*places(2)) for name, case in metric_cases().items()}
    keys = ("images", "texts", "references")
    return [
        (name, key)
        for name, batch in batches.items()
        for key in keys
        if isinstance(batch.get(key), Tensor) and batch[key].ndim == 2 and (name, key) not in OTHERS
    ]


@pytest.mark.parametrize("validate", [True, False])
@pytest.mark.parametrize("filler", [0.0, math.nan, math.inf])
@pytest.mark.parametrize(("name", "key"), embedding_columns())
def test_an_embedding_without_direction_is_absent(name: str, key: str, filler: float, validate: bool) -> None:
    """Never a cosine of 0: the records are not scored, and the coverage tells."""
    case, (dialogue, turn) = metric_cases()[name], places(8)
    batch = case.columns(dialogue, turn)
    rows = torch.arange(3, 20, 4)
    there = torch.ones(len(turn), dtype=torch.bool).index_fill(0, rows, False)

    def found(valid: Tensor | None = None, **changed: Tensor) -> dict[str, Tensor]:
        metric = case.make(detail=True, validate=validate)
        metric.update(**{**batch, **changed}, dialogue=dialogue, turn=turn, valid=valid)
        return metric.compute()

    absent = found(**{key: batch[key].index_fill(0, rows, filler)})
    coverage = next(entry for entry in absent if entry.endswith("_coverage"))
    assert absent[coverage] < found()[coverage]
    if key == "images":
        case.assert_same(absent, found(there))
