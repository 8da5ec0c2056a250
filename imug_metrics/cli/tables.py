# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Tables in the terminal, in colour."""

from __future__ import annotations

from collections.abc import Iterable

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table as RichTable
from rich.text import Text

from imug_metrics.report.sanitize import plain
from imug_metrics.report.tables.table import Cell, Table
from imug_metrics.report.tables.text import first_line, narrow

_STYLES = {"": "", "bold": "bold", "dim": "dim", "good": "bold green", "bad": "bold red", "warn": "bold yellow"}


def print_tables(tables: Iterable[Table], console: Console | None = None) -> None:
    """Print tables one below the other.

    Args:
        tables: what to print.
        console: where; standard output by default.
    """
    console = console or Console()
    for table in tables:
        console.print(_rich(table))


def _rich(table: Table) -> RichTable:
    table = narrow(table) if table.compact else table
    tall = max(heading.count("\n") for heading in table.header)
    shown = RichTable(box=SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0) if len(table.header) < 9 else 0)
    shown.title, shown.title_justify = (Text(plain(table.title), style="bold") if table.title else None), "left"
    # Names come from the data: `Text` takes them literally where rich would read markup.
    caption = Text("\n".join(map(plain, table.caption)), style="table.caption")
    shown.caption, shown.caption_justify = caption if table.caption else None, "left"
    for place, heading in enumerate(table.header):
        lines = [*[""] * (tall - heading.count("\n")), *heading.split("\n")]
        label = Text("\n".join(map(plain, lines)))
        if place == 0:
            shown.add_column(label, overflow="fold", min_width=7)
        else:
            shown.add_column(label, justify="right", no_wrap=True, overflow="crop")
    for rows in table.groups:
        for row in rows:
            shown.add_row(*map(_text, row))
        shown.add_section()
    return shown


def _text(cell: Cell) -> Text:
    text = Text(first_line(cell), style=_STYLES["warn" if cell.marks and cell.model is None else cell.tone])
    if cell.below:
        text.append(f"\n{plain(cell.below)}", style="dim")
    return text
