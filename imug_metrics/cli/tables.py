# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Tables in the terminal, in colour."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.measure import Measurement
from rich.table import Table as RichTable
from rich.text import Text

from imug_metrics.report.sanitize import plain
from imug_metrics.report.tables.table import Cell, Table
from imug_metrics.report.tables.text import first_line, narrow

_STYLES = {"": "", "bold": "bold", "dim": "dim", "good": "bold green", "bad": "bold red", "warn": "bold yellow"}

_UNBOUNDED = 100_000
_LONGEST = 14  # letters of a word that is kept whole


def print_tables(tables: Iterable[Table], console: Console | None = None) -> None:
    """Print tables one below the other.

    Args:
        tables: what to print.
        console: where; standard output by default.
    """
    console = console or Console()
    for table in tables:
        narrowed = narrow(table) if table.compact else table
        for part in _parts(narrowed, console):
            console.print(_rich(part))
        # Names come from the data: `Text` takes them literally where rich would read markup.
        if table.caption:
            console.print(Text("\n".join(map(plain, table.caption)), style="table.caption"), end="\n\n")


def _parts(table: Table, console: Console) -> Iterator[Table]:
    """The table in as many parts as its columns need, each with the names of the rows."""
    every = range(len(table.header))
    parts: list[list[int]] = [[0]]
    for place in every[1:]:
        if len(parts[-1]) > 1 and _width(_chosen(table, [*parts[-1], place]), console) > console.width:
            parts.append([0])
        parts[-1].append(place)
    for part, columns in enumerate(parts):
        yield replace(_chosen(table, columns), title=table.title if part == 0 else "")


def _chosen(table: Table, columns: Sequence[int]) -> Table:
    groups = [[[row[place] for place in columns] for row in rows] for rows in table.groups]
    return replace(table, header=tuple(table.header[place] for place in columns), groups=groups)


def _width(table: Table, console: Console) -> int:
    """Characters that a line needs at least: names of rows can be folded between words, numbers cannot."""
    whole = Cell("x" * _longest_word(table))
    groups = [[[whole, *row[1:]] for row in rows] for rows in table.groups]
    shown = replace(table, header=("", *table.header[1:]), groups=groups, title="")
    return Measurement.get(console, console.options.update(width=_UNBOUNDED), _rich(shown)).maximum


def _longest_word(table: Table) -> int:
    """Of the names of rows; one that is longer than usual is broken all the same."""
    words = [word for row in table.rows for word in row[0].text.split()]
    return min(max(map(len, words), default=0), _LONGEST)


def _rich(table: Table) -> RichTable:
    tall = max(heading.count("\n") for heading in table.header)
    shown = RichTable(box=SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0) if len(table.header) < 8 else 0)
    shown.title, shown.title_justify = (Text(plain(table.title), style="bold") if table.title else None), "left"
    for place, heading in enumerate(table.header):
        lines = [*[""] * (tall - heading.count("\n")), *heading.split("\n")]
        label = Text("\n".join(map(plain, lines)))
        if place == 0:
            shown.add_column(label, overflow="fold", min_width=max(7, _longest_word(table)))
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
