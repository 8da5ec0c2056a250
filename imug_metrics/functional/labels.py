# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Labels given as tensors or lists (verdicts, answers, stances) as rows that can be compared."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from imug_metrics.dialogues.arguments import Labels
from imug_metrics.dialogues.checks import Check
from imug_metrics.dialogues.inputs import Column, check_shapes, flatten_lists, place_of, score_column


def label_columns(**columns: Labels) -> dict[str, Column]:
    """Labels of the same records as numbers that are equal where the labels are.

    Args:
        columns: by argument, labels `[N]` or `[B, T]`: tensors of numbers, or lists of integers or strings (one list,
            or one a dialogue). NaN and None stand for absent ones.

    Returns:
        Rows of float64 by argument, NaN where absent.

    Raises:
        ValueError: if a tensor has another number of dimensions.

    Example:
        >>> rows = label_columns(preds=["cat", None], target=["cat", "dog"])
        >>> rows["preds"].values, rows["target"].values
        (tensor([0., nan], dtype=torch.float64), tensor([0., 1.], dtype=torch.float64))
    """
    if not any(isinstance(labels, (list, tuple)) for labels in columns.values()):
        return {name: score_column(name, labels) for name, labels in columns.items()}
    codes: dict[Any, float] = {}
    return {name: _coded(labels, codes) for name, labels in columns.items()}


def binary_column(argument: str, labels: Labels) -> Column:
    """Labels 1 and 0 as rows.

    Args:
        argument: its name, for errors.
        labels: `[N]` or `[B, T]`, booleans or numbers, a tensor or lists; NaN and None stand for absent ones.

    Returns:
        Rows of float64, NaN where absent, with the check that a label is 1 or 0.

    Raises:
        ValueError: if a tensor has another number of dimensions.
        TypeError: if a label is a string.

    Example:
        >>> binary_column("preds", [True, None]).values
        tensor([1., nan], dtype=torch.float64)
    """
    if isinstance(labels, (list, tuple)):
        cells, shape, present, ends = flatten_lists(labels)
        for row, cell in enumerate(cells):
            if isinstance(cell, str):
                raise TypeError(f"Expected argument `{argument}` to hold 1 and 0, got {cell!r} at row {row}.")
        values = torch.tensor([torch.nan if cell is None else float(cell) for cell in cells], dtype=torch.float64)
        rows = Column(values, shape, present, ends)
    else:
        rows = score_column(argument, labels)

    def message(cell: int) -> str:
        got, row = float(rows.values[cell]), place_of(cell, rows.shape)
        return f"Expected argument `{argument}` to hold 1 and 0, got {got:g} at row {row}."

    wrong = (rows.values * (rows.values - 1)).abs() > 0  # False for NaN
    return rows._replace(checks=(Check(wrong, message),))


def right_column(preds: Labels, target: Labels | None) -> Column:
    """1 where a label agrees with its target, 0 where it does not, NaN where either is absent.

    Args:
        preds: labels as in `label_columns`, or 1 and 0 without a target.
        target: labels of the same form; None: `preds` say already what is right.

    Raises:
        ValueError: if shapes differ. Whether labels without a target are 1 and 0 is checked with the turns.

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


def _coded(labels: Labels, codes: dict[Any, float]) -> Column:
    cells, shape, present, ends = flatten_lists(labels.tolist() if hasattr(labels, "tolist") else labels)
    absent = [cell is None or cell != cell for cell in cells]
    numbers = [torch.nan if gone else codes.setdefault(cell, float(len(codes))) for cell, gone in zip(cells, absent)]
    return Column(torch.tensor(numbers, dtype=torch.float64), shape, present, ends)
