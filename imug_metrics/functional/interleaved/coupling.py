# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Two judged scores of an interleaved answer coupled into one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor

from imug_metrics.dialogues.arguments import Numbers
from imug_metrics.dialogues.checks import Check, look
from imug_metrics.dialogues.columns import Column, check_shapes, score_column
from imug_metrics.dialogues.holders import place_of
from imug_metrics.errors import InputError

Scale = Literal["share", "grade", "grade/5"]
SCALES: tuple[Scale, ...] = ("share", "grade", "grade/5")


def combine(first: Tensor, second: Tensor, eta: float, *, product: bool) -> Tensor:
    """`first * (eta + (1 - eta) * second)`, or without `product` `eta * first + (1 - eta) * second`.

    Args:
        first, second: of one shape.
        eta: in [0, 1].
        product: which of the two.

    Example:
        >>> combine(torch.tensor([0.5]), torch.tensor([1.0]), 0.8, product=False)
        tensor([0.6000])
    """
    return first * (eta + (1 - eta) * second) if product else eta * first + (1 - eta) * second


def graded(scales: Sequence[Scale], **values: Numbers) -> list[Tensor]:
    """Scores of the same records on their scales as shares in [0, 1], float64.

    Args:
        scales: one an argument, see `semantic_quality`.
        values: by argument, `[N]` or `[B, T]`.

    Raises:
        ValueError: if a scale is unknown.
        InputError: if shapes differ, or a value is outside its scale.

    Example:
        >>> graded(["grade", "grade/5"], style=[1, 3, 5], holistic=[1, 3, 5])
        [tensor([0.0000, 0.5000, 1.0000], dtype=torch.float64), tensor([0.2000, 0.6000, 1.0000], dtype=torch.float64)]
    """
    columns = {name: graded_column(name, given, scale) for (name, given), scale in zip(values.items(), scales)}
    check_shapes(**columns)
    every = [*columns.values()]
    look([check for column in every for check in column.checks], like=every[0].values)
    return [column.values.nan_to_num(torch.nan, torch.nan, torch.nan).view(column.shape) for column in every]


def graded_column(argument: str, values: Numbers, scale: Scale) -> Column:
    """The same as rows, with the check that they lie in the scale.

    Raises:
        ValueError: if the scale is unknown.
    """
    check_scale(scale)
    rows = score_column(argument, values)
    low, high = (0, 1) if scale == "share" else (1, 5)

    def error(cell: int) -> InputError:
        got = f"{float(rows.values[cell]):g}"
        return InputError(argument, f"to lie between {low} and {high}", got, place_of(cell, rows.shape))

    check = Check((rows.values < low) | (rows.values > high), error)
    shares = rows.values
    if scale != "share":
        shares = (shares - 1) / 4 if scale == "grade" else shares / 5
    return rows._replace(values=shares, checks=(check,))


def check_scale(scale: Scale) -> Scale:
    """The scale itself.

    Raises:
        ValueError: if it is unknown.

    Example:
        >>> check_scale("percent")
        Traceback (most recent call last):
        ValueError: Expected argument `scale` to be one of ('share', 'grade', 'grade/5'), got 'percent'.
    """
    if scale not in SCALES:
        raise ValueError(f"Expected argument `scale` to be one of {SCALES}, got {scale!r}.")
    return scale


def check_eta(eta: float) -> float:
    """The weight itself.

    Raises:
        ValueError: if it is not in [0, 1].

    Example:
        >>> check_eta(1.2)
        Traceback (most recent call last):
        ValueError: Expected argument `eta` to lie between 0 and 1, got 1.2.
    """
    if not 0 <= eta <= 1:
        raise ValueError(f"Expected argument `eta` to lie between 0 and 1, got {eta}.")
    return eta
