# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Notices ids that were taken for those of dialogues, and differ at each turn."""

from __future__ import annotations

from pathlib import Path

from imug_metrics.errors import ArgumentError


class LoneTurns:
    """Looks at records whose dialogue was taken from a field that may as well number rows.

    Example:
        >>> lone = LoneTurns()
        >>> for number in (1, 2, 3):
        ...     lone.add(f"row {number}", number, "id")
        >>> lone.check(Path("mine.csv"))
        Traceback (most recent call last):
        ...
        imug_metrics.errors.ArgumentError: Argument `columns`: mine.csv: `id` differs in each row, while turns go on:
        name what holds the dialogue, or say dialogue=id
    """

    def __init__(self) -> None:
        self._turns: dict[str, int] = {}
        self._shared = False
        self._field = ""

    def add(self, dialogue: str, turn: int, field: str) -> None:
        """Look at a record.

        Args:
            dialogue: its id.
            turn: its turn.
            field: the column or key that holds the id.
        """
        if not self._shared:
            self._field = field
            self._shared = self._turns.setdefault(dialogue, turn) != turn

    def check(self, path: Path, otherwise: str = "") -> None:
        """Refuse a file in which no two turns have the same dialogue.

        Args:
            path: the file.
            otherwise: what else would help.

        Raises:
            ArgumentError: of `columns`.
        """
        if not self._shared and len(self._turns) > 1 and any(turn > 1 for turn in self._turns.values()):
            name = self._field[:40]
            cure = f"name what holds the dialogue, or say dialogue={name}"
            cure = "; ".join(filter(None, (cure, otherwise)))
            raise ArgumentError("columns", f"{path}: `{name}` differs in each row, while turns go on: {cure}")
