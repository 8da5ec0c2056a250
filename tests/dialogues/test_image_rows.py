# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Images and masks of an update: what is there, what is absent, and what is refused by row."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from imug_metrics.dialogues.image_rows import as_levels, image_rows, mask_rows
from imug_metrics.errors import InputError
from imug_metrics.media.images import ImageRegion


def there(given: Any) -> list[bool]:
    return (given.column.values == 1).tolist()


def test_an_image_with_a_pixel_that_is_not_known_is_absent() -> None:
    images = torch.rand(3, 3, 8, 8)
    images[1, 2, 3, 4] = torch.nan
    for given in (images, [*images], [*images.numpy()], images.tolist(), [images[0], None, images[2]]):
        assert there(image_rows("images", given)) == [True, False, True]
    assert there(mask_rows("editable", images[:, 2])) == [True, False, True]
    assert there(mask_rows("editable", [*images[:, 2]])) == [True, False, True]


def test_lists_of_dialogues_are_filled_up_behind_their_ends() -> None:
    image = torch.rand(3, 8, 8)
    for given in ([[image] * 2, [image]], [image.expand(2, -1, -1, -1), image[None]], [[image.tolist()] * 2, [image]]):
        rows = image_rows("images", given)
        assert rows.column.shape == (2, 2)
        assert rows.column.ends == (2, 1)
        assert there(rows) == [True, True, True, False]


def test_a_single_image_is_read_when_it_is_needed(tmp_path: Path) -> None:
    path = tmp_path / "red.png"
    rows = image_rows("images", [path, str(path), Image.new("RGB", (4, 2)), ImageRegion(str(path))])
    with pytest.raises(InputError, match=r"`images` to name readable image files, got .*red.png.* at row 0"):
        rows.load(0)
    Image.new("RGBA", (5, 3), (255, 0, 0, 255)).save(path)
    assert [tuple(rows.load(row).shape) for row in range(4)] == [(3, 3, 5), (3, 3, 5), (3, 2, 4), (3, 3, 5)]


def test_of_padded_records_line_and_turn_are_named() -> None:
    rows = image_rows("images", [[torch.rand(3, 4, 4), torch.full((3, 4, 4), 7.0)]])
    with pytest.raises(InputError, match=r"`images` to lie in \[0, 1\] where .* got values from 7 to 7.* row \[0, 1\]"):
        rows.load(1)


def test_arrays_with_transparency_or_one_channel_are_images() -> None:
    rows = image_rows("images", [np.zeros((4, 6), np.uint8), np.zeros((4, 6, 4), np.uint8)])
    assert [tuple(rows.load(row).shape) for row in range(2)] == [(3, 4, 6)] * 2


@pytest.mark.parametrize("item", [3, True, {"a": 1}, object(), 1j])
def test_what_is_no_image_is_refused_at_once(item: Any) -> None:
    with pytest.raises(InputError, match=r"`images` to hold tensors, arrays, PIL images, .* at row 1"):
        image_rows("images", [torch.rand(3, 4, 4), item])


def test_integers_of_masks_are_inside_above_zero() -> None:
    masks = torch.tensor([[[0, 3]], [[1, 0]]])
    assert there(mask_rows("editable", masks)) == [True, True]
    assert mask_rows("editable", [*masks]).load(0).tolist() == [[0, 1]]


def test_levels_are_those_of_bytes_and_stay_in_range() -> None:
    assert as_levels(torch.tensor([51], dtype=torch.uint8)).tolist() == pytest.approx([0.2])
    assert as_levels(torch.tensor([1.0005, torch.nan, 0.5], dtype=torch.float64)).tolist() == [1, 0, 0.5]


def test_jpegs_are_counted_by_name_or_format() -> None:
    names = ["a.jpg", Path("b.JPEG"), "c.png", "jpg", None]
    assert image_rows("images", names).jpegs() == 2
    assert image_rows("images", torch.rand(2, 3, 4, 4)).jpegs() == 0
