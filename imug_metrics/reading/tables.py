# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Tables that people wrote: CSV whose columns are known by name, separated by comma, semicolon or tab."""

from __future__ import annotations

import csv
import io
from collections.abc import Collection, Iterator
from pathlib import Path

from imug_metrics.reading.fields import name_fault
from imug_metrics.reading.text_files import TextError, read_text

SEPARATORS = {",": "comma", ";": "semicolon", "\t": "tab"}


def read_table(
    path: Path, *, required: Collection[str], optional: Collection[str] = ()
) -> Iterator[tuple[int, dict[str, str]]]:
    """Yield (line, cell by column) of a CSV file, whose first line names the columns.

    The separator is the one that splits the first line into known columns. Empty columns at the right, as spreadsheets
    leave them, and empty lines are passed over.

    Args:
        path: the file.
        required: columns that it must have.
        optional: columns that it may have.

    Raises:
        OSError: if it cannot be opened.
        TextError: if it is not UTF-8, a column is unknown, missing or there twice, or a line has not the cells of the
            first; the message names file and line.
    """
    text = read_text(path)
    separator = _separator(text, path, required, optional)
    rows = _rows(text, path, separator)
    line, head = next(rows)
    columns = _without_end(head)
    if fault := name_fault(columns, required, optional):
        apart = f", separated by {', '.join(SEPARATORS.values())}" if len(columns) == 1 else ""
        raise TextError(fault + apart, path, line)
    for line, cells in rows:
        if len(cells) < len(columns) or len(_without_end(cells)) > len(columns):
            found = f"expected {len(columns)} cells, as in the first line, got {len(cells)}"
            raise TextError(f"{found}; a cell that holds a {SEPARATORS[separator]} needs quotes", path, line)
        yield line, dict(zip(columns, cells))


def _separator(text: str, path: Path, required: Collection[str], optional: Collection[str]) -> str:
    """The separator by which the first line has the columns, else the one by which it has most that are known."""
    known = {*required, *optional}
    heads = {separator: _head(text, path, separator) for separator in SEPARATORS}
    if not any(heads.values()):
        next(_rows(text, path, ","), None)  # raises where it is no CSV
        raise TextError(f"expected a first line with {', '.join(required)}, got an empty file", path)
    fitting = [separator for separator, head in heads.items() if name_fault(head, required, optional) is None]
    likely = max(SEPARATORS, key=lambda separator: (len(known & {*heads[separator]}), len(heads[separator])))
    return fitting[0] if fitting else likely


def _head(text: str, path: Path, separator: str) -> list[str]:
    """The columns by a separator; none where the first line cannot be split by it."""
    try:
        return _without_end(next(_rows(text, path, separator), (1, []))[1])
    except TextError:
        return []


def _rows(text: str, path: Path, separator: str) -> Iterator[tuple[int, list[str]]]:
    """Rows that are not empty, each with the line at which it begins."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    line = 1
    try:
        for cells in reader:
            if _without_end(cells):
                yield line, cells
            line = reader.line_num + 1
    except csv.Error as error:
        raise TextError(f"expected CSV: {error}", path, line) from error


def _without_end(cells: list[str]) -> list[str]:
    """Cells up to the last that is not empty."""
    return cells[: max((place for place, cell in enumerate(cells, 1) if cell.strip()), default=0)]
