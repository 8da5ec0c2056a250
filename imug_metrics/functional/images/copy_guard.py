# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Is an image a near-duplicate of what it should have changed: the image before, the first one, or its reference."""

from __future__ import annotations

import math
from typing import Any, Literal, NamedTuple

import torch
from imug_kernels import paired_cosine
from torch import Tensor
from torch.nn import functional as F

from imug_metrics.dialogues.arguments import Ids, Images, Turns
from imug_metrics.dialogues.batch import DialogueBatch
from imug_metrics.dialogues.checks import Check
from imug_metrics.dialogues.columns import Column, embedding_column
from imug_metrics.dialogues.holders import place_of
from imug_metrics.dialogues.inputs import PackedInputs, pack_inputs
from imug_metrics.dialogues.padding import has_direction
from imug_metrics.errors import InputError
from imug_metrics.functional.reduce import reduce_values
from imug_metrics.media.near_duplicates import largest_difference
from imug_metrics.media.perceptual_hash import hash_distance, perceptual_hash

SOURCES = ("previous", "first", "reference")
"""What an image may be a copy of."""
LEAST_ANGLE = math.radians(5.0)
"""Between two references; nearer ones are one image, of which no image can be nearer to either."""


class CopyThresholds(NamedTuple):
    """From where on two images are near-duplicates.

    Attributes:
        cosine: of their embeddings, at least.
        pixels: largest difference between parts of the images, at most.
        hash: number of bits of 64 in which their hashes differ, at most.
    """

    cosine: float = 0.99
    pixels: float = 0.06
    hash: int = 4


def copy_guard(
    images: Images,
    *,
    pixels: Any = None,
    references: Images | None = None,
    reference_pixels: Any = None,
    second_references: Images | None = None,
    dialogue: Ids | None = None,
    turn: Turns | None = None,
    subject: Ids | None = None,
    valid: Tensor | None = None,
    lengths: Tensor | None = None,
    cosine_threshold: float = 0.99,
    pixel_threshold: float = 0.06,
    reduction: Literal["mean", "none"] = "mean",
) -> Tensor:
    """Which images are near-duplicates of the image before, the first one, or their reference. Lower is better.

    Args:
        images: embeddings `[N, D]` or `[B, T, D]`.
        pixels: `[N, 3 * S * S]` or `[B, T, 3 * S * S]` in [0, 1], every image at one small size.
        references: embeddings of the images that the model was shown and should not give back.
        reference_pixels: `references` in the form of `pixels`.
        second_references: embeddings of other images of the same subjects, see `CopyGuard`; they change no value here.
        dialogue, turn, subject, valid, lengths: as in `align_rows`.
        cosine_threshold: cosine from which a pair without pixels counts as a copy; it depends on the encoder.
        pixel_threshold: largest difference between parts of the images up to which a pair with pixels does.
        reduction: `"none"`, or `"mean"` for the share of copies.

    Returns:
        Scalar, or float64 values in the shape of the records: 1 for a copy, 0 otherwise, NaN where there is nothing to
        compare with.

    Raises:
        InputError: if shapes or widths differ, pixels are not those of square colour images or turns are refused.

    Example:
        >>> images = torch.tensor([[1.0, 0.0], [2.0, 0.0], [0.0, 1.0]])
        >>> copy_guard(images, dialogue=[5, 5, 5], turn=[1, 2, 3], reduction="none")
        tensor([nan, 1., 0.], dtype=torch.float64)
    """
    columns = guard_columns(images, pixels, references, reference_pixels, second_references)
    inputs = pack_inputs(columns, dialogue, turn, subject, valid, lengths)
    thresholds = CopyThresholds(cosine_threshold, pixel_threshold)
    return reduce_values(inputs.unpack(compare_images(inputs, thresholds).copies()), reduction)


def guard_columns(images: Any, pixels: Any, references: Any, reference_pixels: Any, second: Any) -> dict[str, Column]:
    """The columns of what is given."""
    embeddings = {"images": images, "references": references, "second_references": second}
    small = {"pixels": pixels, "reference_pixels": reference_pixels}
    columns = {name: embedding_column(name, rows) for name, rows in embeddings.items() if rows is not None}
    return columns | {name: pixel_column(name, rows) for name, rows in small.items() if rows is not None}


