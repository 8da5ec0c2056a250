# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""swap_subjects: another subject under the same mask, chosen by names alone."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from imug_metrics.encoders import ImageRegion
from imug_metrics.media.subject_swap import swap_subjects

BOXES = {"cat": (1, 1, 4, 5), "dog": (4, 2, 8, 8), "owl": (0, 0, 2, 2), "fox": (3, 3, 6, 6)}
COLOURS = {"cat": 40, "dog": 90, "owl": 140, "fox": 190}


def shown(name: str, ground: int = 250) -> ImageRegion:
    image = torch.full((3, 8, 10), ground, dtype=torch.uint8)
    left, top, right, bottom = BOXES[name]
    image[:, top:bottom, left:right] = COLOURS[name]
    return ImageRegion(image, box=BOXES[name])


def colour(region: ImageRegion | None) -> int | None:
    """What is in the middle of its box."""
    if region is None:
        return None
    left, top, right, bottom = region.box
    return int(region.image[0, (top + bottom) // 2, (left + right) // 2])


def donors(names: list[str], **options: Any) -> list[int | None]:
    return [colour(region) for region in swap_subjects([shown(name) for name in names], names, **options)]


def test_the_background_stays_to_the_pixel_and_the_subject_goes() -> None:
    cat, dog = shown("cat", 200), shown("dog", 10)
    swapped, other = swap_subjects([cat, dog], ["cat", "dog"])
    expected = shown("cat", 200).image
    expected[:, 1:5, 1:4] = COLOURS["dog"]
    assert swapped.image.equal(expected)
    assert swapped.box == cat.box
    assert colour(other) == COLOURS["cat"]
    assert cat.image.equal(shown("cat", 200).image)


def test_what_is_beside_the_donor_does_not_come_along() -> None:
    """A disc is shown under a square: its corners have the disc's colour and not that of what was around it."""
    y, x = np.mgrid[:20, :20]
    disc = (x - 10) ** 2 + (y - 10) ** 2 < 49
    donor = torch.where(torch.tensor(disc), 50, 255).to(torch.uint8).expand(3, 20, 20)
    swapped, _ = swap_subjects([shown("cat"), ImageRegion(donor, mask=disc)], ["cat", "disc"])
    assert (swapped.image[:, 1:5, 1:4] == 50).all()


def test_soft_masks_blend() -> None:
    mask = torch.zeros(8, 10)
    mask[2:6, 2:6] = 0.5
    image = torch.full((3, 8, 10), 0.2)
    swapped, _ = swap_subjects([ImageRegion(image, mask=mask), shown("owl")], ["soft", "owl"])
    assert swapped.image.dtype == torch.float32
    torch.testing.assert_close(swapped.image[:, 3, 3], torch.full((3,), 0.1 + 0.5 * COLOURS["owl"] / 255))
    assert (swapped.image[:, 0] == 0.2).all()


def test_nobody_is_their_own_donor_and_names_alone_decide() -> None:
    names = ["cat", "dog", "owl", "fox"] * 3
    found = donors(names)
    assert all(donor not in (None, COLOURS[name]) for name, donor in zip(names, found, strict=True))
    order = list(range(12))
    random.Random(3).shuffle(order)
    by_name = dict(zip(names, found, strict=True))
    assert donors([names[row] for row in order]) == [by_name[names[row]] for row in order]
    rings = {tuple(donors(names[:4], seed=seed)) for seed in range(8)}
    assert len(rings) > 2


def test_images_of_a_subject_get_those_of_another_in_turn() -> None:
    grounds = (10, 20, 30)
    cats = [shown("cat", ground) for ground in grounds]
    dogs = [shown("dog"), shown("dog")]
    dogs[1].image[:, 2:8, 4:8] = 91
    swapped = swap_subjects(cats + dogs, ["cat"] * 3 + ["dog"] * 2)
    assert [colour(region) for region in swapped] == [90, 91, 90, 40, 40]
    assert [int(region.image[0, 7, 9]) for region in swapped[:3]] == [*grounds]


def test_without_another_subject_or_an_image_there_is_nothing() -> None:
    assert swap_subjects([shown("cat"), shown("cat")], ["cat", "cat"]) == [None, None]
    assert swap_subjects([], []) == []
    none, found = swap_subjects([None, shown("cat")], ["dog", "cat"])
    assert none is None
    assert found is None
    empty = ImageRegion(shown("dog").image, mask=torch.zeros(8, 10))
    assert swap_subjects([empty, shown("cat")], ["dog", "cat"]) == [None, None]


@pytest.mark.parametrize(
    ("images", "names", "message"),
    [
        ([shown("cat")], ["cat", "dog"], "`subjects` to name one for each of 1 images, got 2"),
        ([shown("cat"), shown("dog").image], ["cat", "dog"], "ImageRegion with a box or a mask at row 1"),
        ([ImageRegion(torch.zeros(3, 8, 8), mask=torch.ones(5, 7))], ["cat"], "at row 0"),
    ],
)
def test_what_does_not_fit_is_refused(images: list[Any], names: list[str], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        swap_subjects(images, names)


def test_the_device_and_the_dtype_of_the_image_stay() -> None:
    images: list[Tensor] = [torch.rand(3, 8, 10), torch.rand(3, 8, 10).double()]
    regions = [ImageRegion(image, box=BOXES["cat"]) for image in images]
    swapped = swap_subjects(regions, ["a", "b"])
    assert all(region.image.is_floating_point() and region.image.shape == (3, 8, 10) for region in swapped)
