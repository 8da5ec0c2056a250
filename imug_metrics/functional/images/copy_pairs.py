# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Pairs of each image with the previous one, the first one and what was shown, and what each signal says of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import torch
from imug_kernels import paired_cosine
from torch import Tensor

from imug_metrics.dialogues.batch import DialogueBatch
from imug_metrics.dialogues.inputs import PackedInputs
from imug_metrics.dialogues.padding import has_direction
from imug_metrics.media.near_duplicates import PIXEL_THRESHOLD, PixelPairs, compare_pixels
from imug_metrics.media.perceptual_hash import BITS, hash_distance, perceptual_hash

SOURCES = ("previous", "first", "shown")
"""What an image may be a copy of."""
SIGNALS = ("pixels", "hash", "cosine")
"""What says that it is one."""
ALTERATIONS = ("shifted", "mirrored", "cropped")
"""How a copy by pixels may hide."""


class CopyThresholds(NamedTuple):
    """From where on two images are near-duplicates.

    Attributes:
        cosine: of their embeddings, at least.
        pixels: difference of the part that differs most, at most.
        hash: number of bits of 64 in which their hashes differ, at most.
    """

    cosine: float = 0.99
    pixels: float = PIXEL_THRESHOLD
    hash: int = 4


def check_threshold(argument: str, value: float) -> None:
    """Raise ValueError unless some pairs can reach a threshold: `cosine`, `copy` (of cosines), `pixel` or `hash`.

    Example:
        >>> check_threshold("hash_threshold", 65)
        Traceback (most recent call last):
        ValueError: Expected argument `hash_threshold` to lie in [0, 64], got 65.
    """
    low, high = _THRESHOLDS[argument.removesuffix("_threshold")]
    if not low <= value <= high:  # of NaN too, which nothing reaches
        raise ValueError(f"Expected argument `{argument}` to lie in [{low}, {high}], got {value}.")


_THRESHOLDS = {"cosine": (-1, 1), "copy": (-1, 1), "pixel": (0, 1), "hash": (0, BITS)}


class CopyPairs(NamedTuple):
    """What pairs are, float64 `[2, N]`, or `[3, N]` with what was shown: 1 or 0, NaN where a pair cannot be judged so.

    Attributes:
        pixels, hash, cosine: near-duplicates by each signal.
        shifted, mirrored, cropped: near-duplicates by pixels that are altered so.
        absent: bool `[N]`, the images that are not there.
    """

    pixels: Tensor
    hash: Tensor
    cosine: Tensor
    shifted: Tensor
    mirrored: Tensor
    cropped: Tensor
    absent: Tensor

    def judged(self) -> Tensor:
        """What each pair is: as its pixels say, and where there are none, as its embeddings say."""
        return self.pixels.where(self.pixels == self.pixels, self.cosine)


def copy_pairs(inputs: PackedInputs, thresholds: CopyThresholds, hashes: bool = True) -> CopyPairs:
    """Judge every pair of packed rows by each signal.

    Args:
        inputs: the first column says which images there are; beside it may be `images`, `shown`, `pixels` and
            `shown_pixels`.
        thresholds: from where on a pair is a near-duplicate.
        hashes: judge by hashes too, on which no verdict rests.
    """
    batch, columns = inputs.batch, {name: column.detach() for name, column in inputs.columns.items()}
    there = batch.valid & has_direction(next(iter(columns.values())))
    partners = torch.stack(earlier_rows(batch, there))
    if "shown" in columns or "shown_pixels" in columns:  # rows behind those of the images
        partners = torch.cat([partners, (batch.rows + len(there))[None]])
    own = batch.rows.repeat(len(partners))
    unknown = torch.full(own.shape, torch.nan, dtype=torch.float64, device=own.device)
    found = dict.fromkeys((*SIGNALS, *ALTERATIONS), unknown)
    if "images" in columns:
        images, rows = _table(columns, "images", "shown", partners)
        found["cosine"] = reaches(paired_cosine(images, images, own, rows), thresholds.cosine)
    if "pixels" in columns:
        pixels, rows = _table(columns, "pixels", "shown_pixels", partners)
        found |= judged_pixels(compare_pixels(pixels, rows, own), thresholds.pixels)
        if hashes:
            found["hash"] = reaches(-_hash_distances(pixels, rows, own), -thresholds.hash)
    judged = {name: column.view(partners.shape).where(there, torch.nan) for name, column in found.items()}
    return CopyPairs(**judged, absent=~there)


def judged_pixels(found: PixelPairs, threshold: float) -> dict[str, Tensor]:
    """By `pixels` and by alteration 1 or 0 `[P]`, NaN where not known; what is a copy as it is, is not altered."""
    pixels = reaches(-found.difference, -threshold)
    altered = pixels * (found.as_is > threshold)
    return {"pixels": pixels, **{name: altered * getattr(found, name) for name in ALTERATIONS}}


def pixel_copies(batch: DialogueBatch, there: Tensor, pixels: Tensor, threshold: float) -> Tensor:
    """1 `[N]` where packed pixels `[N, 3 * S * S]` nearly duplicate those of the previous or the first image, else 0.

    NaN where neither is there.
    """
    earlier = torch.cat(earlier_rows(batch, there))
    found = compare_pixels(pixels, earlier, batch.rows.repeat(2))
    return any_pair(reaches(-found.difference, -threshold).view(2, -1)).where(there, torch.nan)


def any_pair(pairs: Tensor) -> Tensor:
    """1 `[N]` where one of the pairs `[P, N]` is 1, 0 where all that are known are 0, NaN where none is known."""
    largest = pairs.nan_to_num(-torch.inf).amax(0)
    return largest.masked_fill(largest == -torch.inf, torch.nan)


def earlier_rows(batch: DialogueBatch, there: Tensor) -> tuple[Tensor, Tensor]:
    """Of each packed row the last and the first earlier row `[N]` of its segment that is there, -1 without one."""
    rows = batch.rows
    start = batch.spread(batch.offsets[:-1])
    last = rows.where(there, -1).cummax(0).values.roll(1)
    first = len(rows) - batch.spread(batch.largest((len(rows) - rows).where(there, 0).double())).long()
    return last.where((last >= start) & (last < rows), -1), first.where(first < rows, -1)


def _table(columns: Mapping[str, Tensor], images: str, others: str, partners: Tensor) -> tuple[Tensor, Tensor]:
    """Rows of the images and behind them those that were shown, and which of them are partners; -1 for none."""
    rows = torch.cat([columns[images], columns[others]]) if others in columns else columns[images]
    return rows, partners.where(partners < len(rows), -1).flatten()


def _hash_distances(pixels: Tensor, first: Tensor, second: Tensor) -> Tensor:
    hashes = perceptual_hash(pixels)
    return hash_distance(hashes[first], hashes[second]).masked_fill(first < 0, torch.nan)


def reaches(values: Tensor, threshold: float) -> Tensor:
    """1 where values are at least the threshold, 0 where they are less, NaN where they are not known; float64."""
    return (values >= threshold).double().masked_fill(values != values, torch.nan)
