# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Numbers and booleans in whatever people hold them in, as one tensor."""

from __future__ import annotations

from collections.abc import Callable
from itertools import chain
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import pad

from imug_metrics.dialogues.holders import holds_entries, is_absent, is_integer, opened, shown, unwrapped
from imug_metrics.errors import InputError


class Array(NamedTuple):
    """Values of one argument.

    Attributes:
        values: a tensor, one cell a record and padded behind the ends of shorter lists.
        ends: for one list a dialogue, the number of turns of each; None: not known.
    """

    values: Tensor
    ends: tuple[int, ...] | None = None


class Kind(NamedTuple):
    """What the entries of an array are.

    Attributes:
        expected: what an argument of it has to be, for errors.
        plain: types whose entries need no look.
        dtype: of the tensor that lists become.
        read: an entry as such a value; None where it is none.
    """

    expected: str
    plain: frozenset[type]
    dtype: torch.dtype
    read: Callable[[Any], Any]


def read_array(
    argument: str, values: Any, kind: Kind, *, inner: int = 0, filler: float = 0, even: bool = False
) -> Array:
    """Values of any form as a tensor; one that is a tensor stays as it is.

    Args:
        argument: its name, for errors.
        values: a tensor, an array, a column of a table, or lists of these or of entries.
        kind: `REALS`, `INTEGERS` or `BOOLEANS`.
        inner: dimensions of one record: 0 for numbers, 1 for embeddings or candidates.
        filler: what stands behind the end of a shorter list, and for a record of several numbers that is None.
        even: records have as many numbers each, as embeddings have.

    Raises:
        InputError: if it is held in anything else, or an entry is not of the kind.

    Example:
        >>> read_array("scores", [[0.5, None], [1]], REALS, filler=torch.nan)
        Array(values=tensor([[0.5000,    nan], [1.0000,    nan]], dtype=torch.float64), ends=(2, 1))
    """
    given = opened(argument, values)
    if not isinstance(given, Tensor):
        found = _of_list(argument, given, kind, _Form(inner, filler, even), ())
        return Array(found, tuple(map(len, given)) if found.ndim == inner + 2 else None)
    _check_dtype(argument, given, kind)
    return Array(given)


def _as_real(entry: Any) -> float | None:
    if is_absent(entry):
        return torch.nan
    if isinstance(entry, (str, bytes, complex)) or not hasattr(entry, "__float__"):
        return None
    try:
        return float(entry)
    except OverflowError:
        return None


def _as_integer(entry: Any) -> int | None:
    return int(entry) if is_integer(entry) and -(2**63) <= int(entry) < 2**63 else None


def _as_boolean(entry: Any) -> bool | None:
    return bool(entry) if isinstance(entry, (bool, np.bool_)) else None


REALS = Kind("to hold real numbers", frozenset({float, int, bool}), torch.float64, _as_real)
INTEGERS = Kind("to hold integers", frozenset({int}), torch.int64, _as_integer)
BOOLEANS = Kind("to be boolean", frozenset({bool}), torch.bool, _as_boolean)


class _Form(NamedTuple):
    inner: int
    filler: float
    even: bool


def _of_list(argument: str, given: list[Any], kind: Kind, form: _Form, place: tuple[int, ...]) -> Tensor:
    """A list at a place of a nested list, as a tensor."""
    if (plain := _of_plain(given, kind)) is not None:
        return plain
    if not any(map(holds_entries, given)):
        return _of_entries(argument, given, kind, place)
    parts: list[Tensor | None] = []
    for row, entry in enumerate(given):
        if not holds_entries(entry) and not (is_absent(entry) and form.inner):
            expected = f"{kind.expected}, or one list a dialogue" if not form.inner else "to hold lists"
            row, got = (row, f"{shown(entry)} beside a list") if row else _first_list(given)
            raise InputError(argument, expected, got, _row((*place, row)))
        parts.append(_part(argument, entry, kind, form, (*place, row)) if holds_entries(entry) else None)
    return _stacked(argument, parts, form, place)


def _first_list(given: list[Any]) -> tuple[int, str]:
    """The first list among entries that begin with another."""
    row = next(row for row, entry in enumerate(given) if holds_entries(entry))
    return row, f"a {type(given[row]).__name__} beside {shown(given[0])}"


