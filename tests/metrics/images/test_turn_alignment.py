# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""TurnAlignment and TurnRetrieval against plain formulas."""

from __future__ import annotations

import itertools

import pytest
import torch
from torch import Tensor
from torchmetrics import CosineSimilarity

from imug_metrics import TurnAlignment, TurnRetrieval
from imug_metrics.encoders import CallableEncoder
from imug_metrics.functional import turn_alignment, turn_retrieval

D = torch.float64


def pairs(rows: int = 6, seed: int = 0) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(rows, 10, generator=generator, dtype=D), torch.randn(rows, 10, generator=generator, dtype=D)


def test_variants_follow_their_formulas() -> None:
    images, texts = pairs()
    cosine = torch.nn.functional.cosine_similarity(images, texts)
    assert (cosine < 0).any()
    formulas = {
        "cosine": cosine,
        "clipscore": 2.5 * cosine.clamp_min(0),
        "torchmetrics": 100 * cosine.clamp_min(0),
        "siglip": torch.sigmoid(20 * cosine - 3),
    }
    for variant, expected in formulas.items():
        arguments = {"scale": 20.0, "bias": -3.0} if variant == "siglip" else {}
        found = turn_alignment(images, texts, variant=variant, reduction="none", **arguments)
        torch.testing.assert_close(found, expected)


def test_mean_equals_torchmetrics_cosine_similarity() -> None:
    images, texts = pairs(20)
    metric, reference = TurnAlignment("cosine"), CosineSimilarity(reduction="mean")
    metric.update(images, texts, dialogue=torch.arange(20) // 4, turn=torch.arange(20) % 4 + 1)
    reference.update(images, texts)
    assert metric.compute().item() == pytest.approx(reference.compute().item(), abs=1e-7)


def test_refclipscore_is_the_harmonic_mean_with_the_best_reference() -> None:
    images, texts = (rows.abs() for rows in pairs())
    references = torch.rand(6, 3, 10, dtype=D)
    references[0, 1:] = torch.nan
    cosines = torch.nn.functional.cosine_similarity(images[:, None], references, dim=2)
    best = cosines.nan_to_num(-1).amax(1).clamp_min(0)
    clip = 2.5 * torch.nn.functional.cosine_similarity(images, texts)
    found = turn_alignment(images, texts, references, variant="refclipscore", reduction="none")
    torch.testing.assert_close(found, 2 * clip * best / (clip + best))
    one = turn_alignment(images, texts, references[:, 0], variant="refclipscore", reduction="none")
    padded = turn_alignment(images[None], texts[None], references[None, :, 0], variant="refclipscore", reduction="none")
    torch.testing.assert_close(padded[0], one)


def test_refclipscore_of_unrelated_pairs_is_zero_not_nan() -> None:
    image, text = torch.tensor([[1.0, 0.0]]), torch.tensor([[-1.0, 0.0]])
    assert turn_alignment(image, text, text, variant="refclipscore").item() == 0


def test_what_a_variant_needs_is_asked_for() -> None:
    images, texts = pairs()
    with pytest.raises(ValueError, match="`scale` and `bias`"):
        TurnAlignment("siglip")
    with pytest.raises(ValueError, match="`target`"):
        turn_alignment(images, texts, variant="refclipscore")
    with pytest.raises(ValueError, match="`variant`"):
        turn_alignment(images, texts, variant="dot")
    with pytest.raises(ValueError, match="`texts` to have shape"):
        turn_alignment(images, texts[:3])
    with pytest.raises(ValueError, match="`target` to have shape"):
        turn_alignment(images, texts, texts[:2], variant="refclipscore")
    with pytest.raises(ValueError, match="`reduction`"):
        turn_alignment(images, texts, reduction="sum")


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


def test_alignment_gradients() -> None:
    images, texts = (rows.requires_grad_() for rows in pairs(4))
    for variant in ("cosine", "siglip", "clipscore"):
        assert torch.autograd.gradcheck(
            lambda i, t, v=variant: turn_alignment(i, t, variant=v, scale=4.0, bias=-1.0), (images, texts)
        )


def brute_retrieval(images: Tensor, texts: Tensor) -> list[tuple[float, float]]:
    """Share of first places and mean reciprocal rank over all orders of tied candidates."""
    table = torch.nn.functional.cosine_similarity(images[:, None], texts[None], dim=2)
    found = []
    for own, row in enumerate(table):
        above = int((row > row[own] + 1e-9).sum())
        ties = int(((row - row[own]).abs() <= 1e-9).sum())
        ranks = [above + place + 1 for place in range(ties)]
        found.append((sum(r == 1 for r in ranks) / ties, sum(1 / r for r in ranks) / ties))
    return found


def test_retrieval_equals_enumeration_with_shared_ties() -> None:
    vectors = torch.tensor(list(itertools.product([0.0, 1.0], repeat=3)), dtype=D)[1:]
    images, texts = vectors[[0, 2, 2, 6, 4]], vectors[[0, 2, 2, 5, 6]]
    expected = brute_retrieval(images, texts)
    found = turn_retrieval(images[None], texts[None], reduction="none")[0]
    assert found.tolist() == pytest.approx([first for first, _ in expected])
    metric = TurnRetrieval(detail=True)
    metric.update(images[None], texts[None])
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
    assert turn_retrieval(images, texts, [0, 1, 1], [1, 1, 2], reduction="none").isnan().tolist() == [
        True,
        False,
        False,
    ]


def test_prompts_of_absent_images_stay_candidates() -> None:
    prompts = torch.eye(3, dtype=D)
    shown = prompts[[1, 1, 2]][None]
    valid = torch.tensor([[True, False, True]])
    found = turn_retrieval(shown, prompts[None], valid=valid, turn=[1, 2, 3], reduction="none")[0]
    assert found[[0, 2]].tolist() == [0, 1]
    assert found[1].isnan()
