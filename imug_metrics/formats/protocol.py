# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""What a reader of a format is, and what it is given and gives."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from imug_metrics.dialogues.record import Record
from imug_metrics.reading.files import Problems


@dataclass(frozen=True)
class Head:
    """What is seen of a file or folder before it is read.

    Attributes:
        path: the file or folder.
        start: its first bytes; empty for a folder.
        value: the first JSON value: that of the first line, or the first entry of the file's array or the file's
            object; None where there is none.
        names: the column names of a table's first line, or of a parquet file; empty for all else.
        entries: names of what a folder holds at its top; empty for a file.
    """

    path: Path
    start: bytes = b""
    value: Any = None
    names: tuple[str, ...] = ()
    entries: tuple[str, ...] = ()


@dataclass(frozen=True)
class ReadOptions:
    """How a file is read.

    Attributes:
        columns: by field of a record, or by `score` or a score's own name, the column or key that holds it; fields that
            are not named are looked for under their usual names.
        images: the folder that image paths of the file lie in, and that none may lead out of; None: the file's own.
        benchmark: the folder of the questions, where outputs do not hold them (IMUG-Bench).
        model: the name of the model, where the file does not say it; None: the file's name.
    """

    columns: Mapping[str, str] = field(default_factory=dict)
    images: Path | None = None
    benchmark: Path | None = None
    model: str | None = None


class Reader(Protocol):
    """Reads one format: `name` for messages and `--format`, `recognises` by content, and `read`."""

    name: str

    def recognises(self, head: Head) -> bool:
        """Whether this is a file of the format, judged by its content."""
        ...

    def read(self, path: Path, options: ReadOptions, problems: Problems) -> Iterator[tuple[str | None, Record]]:
        """The records of a file, each with the name of its model, None where the file does not say it.

        Args:
            path: the file or folder.
            options: how it is read.
            problems: collects what is wrong, with line and field; a line that cannot be read is never left out in
                silence, and never ends the reading.
        """
        ...


class RecordsByModel(dict[str, list[Record]]):
    """Records by model, as `imug_metrics.evaluate` takes them.

    Attributes:
        problems: what was wrong in the file.
        format: the name of the reader.

    Example:
        >>> found = RecordsByModel({"mine": [Record("a", 1, "text", "Which?", text="B", target="B")]}, format="table")
        >>> len(found["mine"]), len(found.problems)
        (1, 0)
    """

    def __init__(
        self, records: Mapping[str, list[Record]] | None = None, *, format: str, problems: Problems | None = None
    ) -> None:
        super().__init__(records or {})
        self.format = format
        self.problems = Problems() if problems is None else problems
