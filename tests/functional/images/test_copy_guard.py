# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""copy_guard and near_duplicates: what is one image, what was edited, and what is compared with what."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from imug_metrics.errors import InputError
from imug_metrics.functional import copy_guard, near_duplicates
from imug_metrics.functional.images.copy_guard import copy_angle
from imug_metrics.media.perceptual_hash import hash_distance, perceptual_hash
from imug_metrics.media.thumbnails import thumbnails
from tests.functional.images.consistent import angles

SIDE = 128
PLACES = {"dialogue": [1] * 4, "turn": [1, 2, 3, 4], "reduction": "none"}


def scenery(count: int = 6, seed: int = 0) -> Tensor:
    """Images `[N, 3, 128, 128]` with structure at all places, and none that repeats."""
    generator = torch.Generator().manual_seed(seed)
    coarse = torch.rand(count, 3, 12, 12, generator=generator)
    return F.interpolate(coarse, (SIDE, SIDE), mode="bicubic", align_corners=False).clamp(0, 1)


def judged(first: Tensor, second: Tensor, side: int = 32) -> dict[str, list[float]]:
    found = near_duplicates(thumbnails(first, side), thumbnails(second, side))
    return {name: column.tolist() for name, column in found._asdict().items()}


def cropped(images: Tensor, left: int, top: int, side: int) -> Tensor:
    part = images[..., top : top + side, left : left + side]
    return F.interpolate(part, (SIDE, SIDE), mode="bicubic", align_corners=False).clamp(0, 1)


@pytest.mark.parametrize("side", [32, 64])
@pytest.mark.parametrize("mirror", [False, True])
@pytest.mark.parametrize(("x", "y"), [(0, 0), (2, -1), (5, 9), (-12, 3), (-1, -11)])
def test_a_shifted_copy_is_a_copy(side: int, mirror: bool, x: int, y: int) -> None:
    images = scenery()
    copies = images.roll((y, x), (2, 3))
    found = judged(images, copies.flip(-1) if mirror else copies, side)
    assert found["copies"] == [1] * len(images)
    assert found["mirrored"] == [float(mirror)] * len(images)
    assert found["shifted"] == [float((x, y) != (0, 0))] * len(images)
    assert found["cropped"] == [0] * len(images)


@pytest.mark.parametrize("mirror", [False, True])
@pytest.mark.parametrize(("left", "top", "side"), [(0, 0, 104), (24, 24, 104), (3, 10, 112), (6, 1, 120)])
def test_a_cropped_copy_is_a_copy(mirror: bool, left: int, top: int, side: int) -> None:
    images = scenery()
    copies = cropped(images, left, top, side)
    found = judged(images, copies.flip(-1) if mirror else copies)
    assert found["copies"] == found["cropped"] == [1] * len(images)
    assert found["mirrored"] == [float(mirror)] * len(images)


def test_noise_and_blur_make_no_other_image() -> None:
    images = scenery()
    noise = 0.05 * torch.randn(images.shape, generator=torch.Generator().manual_seed(1))
    assert judged(images, (images + noise).clamp(0, 1))["copies"] == [1] * len(images)
    assert judged(images, F.avg_pool2d(images, 3, 1, 1, count_include_pad=False))["copies"] == [1] * len(images)


def test_other_images_are_no_copies() -> None:
    images = scenery(8)
    assert judged(images, images.roll(1, 0))["copies"] == [0] * 8
    turned = judged(images, images.rot90(1, (2, 3)))
    assert turned["copies"] == [0] * 8


@pytest.mark.parametrize("altered", [(0, 0, False), (4, -6, False), (0, 0, True)])
@pytest.mark.parametrize(("left", "top"), [(0, 0), (40, 70), (104, 8)])
def test_an_edit_of_three_percent_is_no_copy_however_the_rest_is_altered(
    altered: tuple[int, int, bool], left: int, top: int
) -> None:
    y, x, mirror = altered
    images = scenery()
    edited = images.clone()
    edited[:, :, top : top + 23, left : left + 23] = torch.tensor([1.0, 0.0, 1.0])[:, None, None]
    moved = edited.roll((y, x), (2, 3))
    assert judged(images, moved.flip(-1) if mirror else moved)["copies"] == [0] * len(images)


def test_what_was_changed_at_the_border_is_not_cut_off() -> None:
    plain = torch.full((1, 3, SIDE, SIDE), 0.6)
    plain[:, :, 50:80, 40:90] = 0.1
    edited = plain.clone()
    edited[:, :, 30:100, :10] = 0.9
    assert judged(plain, edited)["copies"] == [0]


def test_one_of_two_objects_that_moves_is_no_shift() -> None:
    before = torch.full((1, 3, SIDE, SIDE), 0.6)
    before[:, :, 20:50, 20:50] = 0.1
    before[:, :, 80:110, 70:100] = 0.9
    after = torch.full((1, 3, SIDE, SIDE), 0.6)
    after[:, :, 20:50, 20:50] = 0.1
    after[:, :, 80:110, 60:90] = 0.9
    assert judged(before, after)["copies"] == [0]


def test_light_that_shows_is_a_change_and_rounding_is_none() -> None:
    images = 0.1 + 0.8 * scenery()
    assert judged(images, images * 0.85)["copies"] == [0] * len(images)
    assert judged(images, images + 2 / 255)["copies"] == [1] * len(images)


