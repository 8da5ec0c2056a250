# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Tables as Markdown."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING

from imug_metrics.report.sanitize import plain
from imug_metrics.report.tables.text import first_line

if TYPE_CHECKING:
    from imug_metrics.report.tables.table import Cell, Table

_ACTIVE = re.compile(r"([\\`*_{}\[\]<>#|~]|&(?=#?\w+;))")  # & would begin an entity


def markdown_table(table: Table) -> str:
    r"""What readers see of a table, with intervals in brackets; title above and caption below.

    Example:
        >>> from imug_metrics.report.tables.table import Cell, Table
        >>> row = (Cell("a|b"), Cell("0.50", below="0.4 to 0.6"))
        >>> print(markdown_table(Table(("Model", "Score"), [[row]])), end="")
        | Model | Score |
        |:--|--:|
        | a\|b | 0.50 (0.4 to 0.6) |
    """
    title = [f"**{_escaped(table.title)}**", ""] if table.title else []
    head = [_line(map(_escaped, table.columns)), "|:--|" + "--:|" * (len(table.header) - 1)]
    rows = [_line(map(_text, row)) for row in table.rows]
    caption = ["", *(f"{_escaped(line)}  " for line in table.caption)] if table.caption else []
    return "\n".join([*title, *head, *rows, *caption]) + "\n"


def _line(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _text(cell: Cell) -> str:
    shown = first_line(cell) or str(cell.content if cell.model is not None else "")
    return _escaped(f"{shown} ({cell.below})" if cell.below else shown)


def _escaped(text: str) -> str:
    return _ACTIVE.sub(r"\\\1", plain(" ".join(text.split())))
