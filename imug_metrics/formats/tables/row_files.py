# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""The rows of a table, whatever file it stands in: CSV, TSV, JSON lines or a workbook."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Any, TypeAlias

from imug_metrics.formats.common.json_rows import json_rows
from imug_metrics.formats.common.usual_names import USUAL
from imug_metrics.formats.protocol import Head
from imug_metrics.formats.tables.workbook import MEMBER, stream_workbook
from imug_metrics.reading.files import Problems
from imug_metrics.reading.tables import stream_table
from imug_metrics.reading.text_files import TextError

RowsAt: TypeAlias = "Iterator[tuple[int, Mapping[str, Any]]]"

_HEAD = 2**12
_BLANK = b"\xef\xbb\xbf \t\r\n"
_MAX_NAMES = 1_000


def open_rows(path: Path, problems: Problems) -> tuple[tuple[str, ...], RowsAt]:
    r"""The columns of a table, and (line, row) of each row that can be read; others are collected as problems.

    Args:
        path: the file.
        problems: collects what is wrong; of a file that is no table nothing is read.

    Raises:
        ModuleNotFoundError: if it is a workbook and openpyxl is not installed.

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp(), "mine.csv")
        >>> _ = path.write_text("id;turn;score\n7;1;0.5\n7;2\n")
        >>> problems = Problems()
        >>> columns, rows = open_rows(path, problems)
        >>> columns, [*rows], len(problems)
        (('id', 'turn', 'score'), [(2, {'id': '7', 'turn': '1', 'score': '0.5'})], 1)
    """
    try:
        with path.open("rb") as file:
            start = file.read(_HEAD)
        if start.lstrip(_BLANK).startswith((b"{", b"[")):
            names = json_names(path)
            return names, json_rows(path, problems)
        if start.startswith(b"PK"):
            columns, rows = stream_workbook(path, problems)
        else:
            known = [name for ranks in USUAL.values() for rank in ranks for name in rank]
            columns, rows = stream_table(path, known=known)
    except OSError as error:
        problems.error(path, None, "", f"could not be opened: {error.strerror}")
    except TextError as error:
        problems.error(path, None, "", str(error).removeprefix(f"{path}:").strip())
    else:
        return columns, _told(path, rows, problems)
    return (), iter(())


def json_names(path: Path) -> tuple[str, ...]:
    """All keys of the objects of a file, for rows need not have the same."""
    names: dict[str, None] = {}
    for _, row in json_rows(path, Problems()):
        names.update(dict.fromkeys(islice(row, _MAX_NAMES - len(names))))
    return tuple(names)


def head_names(head: Head) -> tuple[str, ...] | None:
    """The columns of a file that was looked at, as far as its head shows them; None where it is no table.

    Of a workbook they are the first row, or nothing where it cannot be opened.
    """
    if isinstance(head.value, Mapping):
        return tuple(head.value)
    if MEMBER not in head.entries:
        return head.names or None
    try:
        return stream_workbook(head.path)[0]
    except (OSError, TextError, ModuleNotFoundError):
        return ()


def _told(
    path: Path, rows: Iterator[tuple[int, dict[str, Any] | TextError]], problems: Problems
) -> Iterator[tuple[int, dict[str, Any]]]:
    for line, row in rows:
        if isinstance(row, TextError):
            problems.error(path, line, "", row.message)
        else:
            yield line, row
