# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Rows of records as a list, a data frame or an Arrow table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from imug_metrics._optional import require

Table = Literal["list", "pandas", "arrow"]


def as_table(rows: Sequence[Mapping[str, Any]], table: Table) -> Any:
    """Rows that all have the columns of all, in the form asked for.

    Raises:
        ValueError: if `table` is unknown.
        ModuleNotFoundError: if the package is not installed.
    """
    found = _of_equal_columns(rows)
    if table == "pandas":
        return require("pandas", purpose="A data frame").DataFrame(found)
    if table == "arrow":
        return require("pyarrow", purpose="An Arrow table").Table.from_pylist(found)
    if table != "list":
        raise ValueError(f"Expected argument `table` to be list, pandas or arrow, got {table!r}.")
    return found


def _of_equal_columns(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Rows that all have the columns of all."""
    columns = dict.fromkeys(column for row in rows for column in row)
    return [dict(row) if len(row) == len(columns) else {**dict.fromkeys(columns), **row} for row in rows]
