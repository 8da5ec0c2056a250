# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Images and masks of an update, one a record: a tensor of one size, or single ones that are read when needed."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from imug_metrics.dialogues.arrays import REALS, read_array
from imug_metrics.dialogues.cells import read_cells
from imug_metrics.dialogues.checks import Check
from imug_metrics.dialogues.columns import Column
from imug_metrics.dialogues.holders import first_entry, holds_entries, is_absent, opened, place_of, shown
from imug_metrics.dialogues.padding import are_blank, open_end
from imug_metrics.errors import InputError
from imug_metrics.media.images import ImageRegion, load_image
from imug_metrics.media.masks import load_mask

_TOLERANCE = 1e-3  # resized images overshoot [0, 1] by rounding errors
_KINDS = (Tensor, np.ndarray, Image.Image, ImageRegion, str, os.PathLike, bytes, type(None))
# What the readers of single ones begin their errors with, in place of the name of the argument.
_BEGINNING = re.compile("^Expected (argument `images`|a region|a region's mask) ")
_JPEG = (".jpg", ".jpeg", ".jpe", ".jfif")


@dataclass(frozen=True)
class ImageRows:
    """Images or masks of an update.

    Attributes:
        column: `[N]`, 1 where a record has one and NaN where not: what is packed.
        rows: `[N, 3, H, W]`, of masks `[N, H, W]`, of any dtype; or a list of N single ones of any kind.
        read: from a single one and its number to a tensor without the first dimension.
    """

    column: Column
    rows: Tensor | list[Any]
    read: Callable[[Any, int], Tensor]

    def load(self, row: int) -> Tensor:
        """The image or mask of a row that has one.

        Raises:
            InputError: if it cannot be read.
        """
        try:
            return self.read(self.rows[row], row)
        except (TypeError, ValueError) as error:
            raise self._error(str(error), row) from error

    def jpegs(self) -> int:
        """How many are files or images that were stored with loss as JPEG."""
        return 0 if isinstance(self.rows, Tensor) else sum(map(_is_jpeg, self.rows))

    def _error(self, message: str, row: int) -> InputError:
        """What a single one was refused for, as said of the argument."""
        told, _, rest = _BEGINNING.sub("", message).partition(f" at row {row}")
        expected, _, got = told.partition(", got ")
        got = f"{got or shown(self.rows[row])}{rest}".removesuffix(".")
        return InputError(self.column.argument or "images", expected, got, place_of(row, self.column.shape))


def image_rows(argument: str, images: Any) -> ImageRows:
    """Images as rows.

    Args:
        argument: its name, for errors.
        images: `[N, 3, H, W]` or `[B, T, 3, H, W]` (or channels last), uint8 or floating in [0, 1], where an image with
            a pixel that is NaN is absent; or a list or one list a dialogue of single images, see
            `imug_metrics.media.images`, None for an absent one.

    Raises:
        InputError: if they are anything else.

    Example:
        >>> image_rows("images", torch.zeros(2, 3, 8, 8)).column.values
        tensor([1., 1.], dtype=torch.float64)
    """
    given = opened(argument, images)
    if isinstance(given, list):
        return _listed(argument, given, 3, load_image)
    shape = list(given.shape)
    if len(shape) in (4, 5) and shape[-3] != 3 and shape[-1] == 3:
        given = given.movedim(-1, -3)
    if given.ndim not in (4, 5) or given.shape[-3] != 3 or 0 in given.shape[-2:]:
        raise InputError(argument, "to be images [N, 3, H, W] or [B, T, 3, H, W]", shape)
    if given.dtype != torch.uint8 and not given.is_floating_point():
        raise InputError(argument, "to be uint8 or floating point", str(given.dtype).removeprefix("torch."))
    return _of_tensor(argument, given, 3, load_image)


def mask_rows(argument: str, masks: Any) -> ImageRows:
    """Masks as rows.

    Args:
        argument: its name, for errors.
        masks: `[N, H, W]` or `[B, T, H, W]`, bool, integers (above 0 is inside) or floating in [0, 1], where a mask
            with a pixel that is NaN is absent; or a list or one list a dialogue of single masks, see
            `imug_metrics.media.masks`, None for an absent one.

    Raises:
        InputError: if they are anything else.

    Example:
        >>> mask_rows("editable", [torch.ones(2, 3), None]).column.values
        tensor([1., nan], dtype=torch.float64)
    """
    given = opened(argument, masks)
    if isinstance(given, list):
        return _listed(argument, given, 2, load_mask)
    if given.ndim not in (3, 4) or 0 in given.shape[-2:]:
        raise InputError(argument, "to be masks [N, H, W] or [B, T, H, W]", list(given.shape))
    if given.is_complex():
        raise InputError(argument, "to be boolean or real numbers", str(given.dtype).removeprefix("torch."))
    return _of_tensor(argument, given, 2, load_mask)