def test_plain_images_are_told_apart_by_their_colour() -> None:
    colours = torch.tensor([[0.0, 0.0, 0.0], [0.0, 0.0, 0.0], [0.2, 0.2, 0.2]])
    images = colours[:, :, None, None].expand(3, 3, SIDE, SIDE)
    found = judged(images[:1].expand(3, -1, -1, -1), images)
    assert found["copies"] == [1, 1, 0]
    assert found["mirrored"] == found["shifted"] == found["cropped"] == [0, 0, 0]


def test_a_pair_without_pixels_is_not_known() -> None:
    images = thumbnails(scenery(2))
    found = near_duplicates(images, images.index_fill(0, torch.tensor([1]), torch.nan))
    assert found.copies[0] == 1
    assert all(column[1].isnan() for column in found)


def test_pairs_do_not_hang_on_those_they_come_with() -> None:
    images = thumbnails(scenery(150))
    together = near_duplicates(images, images.roll(75, 0))
    alone = near_duplicates(images[140:], images.roll(75, 0)[140:])
    torch.testing.assert_close(together.differences[140:], alone.differences, rtol=1e-3, atol=1e-4)
    assert near_duplicates(images[:0], images[:0]).copies.tolist() == []


def test_small_images_of_other_forms_are_refused() -> None:
    images = thumbnails(scenery(2))
    with pytest.raises(InputError, match="`second` to be as large as `first`, 3072 numbers, got 768"):
        near_duplicates(images, thumbnails(scenery(2), 16))
    with pytest.raises(InputError, match="`first` to be square images in colour"):
        near_duplicates(images[:, :3000], images)
    with pytest.raises(InputError, match=r"`second` to lie in \[0, 1\]"):
        near_duplicates(images, images * 255)


def test_the_first_image_has_nothing_to_be_a_copy_of() -> None:
    found = copy_guard(angles(0, 0, 60, 0), **PLACES)
    assert found[0].isnan()
    assert found[1:].tolist() == [1, 0, 1]


def test_pixels_decide_where_a_pair_has_them_and_embeddings_where_not() -> None:
    pixels = thumbnails(scenery(4))
    assert copy_guard(angles(0, 0, 0, 0), pixels=pixels, **PLACES)[1:].tolist() == [0, 0, 0]
    pixels[2] = torch.nan
    assert copy_guard(angles(0, 0, 0, 0), pixels=pixels, **PLACES)[1:].tolist() == [0, 1, 1]  # the fourth: of the third


def test_pixels_alone_are_enough_and_black_images_are_there() -> None:
    pixels = thumbnails(scenery(4))
    pixels[:2] = 0
    found = copy_guard(pixels=pixels, **PLACES)
    assert found[0].isnan()
    assert found[1:].tolist() == [1, 0, 0]
    with pytest.raises(InputError, match="`images` to be there, or `pixels`"):
        copy_guard(dialogue=[1], turn=[1])


def test_behind_an_absent_image_the_last_one_that_is_there_is_compared() -> None:
    images = angles(0, 40, 80, 40)
    valid = torch.tensor([True, True, False, True])
    assert copy_guard(images, **PLACES)[3] == 0  # it repeats the second, neither the first nor the one before
    found = copy_guard(images, valid=valid, **PLACES)
    assert found[2].isnan()
    assert found[3] == 1
    later = copy_guard(angles(0, 40, 40, 40), valid=torch.tensor([False, True, False, True]), **PLACES)
    assert later.isnan().tolist() == [True, True, True, False]


def test_segments_and_dialogues_are_compared_with_themselves_only() -> None:
    found = copy_guard(
        angles(0, 0, 0, 0), dialogue=[1, 1, 2, 2], turn=[1, 2, 1, 2], subject=[1, 2, 1, 1], reduction="none"
    )
    assert found.isnan().tolist() == [True, True, True, False]
    shuffled = copy_guard(angles(0, 90, 0, 90), dialogue=[2, 1, 2, 1], turn=[2, 2, 1, 1], reduction="none")
    assert shuffled.tolist()[:2] == [1, 1]


def test_what_was_shown_counts_from_the_first_image_on_by_pixels_or_embeddings() -> None:
    images, shown = angles(0, 60), angles(0, 0)
    places = {"dialogue": [1, 1], "turn": [1, 2], "reduction": "none"}
    assert copy_guard(images, shown=shown, **places).tolist() == [1, 0]
    pixels = thumbnails(scenery(2))
    found = copy_guard(images, pixels=pixels, shown=shown, shown_pixels=pixels.roll(1, 0), **places)
    assert found.tolist() == [0, 0]  # the first has the embedding of what was shown, and other pixels
    assert copy_guard(pixels=pixels, shown_pixels=pixels, **places).tolist() == [1, 1]


def test_the_angle_is_one_for_a_copy_and_minus_one_for_the_reference() -> None:
    shown, references = angles(0, 0, 0, 0), angles(60, 60, 60, 3)
    found = copy_angle(angles(0, 60, 30, 0), shown, references)
    torch.testing.assert_close(found, torch.tensor([1.0, -1.0, 0.0, torch.nan], dtype=torch.float64), equal_nan=True)


def test_hashes_survive_saving_and_tell_other_images_apart() -> None:
    images = scenery(20)
    hashes = perceptual_hash(thumbnails(images))
    assert hash_distance(hashes, perceptual_hash(thumbnails(0.9 * images))).max() <= 4
    assert hash_distance(hashes, hashes.roll(1, 0)).min() > 10
    assert perceptual_hash(torch.full((1, 3072), 0.5)).isnan().all()
