# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Crops of faces against OpenCV, scikit-image and Pillow."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image

from imug_metrics.encoders.faces.crops import ARCFACE_POINTS, aligned_crop, square_crop

POINTS = np.array([[200, 110], [240, 105], [222, 130], [205, 150], [240, 147]], dtype=np.float32)


def channels_first(image: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(image).permute(2, 0, 1)


@pytest.mark.parametrize("size", [112, 224])
@pytest.mark.parametrize("points", [POINTS, POINTS * 0.4 - 60, POINTS[:, ::-1] * [1.3, -1.1] + [60, 400]])
def test_alignment_is_that_of_insightface(photographs, points, size):
    """Its `norm_crop`: scikit-image's similarity from the image to the template, OpenCV's warp, black outside."""
    cv2 = pytest.importorskip("cv2", reason="OpenCV is not installed")
    skimage = pytest.importorskip("skimage.transform", reason="scikit-image is not installed")
    similarity = skimage.estimate_transform("similarity", points, np.array(ARCFACE_POINTS) * size / 112)
    image = photographs["astronaut"]
    expected = cv2.warpAffine(image, similarity.params[:2], (size, size), borderValue=0.0).astype(int)
    found = aligned_crop(channels_first(image), torch.tensor(points), size=size).permute(1, 2, 0).numpy()
    # OpenCV rounds places to 1/32 of a pixel.
    assert np.abs(found - expected).mean() < 0.2
    assert np.abs(found - expected).max() <= 12


def test_an_alignment_moves_the_points_onto_the_template():
    """Five white dots, at the template's places turned, doubled and moved, come back to them."""
    image = torch.zeros(3, 400, 400, dtype=torch.uint8)
    template = torch.tensor(ARCFACE_POINTS)
    angle = torch.tensor(0.5)
    turn = 2 * torch.tensor([[angle.cos(), -angle.sin()], [angle.sin(), angle.cos()]])
    points = template @ turn.T + torch.tensor([160.0, 20.0])
    for x, y in points.round().long().tolist():
        image[:, y - 2 : y + 3, x - 2 : x + 3] = 255
    crop = aligned_crop(image, points)
    for x, y in template.round().long().tolist():
        assert crop[0, y, x] > 200
    assert (crop > 0).float().mean() < 0.02


def test_a_square_is_the_crop_around_the_box(photographs):
    image = photographs["astronaut"]
    crop = square_crop(channels_first(image), torch.tensor([170.0, 80.0, 250.0, 180.0]))
    assert np.array_equal(crop.permute(1, 2, 0).numpy(), image[80:180, 160:260])
    wider = square_crop(channels_first(image), torch.tensor([170.0, 80.0, 250.0, 180.0]), margin=0.5)
    assert np.array_equal(wider.permute(1, 2, 0).numpy(), image[55:205, 135:285])


def test_a_square_is_resized_as_pillow_does(photographs):
    image = photographs["astronaut"]
    box = torch.tensor([150.0, 50.0, 290.0, 190.0])
    found = square_crop(channels_first(image), box, size=64).permute(1, 2, 0).numpy().astype(int)
    expected = Image.fromarray(image).crop((150, 50, 290, 190)).resize((64, 64), Image.Resampling.BILINEAR)
    assert np.abs(found - np.asarray(expected)).max() <= 1


def test_a_square_is_black_outside_the_image():
    image = torch.full((3, 10, 10), 200, dtype=torch.uint8)
    crop = square_crop(image, torch.tensor([-4.0, -4.0, 4.0, 4.0]))
    assert crop.shape == (3, 8, 8)
    assert (crop[:, 4:, 4:] == 200).all()
    assert (crop[:, :4] == 0).all()
    assert (crop[:, :, :4] == 0).all()
    assert (square_crop(image, torch.tensor([30.0, 30.0, 38.0, 38.0])) == 0).all()
