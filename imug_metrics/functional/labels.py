# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Labels given as tensors or lists (verdicts, answers, stances) as rows that can be compared."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch
from torch import Tensor

from imug_metrics.dialogues.alignment import check_ends
from imug_metrics.dialogues.arguments import Labels
from imug_metrics.dialogues.checks import Check
from imug_metrics.dialogues.columns import Column, check_shapes, flatten_lists, score_column
from imug_metrics.dialogues.holders import opened, place_of, shown
from imug_metrics.errors import InputError


def label_columns(**columns: Labels) -> dict[str, Column]:
    """Labels of the same records as numbers that are equal where the labels are.

    Args:
        columns: by argument, labels `[N]` or `[B, T]`: tensors of numbers, or lists of integers or strings (one list,
            or one a dialogue). NaN and None stand for absent ones.

    Returns:
        Rows of float64 by argument, NaN where absent.

    Raises:
        InputError: if there is another number of dimensions, or labels are neither all numbers nor all texts: of
            different kinds none equals another, however alike they look.

    Example:
        >>> rows = label_columns(preds=["cat", None], target=["cat", "dog"])
        >>> rows["preds"].values, rows["target"].values
        (tensor([0., nan], dtype=torch.float64), tensor([0., 1.], dtype=torch.float64))
    """
    given = {name: opened(name, labels) for name, labels in columns.items()}
    if all(isinstance(labels, Tensor) for labels in given.values()):
        return {name: score_column(name, labels) for name, labels in given.items()}
    cells = {name: flatten_lists(name, labels) for name, labels in given.items()}
    _check_kinds({name: (found[0], found[1]) for name, found in cells.items()})
    codes: dict[Any, float] = {}
    return {name: _coded(*found, codes) for name, found in cells.items()}


def binary_column(argument: str, labels: Labels) -> Column:
    """Labels 1 and 0 as rows.

    Args:
        argument: its name, for errors.
        labels: `[N]` or `[B, T]`, booleans or numbers, a tensor or lists; NaN and None stand for absent ones.

    Returns:
        Rows of float64, NaN where absent, with the check that a label is 1 or 0.

    Raises:
        InputError: if there is another number of dimensions, or a label is no number.

    Example:
        >>> binary_column("preds", [True, None]).values
        tensor([1., nan], dtype=torch.float64)
    """
    try:
        rows = score_column(argument, labels)
    except InputError as error:
        raise InputError(argument, "to hold 1 and 0", error.got, error.row) from None

    def error_at(cell: int) -> InputError:
        return InputError(argument, "to hold 1 and 0", f"{float(rows.values[cell]):g}", place_of(cell, rows.shape))

    wrong = (rows.values * (rows.values - 1)).abs() > 0  # False for NaN
    return rows._replace(checks=(Check(wrong, error_at),))


def right_column(preds: Labels, target: Labels | None) -> Column:
    """1 where a label agrees with its target, 0 where it does not, NaN where either is absent.

    Args:
        preds: labels as in `label_columns`, or 1 and 0 without a target.
        target: labels of the same form; None: `preds` say already what is right.

    Raises:
        InputError: if shapes differ. Whether labels without a target are 1 and 0 is checked with the turns.

    Example:
        >>> right_column(["A", "B"], ["A", "C"]).values
        tensor([1., 0.], dtype=torch.float64)
    """
    if target is None:
        return binary_column("preds", preds)
    rows = label_columns(preds=preds, target=target)
    check_shapes(**rows)
    check_ends(**{name: column.ends for name, column in rows.items() if column.ends is not None})
    return rows["preds"]._replace(values=agreement(rows["preds"].values, rows["target"].values))


def agreement(first: Tensor, second: Tensor) -> Tensor:
    """1 where two rows of labels `[N]` are equal, 0 where not, NaN where either is absent.

    Example:
        >>> agreement(torch.tensor([1.0, 2.0, torch.nan]), torch.ones(3))
        tensor([1., 0., nan], dtype=torch.float64)
    """
    difference = first - second
    return (difference == 0).double().masked_fill(difference * 0 != 0, torch.nan)


def _check_kinds(columns: dict[str, tuple[list[Any], tuple[int, ...]]]) -> None:
    """Raise InputError unless all labels are numbers (or booleans), or all are texts."""
    first = ""
    for name, (cells, shape) in columns.items():
        for cell, label in enumerate(cells):
            if label is None or label != label:
                continue
            if not isinstance(label, (str, int, float, np.generic)):
                raise InputError(name, "to hold numbers, booleans or texts", shown(label), place_of(cell, shape))
            kind = "texts" if isinstance(label, str) else "numbers"
            if kind != (first or kind):
                expected = f"to hold {first}, as " + " and ".join(f"`{other}`" for other in columns if other != name)
                raise InputError(name, expected, shown(label), place_of(cell, shape))
            first = kind


def _coded(
    cells: list[Any],
    shape: tuple[int, ...],
    present: Tensor | None,
    ends: tuple[int, ...] | None,
    codes: dict[Any, float],
) -> Column:
    known = [label is not None and not (isinstance(label, float) and not math.isfinite(label)) for label in cells]
    numbers = [codes.setdefault(c, float(len(codes))) if there else torch.nan for c, there in zip(cells, known)]
    return Column(torch.tensor(numbers, dtype=torch.float64), shape, present, ends)
