# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Turn-by-turn rollouts, collected until a dialogue is whole."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from imug_metrics.dialogues.batch import as_list


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
            ValueError: if a column's length differs, a turn is below 1 or already there, or the names differ from
                those of the rows that wait. Nothing is added then.
        """
        ids = as_list(dialogue)
        turns = [turn] * len(ids) if isinstance(turn, int) else as_list(turn)
        for name, column in {"turn": turns, **columns}.items():
            if len(column) != len(ids):
                raise ValueError(f"Expected argument `{name}` to have {len(ids)} rows, got {len(column)}.")
        seen = {(key, t) for key, rows in self._dialogues.items() for t, _ in rows}
        for row, place in enumerate(zip(ids, turns)):
            if place[1] < 1 or place in seen:
                what = "be >= 1" if place[1] < 1 else "be new in its dialogue"
                raise ValueError(f"Expected argument `turn` to {what}, got {place[1]} at row {row}.")
            seen.add(place)
        waiting = next((rows[0][1].keys() for rows in self._dialogues.values()), columns.keys())
        if waiting != columns.keys():
            raise ValueError(f"Expected columns {sorted(waiting)}, got {sorted(columns)}.")
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
            KeyError: if an id does not wait. Nothing is released then.
        """
        ids = list(self._dialogues) if dialogue is None else as_list(dialogue)
        unknown = [key for key in ids if key not in self._dialogues]
        if unknown:
            raise KeyError(f"Expected ids of dialogues that wait, got {unknown[0]!r}.")
        rows = [(key, t, record) for key in ids for t, record in sorted(self._dialogues.pop(key), key=lambda r: r[0])]
        if not rows:
            return {}
        released = {name: _stack([record[name] for _, _, record in rows]) for name in rows[0][2]}
        return {**released, "dialogue": [key for key, _, _ in rows], "turn": torch.tensor([t for _, t, _ in rows])}


def _stack(items: list[Any]) -> Any:
    return torch.stack(items) if isinstance(items[0], Tensor) else items
