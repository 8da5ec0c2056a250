# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""TurnAlignment against torchmetrics, and with an encoder."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor
from torchmetrics import CosineSimilarity

from imug_metrics import TurnAlignment
from imug_metrics.encoders import CallableEncoder
from tests.metrics import cases

CASES = {
    "alignment-clipscore": cases.Case(TurnAlignment, cases.images_and_texts),
    "alignment-siglip": cases.Case(
        lambda **k: TurnAlignment("siglip", scale=10.0, bias=-2.0, **k), cases.images_and_texts
    ),
    "alignment-refclipscore": cases.Case(lambda **k: TurnAlignment("refclipscore", **k), cases.with_references),
}

D = torch.float64


def pairs(rows: int = 6, seed: int = 0) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(rows, 10, generator=generator, dtype=D), torch.randn(rows, 10, generator=generator, dtype=D)


def test_mean_equals_torchmetrics_cosine_similarity() -> None:
    images, texts = pairs(20)
    metric, reference = TurnAlignment("cosine"), CosineSimilarity(reduction="mean")
    metric.update(images, texts, dialogue=torch.arange(20) // 4, turn=torch.arange(20) % 4 + 1)
    reference.update(images, texts)
    assert metric.compute().item() == pytest.approx(reference.compute().item(), abs=1e-7)


def test_siglip_takes_scale_and_bias_of_the_encoder() -> None:
    images, texts = pairs(2)
    encoder = CallableEncoder(images=lambda rows: rows, texts=lambda rows: rows, name="identity")
    encoder.logit_scale, encoder.logit_bias = 5.0, -1.0
    metric = TurnAlignment("siglip", encoder=encoder)
    metric.update(images, texts, dialogue=[0, 0], turn=[1, 2])
    expected = torch.sigmoid(5 * torch.nn.functional.cosine_similarity(images, texts) - 1).mean()
    assert metric.compute().item() == pytest.approx(expected.item())


def test_texts_and_images_go_through_the_encoder() -> None:
    encoder = CallableEncoder(
        images=lambda batch: torch.as_tensor(batch).float().mean((2, 3)),
        texts=lambda words: torch.tensor([[float(c in w) for c in "rgb"] for w in words]),
        name="colours",
    )
    images = torch.zeros(2, 3, 4, 4)
    images[0, 0], images[1, 2] = 1, 1
    metric = TurnAlignment("cosine", encoder=encoder)
    metric.update(images, ["r", "g"], dialogue=["x", "x"], turn=[1, 2])
    assert metric.compute().item() == pytest.approx(0.5)


def test_siglip_asks_for_scale_and_bias() -> None:
    with pytest.raises(ValueError, match="`scale` and `bias`"):
        TurnAlignment("siglip")
