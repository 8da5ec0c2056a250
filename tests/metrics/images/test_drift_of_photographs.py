# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""LPIPS of real photographs by real weights: little for a shift, more for a blur, most for another image."""

from __future__ import annotations

import torch
from PIL import Image, ImageChops, ImageFilter

from imug_metrics import PerceptualDrift
from imug_metrics.encoders.lpips import lpips_distance
from tests.encoders.packaged import shift_tolerant_lpips
from tests.metrics.images.test_photographs import photographs


def shifted(image: Image.Image) -> Image.Image:
    return ImageChops.offset(image, 2, 2)


def blurred(image: Image.Image, radius: float = 6.0) -> Image.Image:
    return image.filter(ImageFilter.GaussianBlur(radius))


def test_a_shift_is_little_a_blur_more_and_another_image_most() -> None:
    encoder, images = shift_tolerant_lpips(), list(photographs().values())
    rows = encoder.encode_images(images)
    kinds = {"copy": images, "shift": map(shifted, images), "blur": (blurred(image, 4) for image in images)}
    found = {kind: lpips_distance(rows, encoder.encode_images(list(changed))) for kind, changed in kinds.items()}
    found["other"] = lpips_distance(rows, rows.roll(1, 0))
    assert found["copy"].tolist() == [0.0] * len(images)
    assert found["shift"].min() > 0
    assert found["shift"].max() < 0.02 < 0.15 < found["blur"].min()
    assert found["blur"].max() < 0.3 < found["other"].min()


def test_a_series_that_drifts_gets_farther_with_every_turn() -> None:
    series = [[blurred(image, radius) for radius in (0.0, 1.5, 3.0, 4.5)] for image in photographs().values()]
    metric = PerceptualDrift(detail=True, encoder=shift_tolerant_lpips())
    metric.update(series)
    found = {key.removeprefix("perceptual_drift"): float(value) for key, value in metric.compute().items()}
    assert 0 < found["_turn_2"] < found["_turn_3"] < found["_turn_4"] == found["_last_vs_first"]
    assert 0 < found["_delta_1"] < found["_delta_2"] < found["_delta_3"] == found["_last_vs_first"]
    assert found["_previous"] < found[""] < found["_last_vs_first"]
    assert found["_slope_lower"] > 0.02


def test_the_packaged_model_is_an_lpips_like_any_other() -> None:
    encoder = shift_tolerant_lpips()
    x, y = torch.rand(2, 2, 3, 64, 64, generator=torch.Generator().manual_seed(0)).unbind()
    with torch.no_grad():
        expected = encoder.model(2 * x - 1, 2 * y - 1).flatten()
    first, second = encoder.encode_images(x), encoder.encode_images(y)
    torch.testing.assert_close(lpips_distance(first, second), expected, rtol=1e-5, atol=1e-6)
    assert encoder.distance_map(first, second).shape == (2, 64, 64)
