# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""PartsEncoder: what a RegionEncoder of each part gives, from images that are decoded and searched once."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from imug_metrics.encoders import CallableEncoder, ImageRegion, RegionEncoder
from imug_metrics.encoders.image_parts import PartsEncoder
from imug_metrics.media import images as media

MASK = np.zeros((8, 10), dtype=bool)
MASK[2:6, 3:8] = True


class Colours(CallableEncoder):
    """Mean colours, in batches of two."""

    batch_size = 2

    def __init__(self) -> None:
        super().__init__(
            lambda images: torch.stack([image.float().mean((1, 2)) for image in images]),
            name="colours",
            fingerprint="c",
        )


def photographs(count: int = 5) -> Tensor:
    return torch.randint(0, 256, (count, 3, 8, 10), dtype=torch.uint8, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("region", [{"mask": MASK}, {"box": (3, 2, 8, 6)}], ids=["mask", "box"])
def test_the_parts_are_those_of_an_encoder_each(region: dict[str, Any]) -> None:
    items = [ImageRegion(image, **region) for image in photographs()]
    subject, background, whole = PartsEncoder(Colours()).encode_parts(items)
    assert subject.equal(RegionEncoder(Colours(), masking="paint").encode_images(items))
    assert background.equal(RegionEncoder(Colours(), masking="paint", background=True).encode_images(items))
    assert whole.equal(RegionEncoder(Colours(), "full").encode_images(items))
    assert PartsEncoder(Colours()).encode_whole(items).equal(whole)
    assert PartsEncoder(Colours()).encode_images(items).equal(subject)


def test_a_function_is_asked_once_an_image_and_a_file_is_read_once(
    tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths = [tmp_path / f"{row}.png" for row in range(3)]
    for path, image in zip(paths, photographs(3), strict=True):
        Image.fromarray(image.permute(1, 2, 0).numpy()).save(path)
    asked, read = [], []
    monkeypatch.setattr(
        media, "open_image", lambda source, found=media.open_image: (read.append(source), found(source))[1]
    )
    finder = RegionEncoder(Colours(), lambda image: asked.append(image) or MASK, masking="paint", fingerprint="mine")
    found = PartsEncoder(finder).encode_parts(paths)
    assert len(asked) == len(read) == 3
    expected = PartsEncoder(Colours()).encode_parts([ImageRegion(image, mask=MASK) for image in photographs(3)])
    for part, same in zip(found, expected, strict=True):
        assert part.equal(same)


def test_where_nothing_is_found_the_whole_image_is_left() -> None:
    finder = RegionEncoder(Colours(), lambda image: MASK if image[0, 0, 0] > 127 else None, masking="paint")
    images = photographs()
    images[:, 0, 0, 0] = torch.tensor([255, 0, 255, 0, 0])
    subject, background, whole = PartsEncoder(finder).encode_parts(images)
    nothing = [False, True, False, True, True]
    assert subject.isnan().all(1).tolist() == background.isnan().all(1).tolist() == nothing
    assert whole.isfinite().all()


def test_a_subject_that_fills_its_image_leaves_no_background() -> None:
    parts = PartsEncoder(Colours()).encode_parts([ImageRegion(photographs(1)[0], box=(0, 0, 10, 8))])
    assert parts.background.isnan().all()
    torch.testing.assert_close(parts.subject, parts.whole)


def test_images_without_a_region_are_refused_by_row() -> None:
    images = photographs()
    with pytest.raises(ValueError, match="ImageRegion with a box or a mask at row 1"):
        PartsEncoder(Colours()).encode_parts([ImageRegion(images[0], mask=MASK), images[1]])
    assert [part.shape[0] for part in PartsEncoder(Colours()).encode_parts([])] == [0, 0, 0]
