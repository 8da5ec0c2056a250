# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Tables as CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from imug_metrics.report.tables.table import Table

Entry: TypeAlias = "float | str | None"


def csv_table(table: Table) -> str:
    r"""The exact values of a table, see `Table.records`; an undefined number is an empty cell.

    A text that a spreadsheet would take for a formula begins with an apostrophe.

    Example:
        >>> from imug_metrics.report.tables.table import Cell, Table
        >>> csv_table(Table(("Model", "Score"), [[(Cell("=1+1"), Cell("–", value=float("nan")))]]))
        "Model,Score\n'=1+1,\n"
    """
    records = table.records()
    return csv_text(records[0] if records else table.columns, (record.values() for record in records))


def csv_text(columns: Iterable[str], rows: Iterable[Iterable[Entry]]) -> str:
    """Columns and rows as CSV, for more rows than a `Table` should hold.

    Args:
        columns: headings.
        rows: the entries of each; None is an empty cell.
    """
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(map(_safe, columns))
    writer.writerows(map(_safe, row) for row in rows)
    return buffer.getvalue()


def _safe(entry: Entry) -> float | str:
    if isinstance(entry, str) and entry.startswith(("=", "+", "-", "@", "\t", "\r")):
        return f"'{entry}"
    return "" if entry is None else entry
