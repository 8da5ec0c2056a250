# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""turn_alignment against plain formulas."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from imug_metrics.functional import turn_alignment

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
    with pytest.raises(ValueError, match="`references`"):
        turn_alignment(images, texts, variant="refclipscore")
    with pytest.raises(ValueError, match="`variant`"):
        turn_alignment(images, texts, variant="dot")
    with pytest.raises(ValueError, match="`texts` to have one entry"):
        turn_alignment(images, texts[:3])
    with pytest.raises(ValueError, match="`references` to be embeddings of shape"):
        turn_alignment(images, texts, texts[:2], variant="refclipscore")
    with pytest.raises(ValueError, match="`reduction`"):
        turn_alignment(images, texts, reduction="sum")


def test_alignment_gradients() -> None:
    images, texts = (rows.requires_grad_() for rows in pairs(4))
    for variant in ("cosine", "siglip", "clipscore"):
        assert torch.autograd.gradcheck(
            lambda i, t, v=variant: turn_alignment(i, t, variant=v, scale=4.0, bias=-1.0), (images, texts)
        )
