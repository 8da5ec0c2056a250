# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Lists of objects, one a record, as numbers that are equal where the names mean one object."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import torch

from imug_metrics.dialogues.cells import read_entries
from imug_metrics.dialogues.columns import Column
from imug_metrics.dialogues.holders import holds_entries, place_of, shown
from imug_metrics.errors import InputError
from imug_metrics.reading.object_names import LONGEST_OBJECT, ObjectNames, check_object

Objects = Sequence[str] | None
ObjectLists = Sequence[Objects] | Sequence[Sequence[Objects]]
"""Names of objects, `[N]` lists of them or one list of these a dialogue; None where they are not known."""


class Mentions(NamedTuple):
    """The objects of all records, one behind the other.

    Attributes:
        column: float64, 0 where a record has a list, which may be empty, and NaN where it has none.
        cells: int64 `[M]`, the cell that each object stands in.
        codes: int64 `[M]`, what it is.
    """

    column: Column
    cells: np.ndarray
    codes: np.ndarray


def read_objects(argument: str, lists: Any, names: ObjectNames, codes: dict[str, int]) -> Mentions:
    """Lists of objects as numbers.

    Args:
        argument: its name, for errors.
        lists: by record, a list of names, an empty one, or None, `[N]` or one list of these a dialogue.
        names: what brings names to one form.
        codes: the numbers of names that were read before; those of others are added.

    Raises:
        InputError: if they are held in anything else, or a name is none, or `normalize` makes none of it.

    Example:
        >>> found = read_objects("preds", [["Dog", "ball"], None, ["dog"]], ObjectNames(), {})
        >>> found.cells, found.codes
        (array([0, 0, 2]), array([0, 1, 0]))
    """
    records, shape, ends = _cells(argument, lists)
    known: dict[Any, int] = {}  # by the name as it was written
    found: list[int] = []
    for cell, record in enumerate(records):
        try:
            found += [known[name] for name in record or ()]
        except (KeyError, TypeError):  # a name that is new, or what cannot be one
            for name in record:
                if not (isinstance(name, str) and name in known):
                    known[name] = _code(argument, name, place_of(cell, shape), names, codes)
                found.append(known[name])
    counts = [len(record or ()) for record in records]
    there = [0.0 if record is not None else torch.nan for record in records]
    column = Column(torch.tensor(there, dtype=torch.float64), shape, None, ends)
    return Mentions(column, np.arange(len(records)).repeat(np.array(counts, np.int64)), np.array(found, np.int64))


def _code(argument: str, name: Any, place: int | list[int], names: ObjectNames, codes: dict[str, int]) -> int:
    try:
        check_object(name)
    except ValueError:
        expected = f"to hold names of objects, text of 1 to {LONGEST_OBJECT} characters"
        raise InputError(argument, expected, shown(name), place) from None
    try:
        compared = names(name)
    except ValueError as error:
        expected = f"to make a name of every object in `{argument}`"
        raise InputError("normalize", expected, f"no name of {shown(name)}", place) from error
    return codes.setdefault(compared, len(codes))


def _cells(argument: str, lists: Any) -> tuple[list[Any], tuple[int, ...], tuple[int, ...] | None]:
    """The list of each cell, None where there is none; their shape; the number of turns of each dialogue."""
    lines = [_opened(argument, entry, row) for row, entry in enumerate(read_entries(argument, lists))]
    inner = (entry for line in lines if line is not None for entry in line)
    first = next((entry for entry in inner if entry is not None), None)
    if not (holds_entries(first) or (first is None and any(lines))):
        return lines, (len(lines),), None
    rows = [[] if line is None else line for line in lines]
    ends = tuple(map(len, rows))
    width = max(ends)
    opened = [[_opened(argument, entry, [b, t]) for t, entry in enumerate(row)] for b, row in enumerate(rows)]
    return [cell for row in opened for cell in [*row, *[None] * (width - len(row))]], (len(rows), width), ends


def _opened(argument: str, entry: Any, place: int | list[int]) -> Sequence[Any] | None:
    """What a list holds, None where there is none."""
    if isinstance(entry, (list, tuple)):
        return entry
    if entry is None or (isinstance(entry, float) and entry != entry):  # as tables have it
        return None
    if not holds_entries(entry):
        raise InputError(argument, "to hold a list of names of objects, or None, for each record", shown(entry), place)
    return read_entries(argument, entry)
