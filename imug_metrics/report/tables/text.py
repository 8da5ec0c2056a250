# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Tables as plain text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from textwrap import wrap
from typing import TYPE_CHECKING

from imug_metrics.report.sanitize import plain

if TYPE_CHECKING:
    from imug_metrics.report.tables.table import Cell, Table

_NARROW = 8
"""Characters of a line of a heading, unless a word is longer."""


def text_table(table: Table) -> str:
    r"""The table in columns of spaces, title above and caption below.

    Example:
        >>> from imug_metrics.report.tables.table import Cell, Table
        >>> print(text_table(Table(("\nModel", "Re-\ntrieval"), [[(Cell("a"), Cell("0.50", below="0.4…0.6"))]])))
                   Re-
        Model  trieval
        ──────────────
        a         0.50
               0.4…0.6
    """
    table = narrow(table) if table.compact else table
    header = [[*map(plain, heading.split("\n"))] for heading in table.header]
    tall = max(map(len, header))
    head = list(zip(*([""] * (tall - len(lines)) + lines for lines in header), strict=True))
    groups = [[line for row in rows for line in _lines(row)] for rows in table.groups]
    every = [*head, *(line for lines in groups for line in lines)]
    widths = [max(len(line[place]) for line in every) for place in range(len(table.header))]
    rule = "─" * (sum(widths) + 2 * (len(widths) - 1))
    body = [rule if line is None else _aligned(line, widths) for line in _ruled(groups)]
    title = [plain(table.title)] if table.title else []
    return "\n".join([*title, *(_aligned(line, widths) for line in head), rule, *body, *map(plain, table.caption)])


def narrow(table: Table) -> Table:
    r"""The table with headings broken at their words, and without second lines.

    Example:
        >>> from imug_metrics.report.tables.table import Cell, Table
        >>> found = narrow(Table(("Answers, official rule",), [[(Cell("0.50", below="0.4 to 0.6"),)]]))
        >>> found.header, found.groups[0][0][0].below
        (('Answers,\nofficial\nrule',), '')
    """
    header = ("\n".join(wrap(heading, _NARROW, break_long_words=False)) for heading in table.columns)
    groups = [[[cell._replace(below="") for cell in row] for row in rows] for rows in table.groups]
    return replace(table, header=tuple(header), groups=groups, compact=False)


def first_line(cell: Cell) -> str:
    """The text with the signs of what must be known of it.

    Example:
        >>> from imug_metrics.report.tables.table import Cell, Mark
        >>> first_line(Cell("0.50", marks=(Mark("!", "coverage", "half is missing"),)))
        '0.50 !'
    """
    signs = "".join(dict.fromkeys(mark.sign for mark in cell.marks))
    return plain(f"{cell.text} {signs}" if signs else cell.text)


def _lines(row: Sequence[Cell]) -> list[tuple[str, ...]]:
    first = tuple(first_line(cell) for cell in row)
    second = tuple(plain(cell.below) for cell in row)
    return [first, second] if any(second) else [first]


def _ruled(groups: Sequence[Sequence[tuple[str, ...]]]) -> list[tuple[str, ...] | None]:
    """The lines of all groups, None between two of them."""
    lines: list[tuple[str, ...] | None] = []
    for group in groups:
        if lines and group:
            lines.append(None)
        lines.extend(group)
    return lines


def _aligned(line: Sequence[str], widths: Sequence[int]) -> str:
    """The first column to the left, the others to the right."""
    first = line[0].ljust(widths[0])
    others = (text.rjust(width) for text, width in zip(line[1:], widths[1:], strict=True))
    return "  ".join([first, *others]).rstrip()
