# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Turn-by-turn rollouts, collected until a dialogue is whole."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from imug_metrics.dialogues.holders import shown
from imug_metrics.dialogues.ids import as_integers, read_ids
from imug_metrics.errors import InputError


class RolloutBuffer:
    """Collects turn-by-turn rollouts and releases whole dialogues, as metrics want them.

    Records are keyword arguments of one turn of many dialogues; nothing is kept of a dialogue once it is released.

    Example:
        >>> buffer = RolloutBuffer()
        >>> buffer.add(["a", "b"], 1, scores=torch.tensor([1.0, 0.5]))
        >>> buffer.add(["a"], 2, scores=torch.tensor([0.0]))
        >>> buffer.release(["a"])
        {'scores': tensor([1., 0.]), 'dialogue': ['a', 'a'], 'turn': tensor([1, 2])}
        >>> len(buffer)
        1
    """

    def __init__(self) -> None:
        self._dialogues: dict[Any, list[tuple[int, dict[str, Any]]]] = {}

    def __len__(self) -> int:
        """Number of dialogues that wait."""
        return len(self._dialogues)

    def add(self, dialogue: Sequence[Any] | Tensor, turn: int | Sequence[int] | Tensor, **columns: Any) -> None:
        """Add one row for each id in `dialogue`.

        Args:
            dialogue: ids `[N]`, integers or strings.
            turn: one turn for all rows, or `[N]`.
            columns: tensors `[N, ...]` (kept without gradient) or lists `[N]`; the same names in every call.

        Raises:
            InputError: if a column's length differs, an id is neither an integer nor a string, a turn is below 1 or
                already there, or the names differ from those of the rows that wait. Nothing is added then.
        """
        ids = _ids(dialogue)
        turns = as_integers("turn", [turn] * len(ids) if _is_single(turn) else turn).tolist()
        for name, column in {"turn": turns, **columns}.items():
            _check_rows(name, column, len(ids))
        self._check_turns(ids, turns)
        waiting = next((rows[0][1].keys() for rows in self._dialogues.values()), columns.keys())
        if wrong := sorted(waiting ^ columns.keys()):
            raise InputError(wrong[0], f"to be {'given' if wrong[0] in waiting else 'left out'}, as for rows that wait")
        for row, (key, t) in enumerate(zip(ids, turns)):
            record = {n: c[row].detach() if isinstance(c, Tensor) else c[row] for n, c in columns.items()}
            self._dialogues.setdefault(key, []).append((t, record))

    def release(self, dialogue: Sequence[Any] | Tensor | None = None) -> dict[str, Any]:
        """Give out whole dialogues and forget them.

        Args:
            dialogue: ids of dialogues that are complete; None: all that wait.

        Returns:
            The columns by name with `dialogue` and `turn`, ready for `metric.update(**rows)`; empty when nothing waits.

        Raises:
            InputError: if an id does not wait, or is asked for twice. Nothing is released then.
        """
        ids = list(self._dialogues) if dialogue is None else _ids(dialogue)
        waiting = {*self._dialogues}
        for row, key in enumerate(ids):
            if key not in waiting:
                what = "each dialogue once" if key in self._dialogues else "dialogues that wait"
                raise InputError("dialogue", f"to name {what}", repr(key), row)
            waiting.remove(key)
        rows = [(key, t, record) for key in ids for t, record in sorted(self._dialogues.pop(key), key=lambda r: r[0])]
        if not rows:
            return {}
        released = {name: _stack([record[name] for _, _, record in rows]) for name in rows[0][2]}
        return {**released, "dialogue": [key for key, _, _ in rows], "turn": torch.tensor([t for _, t, _ in rows])}

    def _check_turns(self, ids: list[Any], turns: list[int]) -> None:
        """Raise InputError unless each turn counts from 1 and is new in its dialogue."""
        seen = {(key, turn) for key in {*ids} & self._dialogues.keys() for turn, _ in self._dialogues[key]}
        for row, (key, turn) in enumerate(zip(ids, turns)):
            if turn < 1:
                raise InputError("turn", "to be at least 1", turn, row)
            if (key, turn) in seen:
                raise InputError("turn", f"to be new in its dialogue, {key!r}", turn, row)
            seen.add((key, turn))


def _is_single(turn: Any) -> bool:
    """Whether it is one turn for all rows: an integer, or a tensor or an array without dimensions."""
    return not hasattr(turn, "__len__") or getattr(turn, "ndim", 1) == 0


def _ids(dialogue: Any) -> list[Any]:
    """Ids as they were given, integers or strings."""
    found = read_ids("dialogue", dialogue)
    if found.values.ndim != 1:
        raise InputError("dialogue", "to be one id a row, [N]", list(found.values.shape))
    return [found.names(row) for row in range(len(found.values))]


def _check_rows(name: str, column: Any, rows: int) -> None:
    if not hasattr(column, "__len__") or isinstance(column, (str, bytes, Mapping)):
        raise InputError(name, f"to be a tensor or a list of {rows} rows", shown(column))
    if isinstance(column, Tensor) and not column.ndim:
        raise InputError(name, f"to have {rows} rows", "a tensor without dimensions")
    if len(column) != rows:
        raise InputError(name, f"to have {rows} rows", len(column))


def _stack(items: list[Any]) -> Any:
    return torch.stack(items) if isinstance(items[0], Tensor) else items
