# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Is an image a near-duplicate of what it should have changed: the image before, the first one, or what was shown."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Literal, NamedTuple

import torch
from imug_kernels import paired_cosine
from torch import Tensor

from imug_metrics.dialogues.arguments import Ids, Images, Pixels, Turns
from imug_metrics.dialogues.columns import Column, embedding_column
from imug_metrics.dialogues.inputs import pack_inputs
from imug_metrics.errors import InputError
from imug_metrics.functional.images.copy_pairs import (
    ALTERATIONS,
    CopyThresholds,
    any_pair,
    check_threshold,
    copy_pairs,
    judged_pixels,
)
from imug_metrics.functional.images.pixel_columns import of_one_size, pixel_column, presence_column
from imug_metrics.functional.reduce import reduce_values
from imug_metrics.media.near_duplicates import PIXEL_THRESHOLD, compare_pixels

LEAST_ANGLE = math.radians(5.0)
"""Between what was shown and a reference; nearer ones are one image, and none can be nearer to either."""


class NearDuplicates(NamedTuple):
    """What pairs of images are to each other.

    Attributes:
        copies: float64 `[P]`, 1 where the second image is a near-duplicate of the first, else 0; NaN where one of the
            two is not known.
        differences: float64 `[P]`, by how much the part differs that differs most, where the images lie best.
        shifted, mirrored, cropped: float64 `[P]`, 1 where a near-duplicate is altered so, else 0; NaN as in `copies`.
    """

    copies: Tensor
    differences: Tensor
    shifted: Tensor
    mirrored: Tensor
    cropped: Tensor


def copy_guard(
    images: Images | None = None,
    *,
    pixels: Pixels | None = None,
    shown: Images | None = None,
    shown_pixels: Pixels | None = None,
    references: Images | None = None,
    dialogue: Ids | None = None,
    turn: Turns | None = None,
    subject: Ids | None = None,
    valid: Tensor | None = None,
    lengths: Tensor | None = None,
    cosine_threshold: float = 0.99,
    pixel_threshold: float = PIXEL_THRESHOLD,
    reduction: Literal["mean", "none"] = "mean",
) -> Tensor:
    """Which images are near-duplicates of the image before, the first one, or what was shown. Lower is better.

    Where both images of a pair have pixels, these decide alone, see `near_duplicates`: an embedding hardly changes
    with a small edit. Without pixels the cosine decides.

    Args:
        images: embeddings `[N, D]` or `[B, T, D]`; None: there are `pixels` alone.
        pixels: `[N, 3 * S * S]` or `[B, T, 3 * S * S]` in [0, 1], every image in colour at one small size, 32 x 32 say.
        shown: embeddings of the images that the model was shown and should not give back.
        shown_pixels: `shown` in the form of `pixels`.
        references: embeddings of other images of the same subjects, see `CopyGuard`; they change no value here.
        dialogue, turn, subject, valid, lengths: as in `align_rows`.
        cosine_threshold: cosine from which a pair without pixels is a near-duplicate; it depends on the encoder.
        pixel_threshold: difference of the part that differs most, up to which a pair with pixels is one.
        reduction: `"none"`, or `"mean"` for the share of copies.

    Returns:
        Scalar, or float64 values in the shape of the records: 1 for a copy, 0 otherwise, NaN where there is nothing to
        compare with.

    Raises:
        ValueError: if a threshold is outside the range of what it is compared with.
        InputError: if there are neither images nor pixels, shapes or widths differ, pixels are not those of square
            colour images or turns are refused.

    Example:
        >>> images = torch.tensor([[1.0, 0.0], [2.0, 0.0], [0.0, 1.0]])
        >>> copy_guard(images, dialogue=[5, 5, 5], turn=[1, 2, 3], reduction="none")
        tensor([nan, 1., 0.], dtype=torch.float64)
    """
    check_threshold("cosine_threshold", cosine_threshold)
    check_threshold("pixel_threshold", pixel_threshold)
    embeddings = {"images": images, "shown": shown, "references": references}
    columns = {name: embedding_column(name, rows) for name, rows in embeddings.items() if rows is not None}
    small = {"pixels": pixels, "shown_pixels": shown_pixels}
    columns |= {name: pixel_column(name, rows) for name, rows in small.items() if rows is not None}
    inputs = pack_inputs(comparable(columns), dialogue, turn, subject, valid, lengths)
    found = copy_pairs(inputs, CopyThresholds(cosine_threshold, pixel_threshold), hashes=False)
    return reduce_values(inputs.unpack(any_pair(found.judged())), reduction)


