# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""What people hold values in (tensors, arrays, columns of tables, lists of any lengths), opened as a tensor or a list.

Columns of tables (pandas, polars, pyarrow) are known by what they can do, so that none of these packages is imported.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import numpy as np
import torch
from torch import Tensor

from imug_metrics.errors import InputError

HOLDERS = "to be a tensor, an array, a column of a table or a list"
_UNSEEN = ContextVar("_UNSEEN", default=False)  # whether tensors on the meta device are taken
_LONGEST = 60  # characters of a value in an error
_NAMES_OF_ABSENT = ("NAType", "NaTType")  # of pandas, whose cells say so where nothing is


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
    while holds_entries(entry):
        found = opened("", entry)
        if isinstance(found, Tensor):
            kind = float if found.is_floating_point() else bool if found.dtype == torch.bool else int
            return kind(0), depth + found.ndim
        depth, entry = depth + 1, next((part for part in found if not (is_absent(part) or _is_empty(part))), None)
    return unwrapped(entry), depth


@contextmanager
def unseen_values() -> Iterator[None]:
    """Tensors without values, on the meta device, are taken: for what is on that device itself.

    Example:
        >>> with unseen_values():
        ...     opened("scores", torch.ones(2, device="meta")).shape
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


def holds_entries(entry: Any) -> bool:
    """Whether an entry of a list holds entries itself."""
    if isinstance(entry, (list, tuple)):
        return True
    if isinstance(entry, (str, bytes, bytearray)):
        return False
    return isinstance(entry, Sequence) or (hasattr(entry, "__array__") and getattr(entry, "ndim", 1) > 0)


def _is_empty(entry: Any) -> bool:
    return isinstance(entry, (list, tuple)) and not entry


def unwrapped(entry: Any) -> Any:
    """An entry as Python has it: arrays and tensors of one number without dimensions are that number."""
    if isinstance(entry, (np.generic, np.ndarray, Tensor)) and entry.ndim == 0:
        return entry.item()
    return entry
