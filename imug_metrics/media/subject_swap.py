# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Images with another subject in the place of their own: same background, other subject."""

from __future__ import annotations

import hashlib
from collections.abc import Hashable, Iterable, Sequence
from typing import Any

from torch import Tensor
from torch.nn import functional as F

from imug_metrics.media.images import MAX_PIXELS, ImageRegion, check_sequence, load_image
from imug_metrics.media.regions import as_mask, box_or_mask, crop, given_region, mask_box


def swap_subjects(
    images: Iterable[ImageRegion | None], subjects: Iterable[Hashable], *, seed: int = 0, max_pixels: int = MAX_PIXELS
) -> list[ImageRegion | None]:
    """Put another subject in the place of each image's own, for the swap test of `SubjectConsistency`.

    What lies under the mask of a donor, an image of another subject, is scaled to the box of this image's mask and
    shown under it; where the donor's mask leaves a gap its mean colour is shown. So nothing of the old subject is left
    but its outline, and nothing of the donor's background comes along. The outline makes the test mild: an encoder that
    sees it has a trace of the old subject.

    Subjects are put in a ring by a hash of their names. The k-th image of one gets that of the next one, from the first
    again where that has fewer: the choice depends on the names and on the order of each subject's own images, and not
    on what else is in the list or where. The donors have to be in it, though: give whole data sets, or parts that hold
    the same subjects.

    Args:
        images: Images with a box or a mask; None for an absent one.
        subjects: For each image who or what it shows, such as `(dialogue, subject)`; equal entries are no donors of
            each other. Entries with equal texts count as equal.
        seed: Changes the ring.
        max_pixels: Height times width above which an image is refused before it is decoded.

    Returns:
        For each image one of its size with its box or mask, uint8 or float32 ``[3, H, W]`` as it is decoded; None where
        it is absent, where nothing is under its mask, or where nobody else is shown in any image.

    Raises:
        TypeError: If an image is of a kind not accepted.
        ValueError: If there is not one subject for each image, an image has neither box nor mask, or one does not fit;
            with the row.

    Example:
        >>> import torch
        >>> red, blue = torch.zeros(2, 3, 4, 4, dtype=torch.uint8)
        >>> red[0, :2, :2], blue[2, 2:, 2:] = 200, 100
        >>> regions = [ImageRegion(red, box=(0, 0, 2, 2)), ImageRegion(blue, box=(2, 2, 4, 4))]
        >>> first, _ = swap_subjects(regions, ["red", "blue"])
        >>> first.image[:, 0, 0].tolist(), first.image[:, 3, 3].tolist()
        ([0, 0, 100], [0, 0, 0])
    """
    items, names = list(check_sequence(images)), [str(name) for name in subjects]
    if len(items) != len(names):
        raise ValueError(f"Expected argument `subjects` to name one for each of {len(items)} images, got {len(names)}.")
    found = [None if item is None else _find(item, row, max_pixels) for row, item in enumerate(items)]
    donors = _donors(names, [part is not None for part in found], seed)
    swapped: list[ImageRegion | None] = []
    for item, own, donor in zip(items, found, donors):
        other = None if donor is None else found[donor]
        if item is None or own is None or other is None:
            swapped.append(None)
        else:
            swapped.append(ImageRegion(_covered(*own, *other), item.box, item.mask))
    return swapped


def _find(item: Any, row: int, max_pixels: int) -> tuple[Tensor, Tensor] | None:
    """A decoded image and the mask of its subject, float ``[H, W]``; None where nothing is under it."""
    given = given_region(item, row)
    image = load_image(item, row=row, max_pixels=max_pixels)
    found = box_or_mask(given, image, row)
    return None if found is None else (image, as_mask(found, image))


def _donors(names: Sequence[str], there: Sequence[bool], seed: int) -> list[int | None]:
    """For each row the row of another subject; None where there is none."""
    rows: dict[str, list[int]] = {}
    for row, name in enumerate(names):
        if there[row]:
            rows.setdefault(name, []).append(row)
    ring = sorted(rows, key=lambda name: hashlib.sha256(f"{seed}:{name}".encode()).digest())
    donors: list[int | None] = [None] * len(names)
    for name, other in zip(ring, ring[1:] + ring[:1]):
        if other != name:
            for place, row in enumerate(rows[name]):
                donors[row] = rows[other][place % len(rows[other])]
    return donors


def _covered(image: Tensor, mask: Tensor, donor: Tensor, under: Tensor) -> Tensor:
    """The image with the subject of the donor under its mask."""
    box = mask_box(mask)
    own, share = crop(image, box), crop(mask[None], box).to(image.device)
    cover = F.interpolate(_subject(donor, under)[None], own.shape[1:], mode="bilinear", antialias=True)[0]
    blended = share * cover.to(image.device) * _white(image) + (1 - share) * own
    found = image.clone()
    crop(found, box).copy_(blended if image.is_floating_point() else blended.round())
    return found


def _subject(image: Tensor, mask: Tensor) -> Tensor:
    """What is under the mask, cut to its box, with the mean colour of that elsewhere; float in [0, 1]."""
    pixels, mask = image / _white(image), mask.to(image.device)
    mean = (pixels * mask).sum((1, 2), keepdim=True) / mask.sum()
    return crop(mask * pixels + (1 - mask) * mean, mask_box(mask))


def _white(image: Tensor) -> float:
    return 1.0 if image.is_floating_point() else 255.0
