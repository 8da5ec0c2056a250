# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""What people hold values in (tensors, arrays, columns of tables, lists of any lengths), read as tensors or as cells.

Columns of tables (pandas, polars, pyarrow) are known by what they can do, so that none of these packages is imported.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from itertools import chain
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import pad

from imug_metrics.errors import InputError

HOLDERS = "to be a tensor, an array, a column of a table or a list"
_UNSEEN = ContextVar("_UNSEEN", default=False)  # whether tensors on the meta device are taken
_LONGEST = 60  # characters of a value in an error
_SCALARS = frozenset({str, int, float, bool, type(None)})
_NAMES_OF_ABSENT = ("NAType", "NaTType")  # of pandas, whose cells say so where nothing is


class Array(NamedTuple):
    """Values of one argument.

    Attributes:
        values: a tensor, one cell a record and padded behind the ends of shorter lists.
        ends: for one list a dialogue, the number of turns of each; None: not known.
    """

    values: Tensor
    ends: tuple[int, ...] | None = None


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


def opened(argument: str, values: Any) -> Tensor | list[Any]:
    """What holds values, as a tensor of numbers or booleans, or as a list of whatever is in it.

    Raises:
        InputError: if it is nothing that holds values in order, or an array of something else.

    Example:
        >>> opened("turn", np.array([1, 2], np.int8)), opened("turn", range(1, 3))
        (tensor([1, 2], dtype=torch.int8), [1, 2])
    """
    if isinstance(values, Tensor):
        return _of_tensor(argument, values)
    if isinstance(values, (list, tuple)):
        return list(values)
    if isinstance(values, (str, bytes, bytearray, Mapping)) or not (
        isinstance(values, Sequence) or hasattr(values, "__array__")
    ):
        raise InputError(argument, HOLDERS, shown(values))
    if isinstance(values, Sequence) and not hasattr(values, "__array__"):
        return list(values)
    return _of_numpy(argument, values) if isinstance(values, np.ndarray) else _of_column(argument, values)


def depth_of(given: Any) -> int:
    """Dimensions of what holds values, by the first entry of each list that is there.

    Example:
        >>> depth_of([[None, [0.5]]]), depth_of([torch.ones(2, 3)])
        (3, 3)
    """
    return first_entry(given)[1]


def first_entry(given: Any) -> tuple[Any, int]:
    """The first entry that is there, and the dimensions of what holds it; of arrays of numbers a zero of their kind.

    Example:
        >>> first_entry([None, ["a", "b"]]), first_entry([torch.ones(2, 3)])
        (('a', 2), (0.0, 3))
    """
    depth, entry = 0, given
    while _holds(entry):
        found = opened("", entry)
        if isinstance(found, Tensor):
            kind = float if found.is_floating_point() else bool if found.dtype == torch.bool else int
            return kind(0), depth + found.ndim
        depth, entry = depth + 1, next((part for part in found if not (is_absent(part) or _is_empty(part))), None)
    return _plain(entry), depth


@contextmanager
def unseen_values() -> Iterator[None]:
    """Tensors without values, on the meta device, are taken: for what is on that device itself.

    Example:
        >>> with unseen_values():
        ...     read_array("scores", torch.ones(2, device="meta"), REALS).values.shape
        torch.Size([2])
    """
    token = _UNSEEN.set(True)
    try:
        yield
    finally:
        _UNSEEN.reset(token)


def is_absent(entry: Any) -> bool:
    """Whether an entry is None, or what a table has in its place; NaN is a number and not meant.

    Example:
        >>> is_absent(None), is_absent(float("nan"))
        (True, False)
    """
    return entry is None or type(entry).__name__ in _NAMES_OF_ABSENT


def is_integer(value: Any) -> bool:
    """Whether a value is an integer of any kind; a boolean is none."""
    return not isinstance(value, (bool, np.bool_)) and hasattr(value, "__index__") and not isinstance(value, Tensor)


def place_of(cell: int, shape: tuple[int, ...]) -> int | list[int]:
    """A cell as the user counts it: the row, or line and column of padded records.

    Example:
        >>> place_of(5, (2, 3)), place_of(5, (6,))
        ([1, 2], 5)
    """
    return list(divmod(cell, shape[1])) if len(shape) == 2 else cell


def shown(value: Any) -> str:
    """A value in an error: as it looks where that is short, else what it is.

    Example:
        >>> shown("B"), shown({"a": 1})
        ("'B'", 'dict')
    """
    text = repr(value) if isinstance(value, (str, int, float, complex, type(None))) else type(value).__name__
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."


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
    if not any(map(_holds, given)):
        return _of_entries(argument, given, kind, place)
    parts: list[Tensor | None] = []
    for row, entry in enumerate(given):
        if not _holds(entry) and not (is_absent(entry) and form.inner):
            expected = f"{kind.expected}, or one list a dialogue" if not form.inner else "to hold lists"
            row, got = (row, f"{shown(entry)} beside a list") if row else _first_list(given)
            raise InputError(argument, expected, got, _row((*place, row)))
        parts.append(_part(argument, entry, kind, form, (*place, row)) if _holds(entry) else None)
    return _stacked(argument, parts, form, place)


