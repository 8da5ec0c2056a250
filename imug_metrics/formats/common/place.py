# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Where something was read: what is wrong there is told with file, line and field, what is right becomes a record."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from imug_metrics.dialogues.record import Record
from imug_metrics.errors import InputError
from imug_metrics.reading.files import Problems


@dataclass(frozen=True)
class Place:
    """A line of a file, or the file where it has no lines.

    Attributes:
        file: the file.
        line: from 1, or None.
        problems: collects what is wrong.

    Example:
        >>> place = Place(Path("chat.jsonl"), 3, Problems())
        >>> place.make_record({"dialogue": "a", "turn": 1, "modality": "text", "prompt": "Which?"}).turn
        1
        >>> place.error("messages", "expected a list, got text")
        >>> print(*place.problems)
        chat.jsonl:3: messages: expected a list, got text
    """

    file: Path
    line: int | None
    problems: Problems

    def error(self, field: str, message: str) -> None:
        """Tell of what keeps something from being scored."""
        self.problems.error(self.file, self.line, field, message)

    def warn(self, field: str, message: str) -> None:
        """Tell of what is odd but has a documented reading."""
        self.problems.warn(self.file, self.line, field, message)

    def make_record(self, fields: dict[str, Any], field: str = "") -> Record | None:
        """The record of these fields, or None, with the reason told, where they make none.

        Args:
            fields: arguments of `Record`.
            field: where in the line they stand, for the message.
        """
        try:
            return Record(**fields)
        except InputError as error:
            name = f"{field}.{error.argument}" if field else error.argument
            self.error(name, f"expected {name.rpartition('.')[2]} {error.expected}, got {str(error.got)[:120]}")
        except (TypeError, ValueError) as error:
            self.error(field, str(error)[:200])
        return None
