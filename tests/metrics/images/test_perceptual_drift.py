# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""PerceptualDrift: distances to the first image, by turn distance, and what is undefined."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from imug_metrics import PerceptualDrift
from imug_metrics.encoders import CallableEncoder, LpipsEncoder
from tests.metrics import cases

SIDE = 12


def near(dialogue: Tensor, turn: Tensor) -> dict[str, Any]:
    """Embeddings with references, whose squared distances are about 1."""
    return {name: 0.2 * rows for name, rows in cases.images_and_references(dialogue, turn).items()}


def alone(dialogue: Tensor, turn: Tensor) -> dict[str, Any]:
    return {"images": near(dialogue, turn)["images"]}


def pixels(dialogue: Tensor, turn: Tensor) -> dict[str, Any]:
    """Small images that change from turn to turn, as rows of their pixels."""
    first = cases.noise(dialogue, turn * 0, 1, 3 * SIDE**2)
    return {"images": (first + 0.4 * cases.noise(dialogue, turn, 2, 3 * SIDE**2)).sigmoid()}


CASES = {
    "drift-squared": cases.Case(PerceptualDrift, alone, refuses=("missing",)),
    "drift-cosine": cases.Case(lambda **k: PerceptualDrift("cosine", **k), alone, refuses=("missing",)),
    "drift-references": cases.Case(PerceptualDrift, near, refuses=("missing",)),
    "drift-ssim": cases.Case(lambda **k: PerceptualDrift("ssim", **k), pixels, refuses=("missing",), rounding=1e-8),
}


def detail_of(metric: PerceptualDrift) -> dict[str, float]:
    return {key.removeprefix("perceptual_drift"): float(value) for key, value in metric.compute().items()}


def test_a_constant_step_shows_in_the_turns_between_and_not_from_image_to_image() -> None:
    step = 0.1 * torch.arange(6, dtype=torch.float64)
    metric = PerceptualDrift(detail=True)
    metric.update(torch.stack([step, torch.ones_like(step)], -1).expand(3, 6, 2))
    found = detail_of(metric)
    assert found["_previous"] == pytest.approx(0.01)
    assert found["_last_vs_first"] == pytest.approx(0.25)
    for k in range(1, 6):
        assert found[f"_delta_{k}"] == pytest.approx(0.01 * k * k)
        assert found[f"_turn_{k + 1}"] == pytest.approx(0.01 * k * k)
    assert math.isnan(found["_delta_6"])
    assert found[""] == pytest.approx(0.01 * (1 + 4 + 9 + 16 + 25) / 5)
    assert found["_coverage"] == 1


def test_a_single_image_is_undefined_and_lowers_the_coverage() -> None:
    metric = PerceptualDrift(detail=True)
    metric.update(torch.ones(2, 1, 4))
    assert math.isnan(detail_of(metric)[""])
    assert detail_of(metric)["_coverage"] == 0
    metric.update(torch.ones(1, 3, 4))
    assert detail_of(metric)[""] == 0
    assert detail_of(metric)["_coverage"] == pytest.approx(2 / 4)


def test_without_the_first_image_only_the_others_are_compared() -> None:
    images = torch.tensor([[[0.0, 1.0], [1.0, 1.0], [3.0, 1.0]]])
    metric = PerceptualDrift(detail=True)
    metric.update(images, valid=torch.tensor([[False, True, True]]))
    found = detail_of(metric)
    assert math.isnan(found[""])
    assert math.isnan(found["_last_vs_first"])
    assert found["_coverage"] == 0
    assert found["_previous"] == found["_delta_1"] == 4


def test_with_references_the_last_image_is_still_compared_with_the_first() -> None:
    images = torch.tensor([[[0.0, 1.0], [1.0, 1.0], [3.0, 1.0]]])
    metric = PerceptualDrift(detail=True)
    metric.update(images, references=images + 0.5)
    found = detail_of(metric)
    assert found[""] == pytest.approx(0.5)
    assert found["_last_vs_first"] == 9
    assert found["_coverage"] == 1


def test_distances_beyond_the_curve_are_left_out_and_the_image_before_is_not() -> None:
    images = torch.arange(1.0, 6.0).view(1, 5, 1)
    metric = PerceptualDrift(detail=True, max_turns=1)
    metric.update(images)
    assert detail_of(metric)["_previous"] == 1
    assert not any("_delta_" in key for key in detail_of(metric))
    metric = PerceptualDrift(detail=True, max_turns=3)
    metric.update(images)
    found = detail_of(metric)
    assert [found[f"_delta_{k}"] for k in (1, 2)] == [1, 4]
    assert "_delta_3" not in found
    assert found["_last_vs_first"] == 16