def _first_list(given: list[Any]) -> tuple[int, str]:
    """The first list among entries that begin with another."""
    row = next(row for row, entry in enumerate(given) if _holds(entry))
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
        value = kind.read(_plain(entry))
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


def _of_tensor(argument: str, values: Tensor) -> Tensor | list[Any]:
    if values.is_nested:
        return list(values.unbind())
    if values.layout != torch.strided or values.is_quantized or (values.is_meta and not _UNSEEN.get()):
        got = f"{values.layout} of {values.dtype} on {values.device}"
        raise InputError(argument, "to be a dense tensor of values", got)
    if values.ndim == 0:
        raise InputError(argument, HOLDERS, "a tensor of one number without dimensions")
    return values


def _of_numpy(argument: str, values: np.ndarray) -> Tensor | list[Any]:
    kind = values.dtype.kind
    if values.ndim == 0:
        raise InputError(argument, HOLDERS, shown(values.item()))
    if kind in "OUT" or isinstance(values, np.ma.MaskedArray):
        return list(values.tolist())  # masked entries become None
    if kind not in "biuf":
        raise InputError(argument, "to hold real numbers, booleans or texts", f"an array of {values.dtype}")
    dtype = np.dtype(np.float64) if values.dtype.itemsize > 8 else values.dtype.newbyteorder("=")
    dtype = np.dtype(np.int64) if kind == "u" and dtype.itemsize > 1 else dtype  # of which torch does little
    # Torch has no negative strides, and no arrays that nobody may write to.
    return torch.from_numpy(np.require(values, dtype, ["C", "W"]))


def _of_column(argument: str, values: Any) -> Tensor | list[Any]:
    """A column of a table, or anything else that numpy can read."""
    listed = getattr(values, "to_pylist", None) or getattr(values, "to_list", None)
    if listed is not None and _has_nulls(values):
        return list(listed())
    try:
        array = np.asarray(values)
    except (TypeError, ValueError, RuntimeError):
        raise InputError(argument, HOLDERS, shown(values)) from None
    if listed is not None and array.dtype.kind not in "biuf":
        return list(listed())
    return _of_numpy(argument, array)


def _has_nulls(column: Any) -> bool:
    """Whether entries of a column are absent, of which numpy would make NaN, and of integers floats."""
    if hasattr(column, "hasnans"):
        return not isinstance(column.dtype, np.dtype) and bool(column.hasnans)
    nulls = getattr(column, "null_count", 0)
    return bool(nulls() if callable(nulls) else nulls)


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


def _holds(entry: Any) -> bool:
    """Whether an entry of a list holds entries itself."""
    if isinstance(entry, (list, tuple)):
        return True
    if isinstance(entry, (str, bytes, bytearray)):
        return False
    return isinstance(entry, Sequence) or (hasattr(entry, "__array__") and getattr(entry, "ndim", 1) > 0)


def _line(entry: Any, arrays: bool) -> list[Any] | None:
    """The entries of a dialogue; None: it is an entry itself."""
    if isinstance(entry, (list, tuple, range)):
        return list(entry)
    return _listed(opened("", entry)) if arrays and _holds(entry) else None


def _without_marks(entries: list[Any]) -> list[Any]:
    """Entries with None for what a table has where nothing is: a mark of its own, or NaN among texts."""
    kinds = {*map(type, entries)}
    if kinds <= _SCALARS and not {float, str} <= kinds:
        return entries
    entries = [_plain(entry) for entry in entries]
    texts = any(isinstance(entry, str) for entry in entries)
    return [None if is_absent(entry) or (texts and _is_nan(entry)) else entry for entry in entries]


def _is_empty(entry: Any) -> bool:
    return isinstance(entry, (list, tuple)) and not entry


def _plain(entry: Any) -> Any:
    """An entry as Python has it: arrays and tensors of one number without dimensions are that number."""
    if isinstance(entry, (np.generic, np.ndarray, Tensor)) and entry.ndim == 0:
        return entry.item()
    return entry


def _is_nan(entry: Any) -> bool:
    return isinstance(entry, float) and entry != entry


def _listed(values: Tensor | list[Any]) -> list[Any]:
    return values if isinstance(values, list) else list(values.tolist())


def _row(place: tuple[int, ...]) -> int | list[int] | None:
    return None if not place else place[0] if len(place) == 1 else list(place)
