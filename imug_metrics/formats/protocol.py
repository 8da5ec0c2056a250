# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""What a reader of a format is, and what it is given and gives."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from imug_metrics.dialogues.record import Record
from imug_metrics.errors import ArgumentError
from imug_metrics.reading.fields import meant
from imug_metrics.reading.files import Problems

FIELDS = (
    *("dialogue", "turn", "modality", "prompt", "text", "image", "target", "options", "links", "reference", "mask"),
    *("subject", "model", "class", "domain", "subdomain", "difficulty", "groups", "score", "scores", "costs"),
    *("objects", "target_objects"),
    *("messages", "images"),
)
"""What `columns` may name, besides what has a name of its own: `score.NAME`, `cost.NAME` and `group.NAME`."""
NAMED = ("score.", "cost.", "group.")


@dataclass(frozen=True)
class Head:
    """What is seen of a file or folder before it is read.

    Attributes:
        path: the file or folder.
        start: its first bytes; empty for a folder.
        value: the first JSON object: that of the first line, the first of the file's array, or the file's only one;
            None where there is none.
        names: the cells of the first line of a text that is no JSON, split by comma, semicolon or tab; else empty.
        entries: names of what a folder holds at its top, or a zip archive anywhere; empty for all else.
        fault: why what looks like JSON could not be read.
        columns: what the caller has named, see `ReadOptions`.
    """

    path: Path
    start: bytes = b""
    value: Any = None
    names: tuple[str, ...] = ()
    entries: tuple[str, ...] = ()
    fault: str = ""
    columns: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class ReadOptions:
    """How a file is read.

    Attributes:
        columns: by field of a record, one of `FIELDS`, or by `score.NAME`, `cost.NAME` or `group.NAME`, the column or
            key that holds it; fields that are not named are looked for under their usual names.
        images: the folder that image paths of the file lie in, and that none may lead out of; None: the file's own.
        benchmark: the folder of the questions, where outputs do not hold them (IMUG-Bench).
        model: the name of the model, where the file does not say it; None: the file's name.

    Raises:
        ArgumentError: if `columns` names no field of a record.

    Example:
        >>> ReadOptions({"dialog": "id"})
        Traceback (most recent call last):
        ...
        imug_metrics.errors.ArgumentError: Argument `columns`: expected fields of a record, such as dialogue, turn,
        score or score.NAME, got 'dialog'; did you mean `dialogue`?
    """

    columns: Mapping[str, str] = field(default_factory=dict)
    images: Path | None = None
    benchmark: Path | None = None
    model: str | None = None

    def __post_init__(self) -> None:
        for name in self.columns:
            own = name.startswith(NAMED) and not name.endswith(".")
            if not own and name not in FIELDS:
                expected = "expected fields of a record, such as dialogue, turn, score or score.NAME"
                raise ArgumentError("columns", f"{expected}, got {name!r}{meant(name, FIELDS)}")


class RecordAt(NamedTuple):
    """A record, and where it was read.

    Attributes:
        record: what was read.
        line: line or row of the file, from 1; None where it has none.
        model: the name of the model; None where the file does not say it.
        file: the file; None: the one that is read.

    Example:
        >>> RecordAt(Record("a", 1, "text", "Which?", text="B"), line=3).line
        3
    """

    record: Record
    line: int | None = None
    model: str | None = None
    file: Path | None = None


class Reader(Protocol):
    """Reads one format: `name` for messages and `--format`, `recognises` by content, and `read`."""

    @property
    def name(self) -> str:
        """What the format is called."""
        ...

    def recognises(self, head: Head) -> bool:
        """Whether this is a file of the format, judged by its content; of no file may two readers say so."""
        ...

    def read(self, path: Path, options: ReadOptions, problems: Problems) -> Iterator[RecordAt]:
        """The records of a file, one at a time; which of them repeat a turn is not the reader's to notice.

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