def test_each_image_is_encoded_once() -> None:
    seen: list[int] = []

    def embed(images: list[Tensor]) -> Tensor:
        seen.append(len(images))
        return torch.stack([image.mean((1, 2)) for image in images])

    metric = PerceptualDrift(detail=True, encoder=CallableEncoder(images=embed, name="colours"))
    metric.update([[torch.full((3, 4, 4), 0.1 * t + 0.1) for t in range(5)], [torch.ones(3, 4, 4), None]])
    assert seen == [6]
    assert detail_of(metric)["_delta_4"] == pytest.approx(3 * 0.16, rel=1e-6)


class DreamSimLike(torch.nn.Module):
    """A model with the interface of DreamSim: `embed` gives unit rows less their own mean, a call 1 - cosine."""

    def __init__(self) -> None:
        super().__init__()
        self.features = torch.nn.Linear(3 * 8 * 8, 32)

    def embed(self, images: Tensor) -> Tensor:
        rows = torch.nn.functional.normalize(self.features(images.flatten(1)), dim=1)
        return rows - rows.mean(1, keepdim=True)

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        return 1 - torch.nn.functional.cosine_similarity(self.embed(x), self.embed(y), dim=-1)


def test_cosine_distances_of_dreamsims_embeddings_are_dreamsim() -> None:
    torch.manual_seed(0)
    model, images = DreamSimLike(), [Image.fromarray((row * 255).byte().numpy()) for row in torch.rand(4, 8, 8, 3)]

    def prepare(image: Image.Image) -> Tensor:
        return torch.from_numpy(np.asarray(image) / 255).float().movedim(-1, 0)[None]

    def embed(images: list[Image.Image]) -> Tensor:
        return model.embed(torch.cat([prepare(image) for image in images]))

    metric = PerceptualDrift("cosine", encoder=CallableEncoder(images=embed, name="dreamsim"))
    metric.update([images])
    with torch.no_grad():
        expected = [float(model(prepare(images[0]), prepare(image))) for image in images[1:]]
    assert metric.compute().item() == pytest.approx(sum(expected) / 3, abs=1e-6)


def test_embeddings_of_lpips_give_lpips() -> None:
    lpips = pytest.importorskip("lpips", reason="lpips is not installed")
    torch.manual_seed(0)
    model = lpips.LPIPS(net="squeeze", pnet_rand=True, verbose=False)
    images = torch.rand(1, 3, 3, 64, 64)
    metric = PerceptualDrift(encoder=LpipsEncoder(model))
    metric.update(images)
    with torch.no_grad():
        expected = model(2 * images[0, 1:] - 1, 2 * images[0, :1].expand(2, -1, -1, -1) - 1)
    assert metric.compute().item() == pytest.approx(expected.mean().item(), rel=1e-4)


def test_a_repeated_image_is_at_0_by_every_distance() -> None:
    for distance, rows in (("squared", 31872), ("cosine", 31872), ("ssim", 3 * 24 * 24)):
        metric = PerceptualDrift(distance, detail=True)
        metric.update(torch.rand(2, 1, rows).expand(2, 3, rows))
        found = detail_of(metric)
        assert [found[key] for key in ("", "_previous", "_delta_2", "_last_vs_first", "_slope")] == [0] * 5


def test_the_value_of_a_batch_is_a_loss() -> None:
    images = torch.rand(2, 3, 8, requires_grad=True)
    for distance in ("squared", "cosine"):
        metric = PerceptualDrift(distance, detail=False)
        (gradient,) = torch.autograd.grad(metric(images), images)
        assert gradient.abs().sum() > 0


def test_an_encoder_of_pixels_and_zeros_for_absent_images_are_refused() -> None:
    with pytest.raises(ValueError, match="no argument `encoder` with distance 'ssim'"):
        PerceptualDrift("ssim", encoder=CallableEncoder(images=len))
    with pytest.raises(ValueError, match="`missing` to be 'skip': a distance of 0 is the best"):
        PerceptualDrift(missing="zero")
    with pytest.raises(ValueError, match="`distance` to be one of"):
        PerceptualDrift("lpips")


def test_each_distance_says_its_unit_and_range() -> None:
    told = {distance: PerceptualDrift(distance).describe() for distance in ("squared", "cosine", "ssim")}
    assert {name: found.unit for name, found in told.items()} == {
        "squared": "squared distance",
        "cosine": "1 - cosine",
        "ssim": "1 - SSIM",
    }
    assert [found.range for found in told.values()] == ["from 0", "0 to 2", "0 to 2"]
