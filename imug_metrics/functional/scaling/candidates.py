# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Several numbers a record: of candidates, or of strategies."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial

import numpy as np
import torch
from torch import Tensor

from imug_metrics._constants import constant
from imug_metrics.dialogues.arguments import Candidates
from imug_metrics.dialogues.arrays import REALS, Array, read_array
from imug_metrics.dialogues.checks import Check
from imug_metrics.dialogues.columns import Column
from imug_metrics.dialogues.padding import open_end
from imug_metrics.errors import InputError


def as_candidates(argument: str, values: Candidates, like: Tensor | None = None) -> Tensor:
    """Numbers of candidates as a floating-point tensor, as `read_candidates` reads them.

    Example:
        >>> scores = as_candidates("scores", [[0.5, 1], [0, 1]])
        >>> as_candidates("selector", [[0.5, 1]], like=scores)
        Traceback (most recent call last):
        imug_metrics.errors.InputError: Expected argument `selector` to have the shape of `scores`, [2, 2],
        got [1, 2].
    """
    return read_candidates(argument, values, like).values


def read_candidates(argument: str, values: Candidates, like: Tensor | None = None) -> Array:
    """Numbers of candidates as a floating-point tensor, and where dialogues end.

    Args:
        argument: its name, for errors.
        values: `[N, n]` or `[B, T, n]`; in lists n may differ, and so may T, and None stands for a record without any.
        like: the scores, whose shape they must have; they are put on its device.

    Raises:
        InputError: if there is no dimension of candidates, or the shape is another, or entries are no numbers.

    Example:
        >>> read_candidates("scores", [[[0.5, 1], [1]], [[0]]]).ends
        (2, 1)
    """
    numbers, ends = read_array(argument, values, REALS, inner=1, filler=torch.nan)
    numbers = numbers if numbers.is_floating_point() else numbers.double()
    if like is not None and numbers.shape != like.shape:
        raise InputError(argument, f"to have the shape of `scores`, {[*like.shape]}", [*numbers.shape])
    if numbers.ndim not in (2, 3):
        raise InputError(argument, "to have shape [N, n] or [B, T, n]", [*numbers.shape])
    return Array(numbers if like is None else numbers.to(like.device), ends)


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


def cost_check(costs: Tensor) -> Check:
    """The check that costs `[..., n]` are at least 0, where they are known."""

    def error(place: int) -> InputError:
        got = f"{float(costs.flatten()[place]):g}"
        return InputError("costs", "to be at least 0", got, cell_of(place, costs.shape))

    return Check(costs < 0, error)


def range_check(argument: str, scores: Tensor, outside: Tensor, low: float, high: float) -> Check:
    """The check that the scores of all candidates have a bin, for the column of records.

    Args:
        argument: its name.
        scores: `[N, n]` or `[B, T, n]`.
        outside: bool of that shape, where the score of a candidate that is there has none.
        low, high: ends of the range of the bins.
    """

    def error(place: int) -> InputError:
        cell = cell_of(place, scores.shape)
        expected = (
            f"to lie in {low:g} to {high:g}, the range of the bins (set `low` and `high` to the range of the scores, "
            "as for logits, or use the function `verifier_curve`, which has no bins)"
        )
        return InputError(argument, expected, f"{float(scores[tuple(cell)]):g}", cell)

    return Check(outside.flatten(0, -2), error)


def cell_of(place: int, shape: Sequence[int]) -> list[int]:
    """A candidate as the user counts it: record (or line and column) and candidate, from its place among all.

    Example:
        >>> cell_of(5, (2, 3))
        [1, 2]
    """
    return [int(at) for at in np.unravel_index(place, tuple(shape))]


def record_columns(
    absent: Tensor | None = None, /, *, given: Mapping[str, Array] | None = None, **columns: Tensor
) -> dict[str, Column]:
    """Columns of candidates for `pack_inputs`, behind one that says which records are there.

    Args:
        absent: bool `[..., n]`, where a candidate is not there; it becomes NaN in all columns. None: where the first
            column is NaN.
        given: arguments as they were read, the outputs first: they say where dialogues end, or leave it open.
        columns: by name, `[..., n]`. A record without any candidate counts as absent.

    Example:
        >>> {name: column.values for name, column in record_columns(scores=torch.tensor([[[0.5, torch.nan]]])).items()}
        {'present': tensor([0.], dtype=torch.float64), 'scores': tensor([[0.5000,    nan]])}
    """
    first = next(iter(columns.values()))
    shape, given = tuple(first.shape[:-1]), given or {}
    if absent is None:
        absent = first != first
    else:
        columns = {name: values.masked_fill(absent, torch.nan) for name, values in columns.items()}
    rows = {name: values.flatten(0, -2) for name, values in columns.items()}
    ends = {name: given[name].ends for name in rows if name in given}
    empty = absent.all(-1).flatten()
    there = constant(_zeros, empty.shape[0], like=first).masked_fill(empty, torch.nan)
    outputs = next(iter(given or columns))
    check = candidates_open_end(outputs, given[outputs]) if given else None
    present = Column(there, shape, open_end=check, argument=outputs)
    return {"present": present} | {name: Column(values, shape, ends=ends.get(name)) for name, values in rows.items()}


def candidates_open_end(argument: str, given: Array) -> Callable[[], Check] | None:
    """What a column of records needs for the check that no line ends without any candidate; None: lines have an end."""
    padded = given.ends is None and given.values.ndim == 3
    return partial(open_end, argument, given.values, _is_nan) if padded else None


def _is_nan(cells: Tensor) -> Tensor:
    return (cells != cells).all(-1)


def _zeros(count: int, device: torch.device) -> Tensor:
    return torch.zeros(count, dtype=torch.float64, device=device)