def pixel_column(argument: str, pixels: Any) -> Column:
    """Small versions of images as rows, with the check that they lie in [0, 1].

    Raises:
        InputError: if they are no numbers `[N, 3 * S * S]` or `[B, T, 3 * S * S]`.
    """
    column = embedding_column(argument, pixels)
    width = column.width or 0
    if width != 3 * math.isqrt(width // 3) ** 2:
        raise InputError(argument, "to be square colour images [N, 3 * S * S] or [B, T, 3 * S * S]", width)
    wrong = ((column.values < 0) | (column.values > 1)).any(1)

    def error(row: int) -> InputError:
        values = column.values[row]
        got = f"{float(values[(values < 0) | (values > 1)][0]):g}"
        return InputError(argument, "to lie in [0, 1] (divide bytes by 255)", got, place_of(row, column.shape))

    return column._replace(width=None, open_end=None, checks=(Check(wrong, error),))


class Comparisons(NamedTuple):
    """Pairs of each image with the previous one, the first one and, where there are any, its reference.

    Attributes:
        by_pixels, by_hash, by_cosine: float64 `[2, N]` or `[3, N]`, 1 where a pair is a near-duplicate, else 0; NaN
            where it cannot be judged so.
    """

    by_pixels: Tensor
    by_hash: Tensor
    by_cosine: Tensor

    def judged(self) -> Tensor:
        """What each pair is: as its pixels say, and where there are none, as its embeddings say."""
        return self.by_pixels.where(self.by_pixels == self.by_pixels, self.by_cosine)

    def copies(self) -> Tensor:
        """1 `[N]` for an image that is a near-duplicate in one of its pairs, 0 for one in none; NaN without a pair."""
        return any_pair(self.judged())


def any_pair(pairs: Tensor) -> Tensor:
    """The largest value `[N]` of pairs `[P, N]`, NaN where none is known."""
    largest = pairs.nan_to_num(-torch.inf).amax(0)
    return largest.masked_fill(largest == -torch.inf, torch.nan)


def compare_images(inputs: PackedInputs, thresholds: CopyThresholds) -> Comparisons:
    """Judge every pair of packed rows by each signal."""
    columns, batch = inputs.columns, inputs.batch
    images = columns["images"]
    there = batch.valid & has_direction(images)
    earlier = earlier_rows(batch, there)
    cosines = [paired_cosine(images.detach(), images.detach(), batch.rows, rows) for rows in earlier]
    if "references" in columns:
        cosines.append(paired_cosine(images.detach(), columns["references"].detach()))
    by_cosine = _at_least(torch.stack(cosines).double().where(there, torch.nan), thresholds.cosine)
    if "pixels" not in columns:
        unknown = torch.full_like(by_cosine, torch.nan)
        return Comparisons(unknown, unknown, by_cosine)
    pixels = columns["pixels"].detach().float()
    partners = [pixels[rows].masked_fill((rows < 0)[:, None], torch.nan) for rows in earlier]
    if "references" in columns:
        partners.append(columns.get("reference_pixels", torch.full_like(pixels, torch.nan)).float())
    pairs = (pixels.repeat(len(partners), 1), torch.cat(partners))
    side = math.isqrt(pixels.shape[1] // 3)
    difference = largest_difference(*(rows.view(-1, 3, side, side) for rows in pairs))
    distance = hash_distance(*map(perceptual_hash, pairs))
    by_pixels, by_hash = (
        _at_least(-column.double().view_as(by_cosine).where(there, torch.nan), -threshold)
        for column, threshold in ((difference, thresholds.pixels), (distance, thresholds.hash))
    )
    return Comparisons(by_pixels, by_hash, by_cosine)


def earlier_rows(batch: DialogueBatch, there: Tensor) -> tuple[Tensor, Tensor]:
    """Of each packed row the last and the first earlier row `[N]` of its segment that is there, -1 without one."""
    rows = batch.rows
    start = batch.spread(batch.offsets[:-1])
    last = rows.where(there, -1).cummax(0).values.roll(1)
    first = len(rows) - batch.spread(batch.largest((len(rows) - rows).where(there, 0).double())).long()
    return last.where((last >= start) & (last < rows), -1), first.where(first < rows, -1)


def copy_angle(images: Tensor, references: Tensor, second_references: Tensor) -> Tensor:
    """How much nearer an image `[N, D]` is to its reference than to the second one, by angle; 1: a copy, -1: the other.

    NaN where the references are less than 5 degrees apart.
    """
    pairs = ((images, second_references), (images, references), (references, second_references))
    to_second, to_first, between = (paired_cosine(*pair).double().clamp(-1, 1).acos() for pair in pairs)
    return ((to_second - to_first) / between).masked_fill(between < LEAST_ANGLE, torch.nan)


def _at_least(values: Tensor, threshold: float) -> Tensor:
    return (values >= threshold).double().masked_fill(values != values, torch.nan)