def as_levels(images: Tensor) -> Tensor:
    """Images `[N, 3, H, W]` of any accepted dtype as float32 in [0, 1]; 0 where they are NaN.

    Example:
        >>> as_levels(torch.tensor([0, 255], dtype=torch.uint8))
        tensor([0., 1.])
    """
    if images.dtype == torch.uint8:
        return images.float() / 255
    return images.float().clamp(0, 1).nan_to_num(0)


def _of_tensor(argument: str, given: Tensor, inner: int, read: Callable[..., Tensor]) -> ImageRows:
    shape = tuple(given.shape[:-inner])
    rows = given.flatten(0, 1) if len(shape) == 2 else given
    low, high = _ends(rows)
    column = Column((high - low).double() * 0 + 1, shape, argument=argument)
    if len(shape) == 2:
        column = column._replace(open_end=partial(open_end, argument, given, _are_empty))
    if rows.is_floating_point():
        wrong = (low < -_TOLERANCE) | (high > 1 + _TOLERANCE)
        column = column._replace(checks=(Check(wrong, partial(_range_error, argument, shape, low, high)),))
    return ImageRows(column, rows, partial(_read, read))


def _ends(rows: Tensor) -> tuple[Tensor, Tensor]:
    """The lowest and the highest value `[N]` of each, NaN where one is; infinite ones too, once multiplied by 0."""
    flat = rows.detach().flatten(1)
    if not rows.is_floating_point():
        ones = flat.new_ones(len(flat), dtype=torch.float64)
        return ones, ones
    if not len(flat):
        return flat.new_zeros(0), flat.new_zeros(0)
    return flat.amin(1), flat.amax(1)


def _range_error(argument: str, shape: tuple[int, ...], low: Tensor, high: Tensor, row: int) -> InputError:
    got = f"values from {float(low[row]):g} to {float(high[row]):g}"
    return InputError(argument, "to lie in [0, 1] where it is floating point", got, place_of(row, shape))


def _are_empty(cells: Tensor) -> Tensor:
    """Whether they are what padding is made of."""
    return are_blank(cells) | (cells != cells).flatten(1).any(1)


def _listed(argument: str, given: list[Any], inner: int, read: Callable[..., Tensor]) -> ImageRows:
    cells = read_cells(argument, [_opened_entry(argument, entry, inner) for entry in given], arrays=False)
    items = [None if _is_unknown(item) else item for item in cells.entries]
    for row, item in enumerate(items):
        if not isinstance(item, _KINDS):
            told = "to hold tensors, arrays, PIL images, paths or contents of files"
            raise InputError(argument, told, shown(item), place_of(row, cells.shape))
    there = torch.tensor([torch.nan if item is None else 1.0 for item in items], dtype=torch.float64)
    return ImageRows(Column(there, cells.shape, None, cells.ends, argument=argument), items, partial(_read, read))


def _read(read: Callable[..., Tensor], item: Any, row: int) -> Tensor:
    return read(item, row=row)


def _opened_entry(argument: str, entry: Any, inner: int) -> Any:
    """A single image, numbers in lists as a tensor; or a list of those of a dialogue."""
    if isinstance(entry, (str, bytes, os.PathLike, Image.Image)) or is_absent(entry) or not holds_entries(entry):
        return entry
    if isinstance(entry, np.ndarray) and entry.dtype.kind in "buif":
        return list(entry) if entry.ndim == inner + 1 else entry
    found = opened(argument, entry)
    if isinstance(found, Tensor):
        return list(found) if found.ndim == inner + 1 else found
    leaf, depth = first_entry(found)
    if depth == inner and isinstance(leaf, (bool, int, float)):
        return read_array(argument, [found], REALS, inner=inner, filler=torch.nan).values[0]
    return [_opened_entry(argument, part, inner) for part in found]


def _is_unknown(item: Any) -> bool:
    """Whether nothing is there: None, no numbers at all, or one that is NaN."""
    if isinstance(item, list):
        return not item
    if isinstance(item, np.ndarray) and item.dtype.kind == "f":
        return bool(np.isnan(item).any())
    return item is None or (isinstance(item, Tensor) and item.is_floating_point() and bool(item.isnan().any()))


def _is_jpeg(item: Any) -> bool:
    if isinstance(item, (str, os.PathLike)):
        return os.fspath(item).lower().endswith(_JPEG)
    return getattr(item, "format", None) in ("JPEG", "MPO")
