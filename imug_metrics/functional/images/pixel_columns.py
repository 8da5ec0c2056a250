# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Small versions of images as arguments of an update."""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import partial
from typing import Any

import torch

from imug_metrics.dialogues.checks import Check
from imug_metrics.dialogues.columns import Column, embedding_column
from imug_metrics.dialogues.holders import place_of
from imug_metrics.dialogues.padding import are_zero_or_nan, open_end
from imug_metrics.errors import InputError

_SQUARE = "to be square images in colour, [N, 3 * S * S] or [B, T, 3 * S * S]"

_ROUNDING = 1e-6  # an image that was resized may end up this far beyond 1


def pixel_column(argument: str, pixels: Any) -> Column:
    """Small images as rows, with the check that they lie in [0, 1].

    Raises:
        InputError: if they are no numbers `[N, 3 * S * S]` or `[B, T, 3 * S * S]`.

    Example:
        >>> pixel_column("pixels", torch.zeros(2, 3 * 4 * 4)).values.shape
        torch.Size([2, 48])
    """
    column = embedding_column(argument, pixels)
    width = column.values.shape[1]
    if column.width and width != 3 * math.isqrt(width // 3) ** 2:
        raise InputError(argument, _SQUARE, f"{width} numbers")
    outside = (column.values < -_ROUNDING) | (column.values > 1 + _ROUNDING)
    wrong = outside.any(1)

    def error(row: int) -> InputError:
        got = f"{float(column.values[row][outside[row]][0]):g}"
        return InputError(argument, "to lie in [0, 1] (divide bytes by 255)", got, place_of(row, column.shape))

    return column._replace(width=None, open_end=None, checks=(Check(wrong, error),))


def of_one_size(columns: Mapping[str, Column]) -> dict[str, Column]:
    """Columns of small images, of which those without a single image get the size of the others.

    Raises:
        InputError: if there are several sizes.

    Example:
        >>> rows = {"pixels": torch.zeros(2, 48), "shown_pixels": torch.zeros(2, 12)}
        >>> of_one_size({name: pixel_column(name, values) for name, values in rows.items()})
        Traceback (most recent call last):
        imug_metrics.errors.InputError: Expected argument `shown_pixels` to be as large as `pixels`, 48 numbers, got
        12.
    """
    widths = {name: column.values.shape[1] for name, column in columns.items() if column.values.shape[1] > 1}
    first = next(iter(widths), None)
    for name, width in widths.items():
        if first is not None and width != widths[first]:
            raise InputError(name, f"to be as large as `{first}`, {widths[first]} numbers", width)
    width = 3 if first is None else widths[first]
    return {
        name: column
        if name in widths
        else column._replace(values=column.values.new_full((len(column.values), width), torch.nan))
        for name, column in columns.items()
    }


def presence_column(argument: str, pixels: Column) -> Column:
    """A column that has a direction where there are pixels: a black image is one, though all its pixels are 0."""
    there = pixels.values.isfinite().all(1, keepdim=True)
    rows = torch.ones_like(pixels.values[:, :1]).where(there, torch.nan)
    padded = len(pixels.shape) == 2 and pixels.ends is None
    check = partial(open_end, argument, rows.view(*pixels.shape, 1), are_zero_or_nan) if padded else None
    return Column(rows, pixels.shape, pixels.present, pixels.ends, open_end=check, argument=argument)
