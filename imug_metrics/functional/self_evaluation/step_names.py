# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Names of steps by record, in lists: those of a trace, or those that a check names."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor

from imug_metrics.dialogues.columns import Column
from imug_metrics.dialogues.holders import holds_entries, is_absent, is_integer, opened, place_of, shown, unwrapped
from imug_metrics.errors import InputError

StepNames = Tensor | Sequence[Any]
"""Names of steps, texts or whole numbers: N lists of any length, or one list of these a dialogue; None where absent."""

_NAMES = "to hold names of steps, texts or whole numbers, in a list a record, or None"


class Rows(NamedTuple):
    """Names of steps by record.

    Attributes:
        names: by cell; None where a record has none to give.
        shape: `(N,)` for flat records, `(B, T)` for padded ones.
        ends: for one list a dialogue, the number of records of each; None: not known.
    """

    names: list[tuple[Any, ...] | None]
    shape: tuple[int, ...]
    ends: tuple[int, ...] | None = None

    def column(self, argument: str, values: Sequence[float]) -> Column:
        """One number a record as a column of an argument."""
        present = None
        if None in self.names:
            present = torch.tensor([names is not None for names in self.names]).view(self.shape)
        return Column(torch.tensor(values, dtype=torch.float64), self.shape, present, self.ends, argument=argument)


def read_step_names(argument: str, values: Any) -> Rows:
    """Names of steps of any form as rows.

    Args:
        argument: its name, for errors.
        values: one name or a list of names a record, and None, or NaN, for an absent one; or one list of such lists a
            dialogue. A tensor or an array is a list of lists.

    Raises:
        InputError: if it holds anything else, or texts and numbers together, of which none would equal another.

    Example:
        >>> read_step_names("preds", [["task", "inference"], "task", [], None]).names
        [('task', 'inference'), ('task',), (), None]
        >>> read_step_names("preds", [[["task"], None], [[]]]).ends
        (2, 1)
    """
    rows = [_opened(argument, entry) for entry in _listed(opened(argument, values))]
    shape: tuple[int, ...] = (len(rows),)
    ends = None
    if any(isinstance(row, list) and any(holds_entries(entry) for entry in row) for row in rows):
        for line, row in enumerate(rows):
            if not isinstance(row, list):
                raise InputError(argument, "to hold one list of records a dialogue", shown(row), line)
        ends = tuple(map(len, rows))
        shape = len(rows), max(ends)
        rows = [_opened(argument, entry) for row in rows for entry in [*row, *[None] * (shape[1] - len(row))]]
    names = [_names(argument, row, place_of(cell, shape)) for cell, row in enumerate(rows)]
    _check_kinds(argument, names, shape)
    return Rows(names, shape, ends)


def check_same_kind(**columns: Rows) -> None:
    """Raise InputError if one argument names steps by texts and another by numbers: none would equal another.

    Example:
        >>> check_same_kind(preds=read_step_names("preds", ["task"]), target=read_step_names("target", [1]))
        Traceback (most recent call last):
        imug_metrics.errors.InputError: Expected argument `target` to name steps by texts as `preds` does, got 1.
    """
    (first, rows), *others = columns.items()
    kind = _kind(rows)
    for argument, other in others:
        if kind is not None and _kind(other) not in (None, kind):
            by = "texts" if kind is str else "numbers"
            raise InputError(argument, f"to name steps by {by} as `{first}` does", shown(_first(other)))


def _listed(values: Tensor | list[Any]) -> list[Any]:
    return values if isinstance(values, list) else list(values.tolist())


def _opened(argument: str, entry: Any) -> Any:
    """An entry that holds others as a list, any other as Python has it, None for what is absent."""
    if holds_entries(entry):
        return _listed(opened(argument, entry))
    entry = unwrapped(entry)
    return None if is_absent(entry) or (isinstance(entry, float) and entry != entry) else entry


def _names(argument: str, row: Any, place: int | list[int]) -> tuple[Any, ...] | None:
    if row is None:
        return None
    names = tuple(map(unwrapped, row)) if isinstance(row, list) else (row,)
    for name in names:
        if not isinstance(name, str) and not is_integer(name):
            raise InputError(argument, _NAMES, shown(name), place)
    return names


def _check_kinds(argument: str, names: Sequence[tuple[Any, ...] | None], shape: tuple[int, ...]) -> None:
    kind: type | None = None
    for cell, row in enumerate(names):
        for name in row or ():
            found = str if isinstance(name, str) else int
            if kind not in (None, found):
                raise InputError(
                    argument, "to name steps by texts or by numbers, not both", shown(name), place_of(cell, shape)
                )
            kind = found


def _first(rows: Rows) -> Any:
    return next((name for row in rows.names for name in row or ()), None)


def _kind(rows: Rows) -> type | None:
    first = _first(rows)
    return None if first is None else str if isinstance(first, str) else int
