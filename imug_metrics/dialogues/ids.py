# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Ids of dialogues and subjects as integers."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor


def hash_ids(ids: Iterable[Any]) -> Tensor:
    """Ids as int64: integers stay as they are, strings are hashed stably (the same in every process and version).

    Args:
        ids: integers or strings, not mixed.

    Returns:
        int64 tensor `[N]`. A string's id is the first eight bytes of its BLAKE2b digest, so two of a million different
        strings collide with a probability of about 3e-8.

    Raises:
        TypeError: if an id is neither an integer nor a string, or the kinds are mixed.

    Example:
        >>> hash_ids(["cooking/1", "cooking/2", "cooking/1"])
        tensor([-8644237231476006943, -2729682032578851588, -8644237231476006943])
    """
    ids = list(ids)
    kinds = {str if isinstance(i, str) else int if is_integer(i) else None for i in ids}
    if None in kinds or len(kinds) > 1:
        wrong = next((r for r, i in enumerate(ids) if isinstance(i, str) != isinstance(ids[0], str)), 0)
        wrong = next((r for r, i in enumerate(ids) if not isinstance(i, str) and not is_integer(i)), wrong)
        raise TypeError(f"Expected ids to be all integers or all strings, got {ids[wrong]!r} at row {wrong}.")
    if kinds == {str}:
        ids = [int.from_bytes(hashlib.blake2b(i.encode(), digest_size=8).digest(), "big", signed=True) for i in ids]
    return torch.tensor([int(i) for i in ids], dtype=torch.int64)


def is_integer(value: Any) -> bool:
    """Whether a value is an integer of any kind; a boolean is none."""
    return not isinstance(value, bool) and hasattr(value, "__index__")


def as_ids(name: str, ids: Any, shape: tuple[int, ...], device: torch.device | None = None) -> Tensor:
    """Ids of an argument as int64, of the records' shape or one a line of padded records.

    Args:
        name: of the argument, for errors.
        ids: integers or strings, a tensor, an array, a list, or lists of lists.
        shape: `(N,)` or `(B, T)`.
        device: where the result lives.

    Raises:
        TypeError: if an id is neither an integer nor a string.
        ValueError: if the shape differs.

    Example:
        >>> as_ids("dialogue", [[3, 3], [4, 4]], (2, 2))
        tensor([[3, 3],
                [4, 4]])
    """
    if not isinstance(ids, Tensor):
        ids = ids.tolist() if hasattr(ids, "tolist") else ids
        nested = len(ids) > 0 and isinstance(ids[0], (list, tuple))
        ids = torch.stack([hash_ids(line) for line in ids]) if nested else hash_ids(ids)
    return of_shape(name, as_integers(name, ids), shape, shape[:1]).to(device)


def as_integers(name: str, values: Tensor) -> Tensor:
    """An argument's integers as int64.

    Raises:
        TypeError: if they are no integers.

    Example:
        >>> as_integers("turn", torch.tensor([1, 2], dtype=torch.int32))
        tensor([1, 2])
    """
    if values.numel() and (values.is_floating_point() or values.is_complex() or values.dtype == torch.bool):
        raise TypeError(f"Expected argument `{name}` to hold integers, got {values.dtype}.")
    return values.long()


def of_shape(name: str, values: Tensor, shape: tuple[int, ...], short: tuple[int, ...]) -> Tensor:
    """Values as they are, if they have the records' shape or the short one.

    Raises:
        ValueError: if they have another.
    """
    if tuple(values.shape) in (shape, short):
        return values
    raise ValueError(f"Expected argument `{name}` to have shape {shape}, got {tuple(values.shape)}.")


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