def near_duplicates(first: Pixels, second: Pixels, *, pixel_threshold: float = PIXEL_THRESHOLD) -> NearDuplicates:
    """Which pairs of images are one image: as it is, saved anew, shifted, mirrored, or cropped and enlarged again.

    Images are compared by their parts, an eighth of the side wide: a copy has no part that differs, an honest edit has
    one. The second image is also searched in the first one, shifted by up to an eighth of the side, down to 0.8 of it,
    mirrored or not (from 16 x 16 on); what such an alignment cuts off is left out, so that it has to explain the rest
    clearly better than no alignment does: to half of the squared difference. Edges may be out of place by a quarter of
    a pixel.

    Args:
        first, second: `[P, 3 * S * S]` in [0, 1], images in colour at one small size as
            `imug_metrics.media.thumbnails.thumbnails` makes them; NaN where there is none.
        pixel_threshold: the largest difference of a part, by the mean of a colour, up to which a pair is one image.

    Returns:
        The pairs, in their order.

    Raises:
        ValueError: if the threshold lies outside [0, 1].
        InputError: if images are not square and in colour, lie outside [0, 1] or differ in number or size.

    Example:
        >>> from imug_metrics.media.thumbnails import thumbnails
        >>> image = torch.rand(1, 3, 64, 64, generator=torch.Generator().manual_seed(0))
        >>> edited = image.index_fill(3, torch.arange(24, 40), 0.0)
        >>> pair = thumbnails(torch.cat([image, image])), thumbnails(torch.cat([image.flip(-1), edited]))
        >>> found = near_duplicates(*pair)
        >>> found.copies, found.mirrored
        (tensor([1., 0.], dtype=torch.float64), tensor([1., 0.], dtype=torch.float64))
    """
    check_threshold("pixel_threshold", pixel_threshold)
    columns = of_one_size({"first": pixel_column("first", first), "second": pixel_column("second", second)})
    count = len(columns["first"].values)
    rows = pack_inputs(columns, torch.arange(count), torch.ones(count, dtype=torch.int64)).columns
    place = torch.arange(count, device=rows["first"].device)
    found = compare_pixels(torch.cat([rows["first"], rows["second"]]), place, place + count)
    judged = judged_pixels(found, pixel_threshold)
    return NearDuplicates(judged["pixels"], found.difference.double(), *(judged[name] for name in ALTERATIONS))


def comparable(columns: Mapping[str, Column]) -> dict[str, Column]:
    """Columns of embeddings and pixels, of which the first says which images there are.

    Raises:
        InputError: if there are neither images nor pixels, or pixels are of several sizes.
    """
    small = {name: column for name, column in columns.items() if name in ("pixels", "shown_pixels")}
    columns = {**columns, **of_one_size(small)}
    if "images" in columns:
        return columns
    if "pixels" not in columns:
        raise InputError("images", "to be there, or `pixels`", "None")
    return {"presence": presence_column("pixels", columns["pixels"]), **columns}


def copy_angle(images: Tensor, shown: Tensor, references: Tensor) -> Tensor:
    """How much nearer images `[N, D]` are to what was shown than to their references, by angle: 1 for a copy.

    -1 for one that equals its reference; NaN where the two are less than 5 degrees apart, or one of the three is not
    known.
    """
    pairs = ((images, references), (images, shown), (shown, references))
    to_reference, to_shown, between = (paired_cosine(*pair).double().clamp(-1, 1).acos() for pair in pairs)
    return ((to_reference - to_shown) / between).masked_fill(between < LEAST_ANGLE, torch.nan).clamp(-1, 1)
