# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Where records belong: what `dialogue`, `turn`, `subject`, `valid` and `lengths` of an update say, flat or padded."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor

from imug_metrics._constants import constant
from imug_metrics.dialogues.checks import Check
from imug_metrics.dialogues.ids import as_ids, as_integers, of_shape


class Places(NamedTuple):
    """Where the records of an update belong, in the shape of the records, `[N]` or `[B, T]`.

    Attributes:
        dialogue: int64 of that shape; in padded records also `[B]`, one id a line.
        turn: int64 of that shape; None: column `t` of padded records holds turn `t + 1`.
        subject: int64 of that shape, or None.
        valid: bool of that shape, False where an output is absent; None: all are there.
        record: bool of that shape, False for the padding; None: there is none.
        checks: of values, which nobody has looked at yet.
        numbered: dialogues are lines of padded records under made-up ids, and so differ for certain.
    """

    dialogue: Tensor
    turn: Tensor | None
    subject: Tensor | None
    valid: Tensor | None
    record: Tensor | None
    checks: tuple[Check, ...]
    numbered: bool


def align_rows(
    shape: Sequence[int],
    dialogue: Any = None,
    turn: Any = None,
    subject: Any = None,
    valid: Any = None,
    lengths: Any = None,
    *,
    ends: Sequence[int] | None = None,
    like: Tensor | None = None,
) -> Places:
    """The places of records given flat or padded; looks at no value that lies on a device.

    Args:
        shape: `(N,)` for flat records, `(B, T)` for padded ones.
        dialogue: ids `[N]`; padded: `[B]` or `[B, T]`, by default 0 to B - 1. Integers or strings.
        turn: `[N]` integers from 1; padded: `[T]` or `[B, T]`, where 0 marks a cell of padding, by default 1 to T.
        subject: ids like `dialogue`, or None.
        valid: bool `[N]` or `[B, T]`, False where an output is absent; it never says what is padding. A line of padded
            records that ends with False needs `turn` or `lengths`: without them the model may have given no last
            output, or have been asked for none, and a check refuses it. Where nobody looks at the checks, such a cell
            is an absent output.
        lengths: padded: integers `[B]`, the number of turns of each dialogue; the cells behind them are padding.
        ends: padded: what `lengths` would say, where lists have said it; one a line, in 0 to T, and no `lengths`.
        like: a tensor on the device where the results live.

    Raises:
        TypeError: if ids are not integers or strings, turns or `lengths` not integers, or `valid` not boolean.
        ValueError: if a shape differs from the records', or flat records lack `dialogue` or `turn` or come with
            `lengths`.

    Example:
        >>> align_rows((2, 2), valid=torch.tensor([[True, True], [True, False]]), lengths=[2, 1]).record
        tensor([[ True,  True],
                [ True, False]])
    """
    shape, like = tuple(shape), torch.empty(0) if like is None else like
    if len(shape) == 1:
        _check_flat(shape[0], dialogue, turn, lengths)
    numbered = dialogue is None
    ids = constant(torch.arange, shape[0], like=like) if numbered else as_ids("dialogue", dialogue, shape, like.device)
    subjects = None if subject is None else as_ids("subject", subject, shape, like.device)
    there = None if valid is None else _as_valid(valid, shape, like.device)
    turns = None if turn is None else _as_turns(turn, shape, like.device)
    checks: tuple[Check, ...] = ()
    if len(shape) == 1:
        return Places(ids, turns, _full(subjects, shape), there, None, checks, False)
    record = None if turns is None else turns != 0
    if turns is None and lengths is None and ends is None and there is not None and there.numel():
        checks = (_open_end(there),)
    if ends is not None and min(ends, default=shape[1]) < shape[1]:
        lengths = torch.tensor(ends).to(like.device)
    elif lengths is not None:
        lengths, check = _as_lengths(lengths, shape, like.device)
        checks = (check,)
    if lengths is not None:
        within = constant(torch.arange, shape[1], like=like) < lengths[:, None]
        record = within if record is None else record & within
    return Places(ids, turns, _full(subjects, shape), there, record, checks, numbered)


def _check_flat(count: int, dialogue: Any, turn: Any, lengths: Any) -> None:
    for name, value in (("dialogue", dialogue), ("turn", turn)):
        if value is None:
            raise ValueError(f"Expected argument `{name}` with one entry for each of the {count} flat records.")
    if lengths is not None:
        raise ValueError(f"Expected argument `lengths` with padded records [B, T] only, got {count} flat records.")


def _full(ids: Tensor | None, shape: tuple[int, ...]) -> Tensor | None:
    """Ids in the shape of the records, from one a line."""
    return ids if ids is None or ids.ndim == len(shape) else ids[:, None].expand(shape)


def _as_turns(turn: Any, shape: tuple[int, ...], device: torch.device) -> Tensor:
    turns = of_shape("turn", as_integers("turn", torch.as_tensor(turn)), shape, shape[-1:])
    return (turns if turns.ndim == len(shape) else turns.expand(shape)).to(device)


def _as_valid(valid: Any, shape: tuple[int, ...], device: torch.device) -> Tensor:
    valid = torch.as_tensor(valid, device=device)
    if valid.dtype != torch.bool and valid.numel():
        raise TypeError(f"Expected argument `valid` to be boolean, got {valid.dtype}.")
    return of_shape("valid", valid.bool(), shape, shape)


def _open_end(valid: Tensor) -> Check:
    """The check that no line of `valid` ends with False, of which nobody says whether it is padding."""

    def message(line: int) -> str:
        return (
            f"Expected argument `valid` to be True in the last cell of every line, got False in line {line}, where an "
            "output may be absent or not expected: say which by `lengths`, or by `turn` with 0 in the padding."
        )

    return Check(~valid[:, -1], message)


def _as_lengths(lengths: Any, shape: tuple[int, ...], device: torch.device) -> tuple[Tensor, Check]:
    """Lengths as int64 `[B]`, and their check."""
    lengths = as_integers("lengths", torch.as_tensor(lengths, device=device))
    if tuple(lengths.shape) != shape[:1]:
        raise ValueError(f"Expected argument `lengths` to have shape {shape[:1]}, got {tuple(lengths.shape)}.")

    def message(row: int) -> str:
        return f"Expected argument `lengths` to lie in 0 to {shape[1]}, got {int(lengths[row])} at row {row}."

    return lengths, Check((lengths < 0) | (lengths > shape[1]), message)
