# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Labels given as tensors or lists (verdicts, answers, stances) as rows that can be compared."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from imug_metrics.dialogues.arguments import Labels
from imug_metrics.dialogues.arrays import opened, shown
from imug_metrics.dialogues.checks import Check
from imug_metrics.dialogues.inputs import Column, check_shapes, flatten_lists, place_of, score_column
from imug_metrics.errors import InputError


def label_columns(**columns: Labels) -> dict[str, Column]:
    """Labels of the same records as numbers that are equal where the labels are.

    Args:
        columns: by argument, labels `[N]` or `[B, T]`: tensors of numbers, or lists of integers or strings (one list,
            or one a dialogue). NaN and None stand for absent ones.

    Returns:
        Rows of float64 by argument, NaN where absent.

    Raises:
        InputError: if there is another number of dimensions, or a label is neither a number nor a text.

    Example:
        >>> rows = label_columns(preds=["cat", None], target=["cat", "dog"])
        >>> rows["preds"].values, rows["target"].values
        (tensor([0., nan], dtype=torch.float64), tensor([0., 1.], dtype=torch.float64))
    """
    given = {name: opened(name, labels) for name, labels in columns.items()}
    if all(isinstance(labels, Tensor) for labels in given.values()):
        return {name: score_column(name, labels) for name, labels in given.items()}
    codes: dict[Any, float] = {}
    return {name: _coded(name, labels, codes) for name, labels in given.items()}


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
    return rows["preds"]._replace(values=agreement(rows["preds"].values, rows["target"].values))


def agreement(first: Tensor, second: Tensor) -> Tensor:
    """1 where two rows of labels `[N]` are equal, 0 where not, NaN where either is absent.

    Example:
        >>> agreement(torch.tensor([1.0, 2.0, torch.nan]), torch.ones(3))
        tensor([1., 0., nan], dtype=torch.float64)
    """
    difference = first - second
    return (difference == 0).double().masked_fill(difference * 0 != 0, torch.nan)


def _coded(argument: str, labels: Any, codes: dict[Any, float]) -> Column:
    cells, shape, present, ends = flatten_lists(argument, labels)
    numbers = []
    for cell, label in enumerate(cells):
        if label is not None and not isinstance(label, (str, int, float, np.generic)):
            raise InputError(argument, "to hold numbers, booleans or texts", shown(label), place_of(cell, shape))
        known = label is not None and label == label
        numbers.append(codes.setdefault(label, float(len(codes))) if known else torch.nan)
    return Column(torch.tensor(numbers, dtype=torch.float64), shape, present, ends)
