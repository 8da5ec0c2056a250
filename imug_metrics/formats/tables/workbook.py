# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Workbooks of spreadsheets (.xlsx): the rows of their first sheet, as values; no link is ever followed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from imug_metrics._optional import require
from imug_metrics.formats.common.zip_members import ZipError, ZipMembers
from imug_metrics.reading.files import Problems
from imug_metrics.reading.text_files import TextError

MAX_WORKBOOK_BYTES = 2**29
"""Bytes that the parts of a workbook may unpack to."""

MEMBER = "xl/workbook.xml"
"""What every workbook holds."""

_PURPOSE = "A workbook (.xlsx)"


def stream_workbook(
    path: Path, problems: Problems | None = None
) -> tuple[tuple[str, ...], Iterator[tuple[int, dict[str, Any] | TextError]]]:
    """The columns of a workbook's first sheet and its rows, one at a time, as `stream_table` gives them.

    Args:
        path: the file; the first row of its first sheet that is not empty names the columns.
        problems: is told of sheets that are not read.

    Raises:
        OSError: if it cannot be opened.
        TextError: if it is no workbook, too large, damaged, or its first row names no columns.
        ModuleNotFoundError: if openpyxl is not installed.
    """
    openpyxl = require("openpyxl", purpose=_PURPOSE, extra="formats")
    try:
        with ZipMembers(path, max_bytes=MAX_WORKBOOK_BYTES) as members:
            members.check(MAX_WORKBOOK_BYTES)
    except ZipError as error:
        raise TextError(str(error), path) from error
    cells = _cells(openpyxl, path, problems)
    head = next(cells, None)
    if head is None:
        raise TextError("expected a first row that names the columns, got an empty sheet", path)
    line, names = head
    if isinstance(names, TextError):
        raise TextError(names.message, path, line)
    columns = ["" if name is None else str(name) for name in names]
    if twice := next((name for name in columns if name and columns.count(name) > 1), None):
        raise TextError(f"expected a name for each column, got `{twice[:80]}` twice", path, line)
    return tuple(columns), ((line, row if isinstance(row, TextError) else _named(row, columns)) for line, row in cells)


def _cells(openpyxl: Any, path: Path, problems: Problems | None) -> Iterator[tuple[int, list[Any] | TextError]]:
    """Rows that are not empty, each with its number; behind a damage nothing more can be read."""
    number = 0
    with path.open("rb") as file:
        try:
            book = openpyxl.load_workbook(file, read_only=True, data_only=True, keep_links=False)
            sheet = book.worksheets[0]
            if others := [name[:40] for name in book.sheetnames if name != sheet.title][:10]:
                message = f"only the sheet {sheet.title[:40]!r} is read, the first, and not {', '.join(others)}"
                (Problems() if problems is None else problems).warn(path, None, "", message)
            sheet.reset_dimensions()  # what a file says of its size may be wrong
            for number, row in enumerate(sheet.iter_rows(values_only=True), 1):
                values = [*row]
                while values and values[-1] in (None, ""):
                    values.pop()
                if values:
                    yield number, values
        except Exception as error:  # parsers of damaged workbooks raise nearly anything
            reason = (str(error) or type(error).__name__).partition("\n")[0][:200]
            yield number + 1, TextError(f"could not be read, and nothing behind it: {reason}")


def _named(row: list[Any], columns: list[str]) -> dict[str, Any] | TextError:
    """Cells by column; those at the right that are empty are not there."""
    if len(row) > len(columns):
        return TextError(f"expected {len(columns)} cells, as in the first row, got {len(row)}")
    return dict(zip(columns, [*row, *[None] * (len(columns) - len(row))]))
