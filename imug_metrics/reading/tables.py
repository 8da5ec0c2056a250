# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Tables that people wrote: CSV whose columns are known by name, separated by comma, semicolon or tab."""

from __future__ import annotations

import csv
import io
from collections import deque
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from imug_metrics.reading.fields import name_fault
from imug_metrics.reading.text_files import MAX_TEXT_BYTES, TextError, read_lines, read_text

SEPARATORS = {",": "comma", ";": "semicolon", "\t": "tab"}
MAX_CELL = 2**17
"""Characters of the longest cell of a table that is read as a whole."""
_MAX_LINES = 2_000  # of one row; a quote that is open for longer was never closed
_MAX_AGAIN = 100_000  # lines of a file that are read again; bounds the time that a hostile one takes


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
        row = _named(cells, columns, separator)
        if isinstance(row, TextError):
            raise TextError(row.message, path, line)
        yield line, row


def stream_table(
    path: Path, *, known: Collection[str] = (), separators: Collection[str] = tuple(SEPARATORS)
) -> tuple[tuple[str, ...], Iterator[tuple[int, dict[str, str] | TextError]]]:
    """The columns of a CSV file, whatever they are called, and its rows, one at a time.

    The separator is the one that splits the first line into most columns that are known, else into most.

    Args:
        path: the file; its first line names the columns.
        known: names that columns may have.
        separators: those that are tried.

    Returns:
        The names of the columns, and (line, cell by column) of each row that is not empty. In place of a row that
        cannot be read stands what is wrong with it; reading goes on at the next line.

    Raises:
        OSError: if it cannot be opened.
        TextError: if it is empty, in another encoding, or its first line names no columns; the message names the file.
    """
    heads = {separator: _first(path, separator) for separator in separators}
    plain = {_plain(name) for name in known}
    separator = max(heads, key=lambda each: (len(plain & {_plain(name) for name in heads[each]}), len(heads[each])))
    rows = _split(_file_lines(path), separator, MAX_TEXT_BYTES)
    line, head = next(rows, (1, TextError("expected a first line that names the columns, got an empty file")))
    if isinstance(head, TextError):
        raise TextError(head.message, path, line)
    columns = _without_end(head)
    if twice := next((name for name in columns if name and columns.count(name) > 1), None):
        raise TextError(f"expected a name for each column, got `{twice[:80]}` twice", path, line)
    if not any(character.isalnum() for name in columns for character in name):
        raise TextError(f"expected a first line that names the columns, got {head!r}"[:120], path, line)
    return tuple(columns), (
        (line, cells if isinstance(cells, TextError) else _named(cells, columns, separator)) for line, cells in rows
    )


def _first(path: Path, separator: str) -> list[str]:
    """The columns by a separator; none where the first line cannot be split by it."""
    _, cells = next(_split(_file_lines(path), separator, MAX_TEXT_BYTES), (1, []))
    return [] if isinstance(cells, TextError) else _without_end(cells)


def _file_lines(path: Path) -> Iterator[tuple[int, str | TextError]]:
    for number, text in read_lines(path):
        yield number, text if isinstance(text, TextError) else text + "\n"


def _named(cells: list[str], columns: list[str], separator: str) -> dict[str, str] | TextError:
    """Cells by column, or what is wrong with their number."""
    if len(cells) < len(columns) or len(_without_end(cells)) > len(columns):
        found = f"expected {len(columns)} cells, as in the first line, got {len(cells)}"
        return TextError(f"{found}; a cell that holds a {SEPARATORS[separator]} needs quotes")
    return dict(zip(columns, cells))


def _plain(name: str) -> str:
    return name.strip().casefold()


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
    for line, cells in _split(enumerate(io.StringIO(text, newline=""), 1), separator, MAX_CELL):
        if isinstance(cells, TextError):
            raise TextError(cells.message, path, line) from cells
        yield line, cells


class _Lines:
    """Lines as the csv module takes them; of a row that is broken, all but the first can be read again."""

    def __init__(self, lines: Iterable[tuple[int, str | TextError]]) -> None:
        self._lines, self._again = iter(lines), deque[tuple[int, str | TextError]]()
        self._row: list[tuple[int, str | TextError]] = []
        self._size, self._left = 0, _MAX_AGAIN

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        if len(self._row) >= _MAX_LINES or self._size > MAX_TEXT_BYTES:
            raise TextError(f"expected CSV: a quote is open for more than {len(self._row)} lines")
        number, text = self._again.popleft() if self._again else next(self._lines)
        self._row.append((number, text))
        if isinstance(text, TextError):
            raise text
        self._size += len(text)
        return text

    @property
    def begun(self) -> bool:
        """Whether a line of the row was read."""
        return bool(self._row)

    @property
    def begin(self) -> int:
        """The line at which the row begins."""
        return self._row[0][0]

    def forget(self) -> None:
        """Begin a row."""
        self._row, self._size = [], 0

    def give_back(self) -> str:
        """Read again what follows the first line of the row; what is said of lines where that was done too often."""
        rest = self._row[1:]
        self._left -= len(rest)
        if self._left < 0 and rest:
            return f"; lines {self.begin} to {rest[-1][0]} are not read"
        self._again.extendleft(reversed(rest))
        return ""


def _split(
    lines: Iterable[tuple[int, str | TextError]], separator: str, max_cell: int
) -> Iterator[tuple[int, list[str] | TextError]]:
    """Rows that are not empty, each with the line at which it begins; in place of a broken one, what is wrong.

    Reading goes on at the line behind that at which a broken row begins, so that a quote that is not closed costs one.
    """
    source = _Lines(lines)
    reader = csv.reader(source, delimiter=separator, strict=True)
    while True:
        source.forget()
        try:
            with _cell_limit(max_cell):
                cells = next(reader)
        except StopIteration:
            return
        except (csv.Error, TextError) as error:
            if not source.begun:
                raise  # the file as a whole
            message = error.message if isinstance(error, TextError) else f"expected CSV: {_reason(error)}"
            yield source.begin, TextError(message + source.give_back())
        else:
            if _without_end(cells):
                yield source.begin, cells


def _reason(error: csv.Error) -> str:
    return "a CR within the line; lines end in LF or CRLF" if "new-line" in str(error) else str(error)


@contextmanager
def _cell_limit(size: int) -> Iterator[None]:
    """The csv module's limit, which is one for the whole process, for the time of one row."""
    before = csv.field_size_limit(size)
    try:
        yield
    finally:
        csv.field_size_limit(before)


def _without_end(cells: list[str]) -> list[str]:
    """Cells up to the last that is not empty."""
    return cells[: max((place for place, cell in enumerate(cells, 1) if cell.strip()), default=0)]
