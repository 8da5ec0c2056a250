# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Arrays and tensors of every layout and type: read where one reading fits, else refused with what to write."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from imug_metrics.media.images import image_batches
from imug_metrics.quality.image import image_quality

FIRST = torch.linspace(0, 1, 2 * 3 * 5 * 7).view(2, 3, 5, 7)
LAST = FIRST.movedim(1, -1)
BYTES = (LAST * 255).round().to(torch.uint8)


def read(images):
    return torch.cat([torch.stack(list(batch)) for batch in image_batches(images, 8)])


@pytest.mark.parametrize(
    "images",
    [
        LAST,
        LAST.numpy(),
        LAST.double().numpy(),
        LAST.numpy()[:, ::-1][:, ::-1],
        LAST.numpy().astype(">f4"),
        list(LAST),
        list(LAST.numpy()),
        [FIRST[0], LAST[1]],
        LAST * (1 + 1e-4) - 1e-5,
        FIRST.double(),
        LAST.clone().requires_grad_(),
        np.asfortranarray(LAST.numpy()),
    ],
)
def test_floating_point_is_read_in_either_layout(images):
    assert torch.allclose(read(images), FIRST, atol=2e-4)


def test_a_shape_of_both_layouts_has_its_channels_first():
    both = torch.rand(2, 3, 5, 3)
    assert torch.equal(read(both), both)


def test_channels_last_keeps_the_graph():
    images = LAST.clone().requires_grad_()
    read(images).sum().backward()
    assert torch.equal(images.grad, torch.ones_like(images))


SHAPES = [
    (FIRST[:, :1], "`images.expand(-1, 3, -1, -1)`"),
    ([FIRST[0, :1]], "`images.expand(3, -1, -1)`"),
    (LAST[..., :1].numpy(), "`images.repeat(3, -1)`"),
    (torch.rand(2, 4, 5, 7), "`images[:, :3]`"),
    ([torch.rand(4, 5, 7)], "`images[:3]`"),
    (np.zeros((2, 5, 7, 4), np.uint8), "`list(images)`"),
    ([np.zeros((5, 7, 4))], "`images[..., :3]`"),
    (FIRST[0], "`images[None]`"),
    (LAST[0].numpy(), "`images[None]`"),
    (FIRST[None], "`images.flatten(0, 1)`"),
    ([FIRST[:1]], "`images[0]`"),
    ([FIRST[0, 0]], "`np.stack([image] * 3)`"),
    (torch.zeros(2, 3, 0, 5), "holds no pixels"),
    ([np.zeros((0, 0, 3), np.uint8)], "holds no pixels"),
    ([np.zeros((0, 4), np.uint8)], "holds no pixels"),
    (torch.zeros(2, 512), "got [2, 512]."),
    (torch.zeros(2, 5, 5, 5), "got [2, 5, 5, 5]."),
]
TYPES = [
    ((LAST * 65535).numpy().astype(np.uint16), "got uint16. Write `images / 65535`."),
    ([(LAST[0] * 65535).numpy().astype(np.uint16)], "got uint16 at row 0. Write `images / 65535`."),
    ((LAST * 65535).numpy().astype(np.uint32), "got uint32. Write `images / 65535`"),
    (BYTES.int(), "got int32. Write `images.to(torch.uint8)`"),
    (BYTES.long().numpy(), "`images.astype('uint8')`"),
    (BYTES.to(torch.int16) - 128, "got int16. Its values lie from -128 to 127"),
    (LAST > 0.5, "got bool. Write `images * 1.0`."),
    ([(LAST[0] > 0.5).numpy()], "got bool at row 0."),
    (LAST.numpy().astype(complex), "got an array of complex128"),
    (np.array([LAST[0].numpy(), FIRST[0, :, :2].numpy()], dtype=object), "as a list"),
    (LAST.numpy().astype(np.longdouble), "got an array of"),
]
RANGES = [
    (LAST * 255, "from 0 to 255 at row 0. Write `images / 255`"),
    ([FIRST[0], LAST[1] * 255], "at row 1. Write `images / 255`"),
    (LAST * 2 - 1, "Write `(images + 1) / 2`"),
    (LAST * 65535, "Write `images / 65535`"),
    (LAST * 1.2 - 0.1, "Write `images.clip(0, 1)`"),
    ((LAST - 0.5) * 4.4, "normalised"),
    (LAST * torch.nan, "got NaN at row 0"),
    ([LAST[0].numpy() * np.nan], "got NaN at row 0"),
    (torch.stack([FIRST[0], FIRST[0] * torch.nan]), "got NaN at row 1"),
    (LAST + torch.inf, "inf"),
]


@pytest.mark.parametrize(("images", "message"), SHAPES + TYPES + RANGES)
def test_a_refusal_says_what_to_write(images, message):
    with pytest.raises(ValueError, match=r"^Expected argument `images`") as caught:
        read(images)
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("images", "cured"),
    [
        ((LAST * 65535).numpy().astype(np.uint16), lambda images: images / 65535),
        (BYTES.int(), lambda images: images.to(torch.uint8)),
        (BYTES.int().numpy(), lambda images: images.astype("uint8")),
        (LAST > 0.5, lambda images: images * 1.0),
        (LAST * 255, lambda images: images / 255),
        (LAST * 2 - 1, lambda images: (images + 1) / 2),
        (FIRST[:, :1], lambda images: images.expand(-1, 3, -1, -1)),
        (LAST[..., :1].numpy(), lambda images: images.repeat(3, -1)),
        (torch.rand(2, 4, 5, 7), lambda images: images[:, :3]),
        (np.zeros((2, 5, 7, 4), np.uint8), list),
        (FIRST[0], lambda images: images[None]),
        (FIRST[None], lambda images: images.flatten(0, 1)),
        (LAST * 1.2 - 0.1, lambda images: images.clip(0, 1)),
    ],
)
def test_what_a_refusal_tells_to_write_is_read(images, cured):
    with pytest.raises(ValueError, match="`"):
        read(images)
    assert read(cured(images)).shape[1] == 3


def test_a_measure_names_its_own_argument():
    for source in (BYTES[0].int(), LAST[0] * 255, FIRST[0, :1], None):
        with pytest.raises((TypeError, ValueError), match="argument `source`") as caught:
            image_quality(source)
        assert "at row" not in str(caught.value)
    image = torch.rand(32, 48, 3)
    assert image_quality(image).parts == image_quality(image.movedim(-1, 0)).parts
