# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Several numbers a record: of candidates, or of strategies."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from imug_metrics._constants import constant
from imug_metrics.dialogues.arguments import Candidates
from imug_metrics.dialogues.checks import Check
from imug_metrics.dialogues.inputs import Column, as_numbers


def as_candidates(argument: str, values: Candidates, like: Tensor | None = None) -> Tensor:
    """Numbers of candidates as a floating-point tensor.

    Args:
        argument: its name, for errors.
        values: `[N, n]` or `[B, T, n]`.
        like: a tensor whose shape they must have; they are put on its device.

    Raises:
        ValueError: if there is no dimension of candidates, or the shape is another.

    Example:
        >>> scores = as_candidates("scores", [[0.5, 1], [0, 1]])
        >>> as_candidates("selector", [[0.5, 1]], like=scores)
        Traceback (most recent call last):
        ValueError: Expected argument `selector` to have shape [2, 2], got [1, 2].
    """
    numbers = as_numbers(argument, values)
    numbers = numbers if numbers.is_floating_point() else numbers.double()
    if like is None:
        if numbers.ndim < 2:
            raise ValueError(
                f"Expected argument `{argument}` to have shape [N, n] or [B, T, n], got {[*numbers.shape]}."
            )
        return numbers
    if numbers.shape != like.shape:
        raise ValueError(f"Expected argument `{argument}` to have shape {[*like.shape]}, got {[*numbers.shape]}.")
    return numbers.to(like.device)


def absent_candidates(scores: Tensor, selector: Tensor | None = None, valid: Tensor | None = None) -> Tensor:
    """True where a candidate is not there: its score is not finite, its selector's NaN, or it is not valid.

    Example:
        >>> absent_candidates(torch.tensor([[0.5, torch.inf, 0.2]]), torch.tensor([[-torch.inf, 0.1, torch.nan]]))
        tensor([[False,  True,  True]])
    """
    absent = scores * 0 != 0
    if selector is not None:
        absent = absent | (selector != selector)
    return absent if valid is None else absent | ~valid


def range_check(argument: str, scores: Tensor, outside: Tensor, low: float, high: float) -> Check:
    """The check that the scores of all candidates have a bin, for the column of records.

    Args:
        argument: its name.
        scores: `[N, n]` or `[B, T, n]`.
        outside: bool of that shape, where the score of a candidate that is there has none.
        low, high: ends of the range of the bins.
    """

    def message(place: int) -> str:
        cell = [int(at) for at in np.unravel_index(place, tuple(scores.shape))]
        return (
            f"Expected argument `{argument}` to lie in {low:g} to {high:g}, the range of the bins, got "
            f"{float(scores[tuple(cell)]):g} in cell {cell}: set `low` and `high` to the range of the scores, as for "
            "logits, or use the function `verifier_curve`, which has no bins."
        )

    return Check(outside.flatten(0, -2), message)


def record_columns(absent: Tensor | None = None, /, **columns: Tensor) -> dict[str, Column]:
    """Columns of candidates for `pack_inputs`, behind one that says which records are there.

    Args:
        absent: bool `[..., n]`, where a candidate is not there; it becomes NaN in all columns. None: where the first
            column is NaN.
        columns: by name, `[..., n]`. A record without any candidate counts as absent.

    Example:
        >>> {name: column.values for name, column in record_columns(scores=torch.tensor([[[0.5, torch.nan]]])).items()}
        {'present': tensor([0.], dtype=torch.float64), 'scores': tensor([[0.5000,    nan]])}
    """
    first = next(iter(columns.values()))
    shape = tuple(first.shape[:-1])
    if absent is None:
        absent = first != first
    else:
        columns = {name: values.masked_fill(absent, torch.nan) for name, values in columns.items()}
    rows = {name: values.flatten(0, -2) for name, values in columns.items()}
    empty = absent.all(-1).flatten()
    present = constant(_zeros, empty.shape[0], like=first).masked_fill(empty, torch.nan)
    return {"present": Column(present, shape)} | {name: Column(values, shape) for name, values in rows.items()}


def _zeros(count: int, device: torch.device) -> Tensor:
    return torch.zeros(count, dtype=torch.float64, device=device)
