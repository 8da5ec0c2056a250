# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Whether padding was taken for data: padded records that end without a value, of which nobody says what it is."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from imug_metrics.dialogues.batch import on_cpu
from imug_metrics.dialogues.checks import Check
from imug_metrics.errors import InputError


def has_direction(rows: Tensor) -> Tensor:
    """True `[N]` where a row is finite and not zero."""
    largest = _largest(rows.detach().flatten(1))
    return torch.logical_and(largest > 0, largest < torch.inf)


def open_end(argument: str, values: Tensor, is_empty: Callable[[Tensor], Tensor]) -> Check:
    """The check that no line of padded records ends with a cell without a value, of which nobody says what it is.

    Args:
        argument: its name, for errors.
        values: `[B, T, ...]`.
        is_empty: from the last cells `[B, ...]` to bool `[B]`.
    """

    def error(line: int) -> InputError:
        cell = values[line, -1]
        got = "NaN" if bool(cell.isnan().any()) else "zeros"
        expected = (
            "to hold an output in the last cell of every line where nobody says which cells are padding (say so by "
            "`lengths`, or by `turn` with 0 there)"
        )
        return InputError(argument, expected, got, [line, values.shape[1] - 1])

    return Check(is_empty(values[:, -1]), error)


def are_nan(cells: Tensor) -> Tensor:
    """Whether scores are what padding is made of."""
    return cells != cells


def are_zero_or_nan(cells: Tensor) -> Tensor:
    """Whether embeddings are what padding is made of; what is infinite has only overflown."""
    return torch.logical_not(_largest(cells.detach()) > 0)


def _largest(rows: Tensor) -> Tensor:
    """The largest absolute value `[...]` of rows `[..., D]`, NaN where one is."""
    if not on_cpu(rows):
        largest: Tensor = torch.linalg.vector_norm(rows, torch.inf, dim=-1)
        return largest
    return rows.abs().amax(-1)  # which a CPU does in a twentieth of the time, though in two passes


def are_blank(images: Tensor) -> Tensor:
    """Whether images are of zeros alone, as padding is."""
    return (images == 0).flatten(1).all(1)  # `any` of uint8 is uint8, whose ~ is no negation