def _of_plain(given: list[Any], kind: Kind) -> Tensor | None:
    """A list of plain entries, or of lists of them of one length, at once; None: it is none."""
    flat, lines = given, 0
    if given and {*map(type, given)} <= {list, tuple} and len({*map(len, given)}) == 1:
        flat, lines = [*chain.from_iterable(given)], len(given)
    if not {*map(type, flat)} <= kind.plain or (lines and not flat):
        return None
    try:
        found = torch.tensor(flat, dtype=kind.dtype)
    except (OverflowError, RuntimeError, ValueError):  # an integer beyond what fits
        return None
    return found.view(lines, -1) if lines else found


def _of_entries(argument: str, given: list[Any], kind: Kind, place: tuple[int, ...]) -> Tensor:
    """Entries that hold no others."""
    if given and all(isinstance(entry, Tensor) for entry in given):
        found = torch.stack(given)
        _check_dtype(argument, found, kind, _row((*place, 0)))
        return found
    values = []
    for row, entry in enumerate(given):
        value = kind.read(unwrapped(entry))
        if value is None:
            raise InputError(argument, kind.expected, shown(entry), _row((*place, row)))
        values.append(value)
    return torch.tensor(values, dtype=kind.dtype)


def _part(argument: str, entry: Any, kind: Kind, form: _Form, place: tuple[int, ...]) -> Tensor:
    try:
        given = opened(argument, entry)
    except InputError as error:
        raise InputError(argument, error.expected, error.got, _row(place)) from None
    if isinstance(given, list):
        return _of_list(argument, given, kind, form, place)
    _check_dtype(argument, given, kind, _row(place))
    return given


def _stacked(argument: str, parts: list[Tensor | None], form: _Form, place: tuple[int, ...]) -> Tensor:
    """Parts in one tensor, the shorter ones filled; one that is None is a record that is not there."""
    known = [part for part in parts if part is not None and part.numel()] or [torch.zeros(0, dtype=torch.float64)]
    depth = max(part.ndim for part in (*known, *(part for part in parts if part is not None)))
    for row, part in enumerate(parts):
        if depth != form.inner if part is None else part.ndim != depth and part.shape != (0,):
            got = "None" if part is None else f"{part.ndim} dimensions beside {depth}"
            raise InputError(argument, "to hold lists of one depth", got, _row((*place, row)))
    sizes = [max(part.shape[side] if part.ndim == depth else 0 for part in known) for side in range(depth)]
    within = max(depth - form.inner, 0)  # sides from here on lie within a record
    for row, part in enumerate(parts):
        if form.even and part is not None and part.numel() and [*part.shape[within:]] != sizes[within:]:
            got = f"{part.shape[-1]} beside {sizes[-1]}"
            raise InputError(argument, "to hold equally many numbers in every record", got, _row((*place, row)))
    dtype = known[0].dtype
    for part in known[1:]:
        dtype = dtype if part.dtype == dtype else torch.promote_types(dtype, part.dtype)
    if form.filler != form.filler and not dtype.is_floating_point:
        dtype = torch.float64  # NaN needs one that has it
    return torch.stack([_filled(part, sizes, form.filler, known[0].new_zeros(0, dtype=dtype)) for part in parts])


def _filled(part: Tensor | None, sizes: list[int], filler: float, like: Tensor) -> Tensor:
    """A part in full size, on the device and of the dtype of `like`."""
    if part is None or not part.numel():
        return like.new_full(sizes, filler)
    behind = [size for side in range(part.ndim - 1, -1, -1) for size in (0, sizes[side] - part.shape[side])]
    part = part.to(like)
    return pad(part, behind, value=filler) if any(behind) else part


def _check_dtype(argument: str, values: Tensor, kind: Kind, row: int | list[int] | None = None) -> None:
    """Raise InputError unless a tensor holds entries of a kind."""
    dtype = values.dtype
    if kind is REALS:
        right = not dtype.is_complex
    elif kind is INTEGERS:
        right = not (dtype.is_floating_point or dtype.is_complex or dtype == torch.bool)
    else:
        right = dtype == torch.bool
    if not right and values.numel():
        raise InputError(argument, kind.expected, str(dtype).removeprefix("torch."), row)


def _row(place: tuple[int, ...]) -> int | list[int] | None:
    return None if not place else place[0] if len(place) == 1 else list(place)
