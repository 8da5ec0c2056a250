# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Ids of dialogues and subjects as integers."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor

from imug_metrics.dialogues.arrays import INTEGERS, read_array
from imug_metrics.dialogues.cells import read_cells
from imug_metrics.dialogues.holders import is_integer, opened, place_of, shown
from imug_metrics.errors import InputError


class Ids(NamedTuple):
    """Ids of one argument.

    Attributes:
        values: int64, in the shape in which they were given, padded behind the ends of shorter lists.
        ends: for one list a dialogue, the number of turns of each; None: not known.
        names: the ids as they were given, by the cell of the flattened values.
    """

    values: Tensor
    ends: tuple[int, ...] | None
    names: Callable[[int], Any]


def hash_ids(ids: Iterable[Any], argument: str = "dialogue", shape: tuple[int, ...] = ()) -> Tensor:
    """Ids as int64: integers stay as they are, strings are hashed stably (the same in every process and version).

    Args:
        ids: integers or strings, not mixed.
        argument: its name, for errors.
        shape: of the records, for the rows of errors; by default one list.

    Returns:
        int64 tensor `[N]`. A string's id is the first eight bytes of its BLAKE2b digest, so two of a million different
        strings collide with a probability of about 3e-8.

    Raises:
        InputError: if an id is neither an integer nor a string, or the kinds are mixed.

    Example:
        >>> hash_ids(["cooking/1", "cooking/2", "cooking/1"])
        tensor([-8644237231476006943, -2729682032578851588, -8644237231476006943])
    """
    ids = list(ids)
    kinds = {*map(type, ids)}
    if not kinds <= {str} and not kinds <= {int}:
        _check_ids(ids, argument, shape)
    if ids and isinstance(ids[0], str):
        hashed = {i: _hashed(i) for i in dict.fromkeys(ids)}  # an id stands in every row of its dialogue
        ids = [hashed[i] for i in ids]
    try:
        return torch.tensor([int(i) for i in ids], dtype=torch.int64)
    except (OverflowError, RuntimeError, ValueError):
        row = next(row for row, i in enumerate(ids) if not -(2**63) <= int(i) < 2**63)
        raise InputError(argument, "to hold integers of 64 bits", ids[row], place_of(row, shape)) from None


def read_ids(argument: str, ids: Any) -> Ids:
    """Ids of any form.

    Args:
        argument: its name, for errors.
        ids: integers or strings, not mixed: a tensor, an array, a column of a table, a list, or lists of these.

    Raises:
        InputError: if they are anything else.

    Example:
        >>> read_ids("dialogue", [["b", "b"], ["a"]]).names(2)
        'a'
    """
    given = opened(argument, ids)
    if isinstance(given, Tensor):
        values = as_integers(argument, given)
        return Ids(values, None, lambda cell: int(values.flatten()[cell]))
    entries, shape, ends = read_cells(argument, given)
    if ends is None or min(ends) == shape[1]:
        return Ids(hash_ids(entries, argument, shape).view(shape), ends, entries.__getitem__)
    # Behind its end a line goes on as it began, so that the padding is of no dialogue of its own.
    first = [entries[line * shape[1]] for line in range(shape[0])]
    behind = [column >= end for end in ends for column in range(shape[1])]
    known = next((name for name, end in zip(first, ends) if end), 0)
    first = [name if end else known for name, end in zip(first, ends)]
    names = [first[cell // shape[1]] if gone else entries[cell] for cell, gone in enumerate(behind)]
    return Ids(hash_ids(names, argument, shape).view(shape), ends, names.__getitem__)


def as_ids(name: str, ids: Any, shape: tuple[int, ...], device: torch.device | None = None) -> Tensor:
    """Ids of an argument as int64, of the records' shape or one a line of padded records.

    Args:
        name: of the argument, for errors.
        ids: as in `read_ids`.
        shape: `(N,)` or `(B, T)`.
        device: where the result lives.

    Raises:
        InputError: if an id is neither an integer nor a string, or the shape differs.

    Example:
        >>> as_ids("dialogue", [[3, 3], [4, 4]], (2, 2))
        tensor([[3, 3],
                [4, 4]])
    """
    return of_shape(name, read_ids(name, ids).values, shape, shape[:1]).to(device)


def as_integers(name: str, values: Any) -> Tensor:
    """An argument's integers as int64.

    Raises:
        InputError: if they are no integers.

    Example:
        >>> as_integers("turn", torch.tensor([1, 2], dtype=torch.int32))
        tensor([1, 2])
    """
    return read_array(name, values, INTEGERS).values.long()


def of_shape(name: str, values: Tensor, shape: Sequence[int], short: Sequence[int], of: str = "the records") -> Tensor:
    """Values as they are, if they have the records' shape or the short one.

    Args:
        name: of the argument.
        values: as they were given.
        shape, short: what they may have.
        of: whose shape it is, for the error.

    Raises:
        InputError: if they have another.
    """
    if tuple(values.shape) in (tuple(shape), tuple(short)):
        return values
    either = f" or {[*short]}" if tuple(short) != tuple(shape) else ""
    raise InputError(name, f"to have the shape of {of}, {[*shape]}{either}", [*values.shape])


def _hashed(name: str) -> int:
    return int.from_bytes(
        hashlib.blake2b(name.encode(errors="surrogatepass"), digest_size=8).digest(), "big", signed=True
    )


def _check_ids(ids: list[Any], argument: str, shape: tuple[int, ...]) -> None:
    """Raise InputError unless ids are all integers or all strings."""
    texts = isinstance(ids[0], str)
    for row, entry in enumerate(ids):
        is_text = isinstance(entry, str)
        if is_text != texts or not (is_text or is_integer(entry)):
            wrong = next((r for r, i in enumerate(ids) if not isinstance(i, str) and not is_integer(i)), row)
            expected = "to hold ids, all integers or all strings"
            raise InputError(argument, expected, shown(ids[wrong]), place_of(wrong, shape))


def id_halves(ids: Tensor) -> tuple[Tensor, Tensor]:
    """48 bits of ids as two numbers that float32 holds exactly: enough to tell dialogues apart among kept rows.

    Example:
        >>> id_halves(torch.tensor([2**24 + 5]))
        (tensor([1]), tensor([5]))
    """
    return (ids >> 24) & (2**24 - 1), ids & (2**24 - 1)


def whole_ids(high: Tensor, low: Tensor) -> Tensor:
    """The ids of two halves.

    Example:
        >>> whole_ids(torch.tensor([1.0]), torch.tensor([5.0]))
        tensor([16777221])
    """
    return (high.long() << 24) + low.long()
