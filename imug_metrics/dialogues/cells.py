# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Entries of any kind, such as texts and images: in one list, or in one list a dialogue."""

from __future__ import annotations

from typing import Any, NamedTuple

from torch import Tensor

from imug_metrics.dialogues.holders import holds_entries, is_absent, opened, unwrapped

_SCALARS = frozenset({str, int, float, bool, type(None)})


class Cells(NamedTuple):
    """Entries of one argument, of any kind.

    Attributes:
        entries: in one list; None where nothing is, and behind the ends of shorter lists.
        shape: `(N,)`, or `(B, T)` for one list a dialogue.
        ends: as in `Array`.
    """

    entries: list[Any]
    shape: tuple[int, ...]
    ends: tuple[int, ...] | None = None


def read_cells(argument: str, values: Any, *, arrays: bool = True) -> Cells:
    """Entries of any kind: in one list, or in one list a dialogue, of different lengths.

    Args:
        argument: its name, for errors.
        values: a list, a column of a table, or an array; or a list of these.
        arrays: an array or a tensor within a list is a list of entries too; False: it is an entry, as of images.

    Raises:
        InputError: if it is held in anything else.

    Example:
        >>> read_cells("texts", [["a", None], ("b",)])
        Cells(entries=['a', None, 'b', None], shape=(2, 2), ends=(2, 1))
    """
    given = _listed(opened(argument, values))
    if {*map(type, given)} <= _SCALARS:
        return Cells(_without_marks(given), (len(given),))
    lines = [_line(entry, arrays) for entry in given]
    if not lines or any(line is None for line in lines):
        return Cells(_without_marks(given), (len(given),))
    ends = tuple(len(line) for line in lines if line is not None)
    width = max(ends)
    entries = [entry for line in lines if line is not None for entry in [*line, *[None] * (width - len(line))]]
    return Cells(_without_marks(entries), (len(lines), width), ends)


def read_entries(argument: str, values: Any) -> list[Any]:
    """Entries of any kind, one a record: a list within the list is an entry itself.

    Raises:
        InputError: if they are held in anything else.

    Example:
        >>> read_entries("target", ["a", ["b", "c"], None])
        ['a', ['b', 'c'], None]
    """
    return _without_marks(_listed(opened(argument, values)))


def _line(entry: Any, arrays: bool) -> list[Any] | None:
    """The entries of a dialogue; None: it is an entry itself."""
    if isinstance(entry, (list, tuple, range)):
        return list(entry)
    return _listed(opened("", entry)) if arrays and holds_entries(entry) else None


def _without_marks(entries: list[Any]) -> list[Any]:
    """Entries with None for what a table has where nothing is: a mark of its own, or NaN among texts."""
    kinds = {*map(type, entries)}
    if kinds <= _SCALARS and not {float, str} <= kinds:
        return entries
    entries = [unwrapped(entry) for entry in entries]
    texts = any(isinstance(entry, str) for entry in entries)
    return [None if is_absent(entry) or (texts and _is_nan(entry)) else entry for entry in entries]


def _is_nan(entry: Any) -> bool:
    return isinstance(entry, float) and entry != entry


def _listed(values: Tensor | list[Any]) -> list[Any]:
    return values if isinstance(values, list) else list(values.tolist())
