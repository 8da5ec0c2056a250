# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""A look at a file or folder: enough to tell its format, and to say what was seen."""

from __future__ import annotations

import csv
import errno
import io
import os
import stat
import zipfile
from collections.abc import Mapping
from itertools import islice
from pathlib import Path
from typing import Any

from imug_metrics.errors import ArgumentError
from imug_metrics.formats.common.json_rows import json_rows
from imug_metrics.formats.protocol import Head
from imug_metrics.reading.encodings import marked_encoding
from imug_metrics.reading.files import Problems
from imug_metrics.reading.tables import SEPARATORS
from imug_metrics.reading.text_files import TextError, read_beginning

_START = 2**12
_MAX_ENTRIES = 1_000
_LISTED = 12
_JSON = (b"{", b"[")
_BLANK = b"\xef\xbb\xbf \t\r\n"
_MAGIC = (
    (b"PAR1", "a parquet file"),
    (b"ARROW1", "an arrow file"),
    (b"\x1f\x8b", "a file packed with gzip, which has to be unpacked first"),
    (b"BZh", "a file packed with bzip2, which has to be unpacked first"),
    (b"\xfd7zXZ\0", "a file packed with xz, which has to be unpacked first"),
    (b"\x28\xb5\x2f\xfd", "a file packed with zstd, which has to be unpacked first"),
    (b"PK\x03\x04", "a zip archive"),
    (b"\x89PNG", "an image"),
    (b"\xff\xd8\xff", "an image"),
    (b"%PDF", "a PDF document"),
    (b"SQLite format 3", "a database"),
)


def read_head(path: Path, columns: Mapping[str, str] | None = None) -> Head:
    """Look at a file or folder.

    Args:
        path: the file or folder.
        columns: what the caller has named.

    Raises:
        ArgumentError: of `path`, if it cannot be opened.
    """
    columns = columns or {}
    try:
        if not path.is_dir() and not stat.S_ISREG(path.stat().st_mode):
            raise OSError(errno.EINVAL, "it is a device or a pipe")
        if path.is_dir():
            entries = sorted(entry.name for entry in islice(os.scandir(path), _MAX_ENTRIES))
            return Head(path, entries=tuple(entries), columns=columns)
        with path.open("rb") as file:
            start = file.read(_START)
    except (OSError, ValueError) as error:  # ValueError: a name that no file can have
        reason = getattr(error, "strerror", None) or str(error)
        raise ArgumentError("path", f"expected a file or folder that can be read, got {path}: {reason}") from error
    problems = Problems()
    is_json = start.lstrip(_BLANK).startswith(_JSON)
    value = next((row for _, row in json_rows(path, problems)), None) if is_json else None
    fault = str(problems[0]).removeprefix(f"{path}:") if problems and value is None else ""
    names = _cells(path) if not is_json and not _is_binary(start) and not _known(start) else ()
    return Head(path, start, value, names, tuple(_archived(path, start)), fault, columns)


def describe(head: Head) -> str:
    """What was seen of a file, for a message.

    Example:
        >>> describe(Head(Path("a.jsonl"), b'{"id": 1, "reply": "B"}', {"id": 1, "reply": "B"}))
        'JSON with the fields id, reply'
        >>> describe(Head(Path("a.csv"), b"id;reply", names=("id", "reply"))), describe(Head(Path("a.bin"), b"PAR1"))
        ('a text whose first line has the cells id, reply', 'a parquet file')
    """
    if head.value is not None:
        return f"JSON with the fields {_listed(head.value)}"
    if len(head.names) == 1:
        separators = ", ".join(SEPARATORS.values())
        return f"a text whose first line, {head.names[0][:80]!r}, has one cell (separated by {separators})"
    if head.fault:
        return f"JSON that cannot be read ({head.fault.strip()[:200]})"
    if head.names:
        return f"a text whose first line has the cells {_listed(head.names)}"
    if known := _known(head.start):
        return known + (f" of {_listed(head.entries)}" if head.entries else "")
    if head.start:
        return _unread(head)
    if head.path.is_dir():
        return f"a folder of {_listed(head.entries)}" if head.entries else "an empty folder"
    return "an empty file"


def _known(start: bytes) -> str:
    """What a file is that begins in this way; empty where its beginning says nothing."""
    return next((what for magic, what in _MAGIC if start.startswith(magic)), "")


def _unread(head: Head) -> str:
    """What a file is whose beginning is no text, or says nothing that is known."""
    if _is_binary(head.start) and not marked_encoding(head.start):
        return "a binary file"
    try:
        read_beginning(head.path, _START)
    except TextError as error:
        return f"a text in another encoding ({error.message})"
    except OSError as error:
        return f"a file that cannot be read ({error.strerror})"
    return "text that holds no JSON object"


def _listed(names: Any) -> str:
    shown = [str(name)[:40] for name in islice(names, _LISTED)]
    return ", ".join(shown) + (", ..." if len(names) > _LISTED else "")


def _is_binary(start: bytes) -> bool:
    return b"\0" in start


def _cells(path: Path) -> tuple[str, ...]:
    """The first line, split by the separator that splits it most."""
    try:
        line = read_beginning(path, 4 * _START).lstrip("\n").partition("\n")[0]
        split = [next(csv.reader(io.StringIO(line, newline=""), delimiter=separator), []) for separator in SEPARATORS]
    except (OSError, TextError, csv.Error):
        return ()
    cells = [cell.strip() for cell in max(split, key=len)]
    while cells and not cells[-1]:  # as spreadsheets leave them
        cells.pop()
    return tuple(cells)


def _archived(path: Path, start: bytes) -> list[str]:
    if not start.startswith(b"PK"):
        return []
    try:
        with zipfile.ZipFile(path) as archive:
            return archive.namelist()[:_MAX_ENTRIES]
    except (OSError, ValueError, zipfile.BadZipFile, NotImplementedError):
        return []
