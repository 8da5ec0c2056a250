# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""The tables of a report as files: CSV, Markdown and LaTeX."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from imug_metrics.errors import ArgumentError
from imug_metrics.reading.text_files import read_text
from imug_metrics.report.files import json_text, write_whole
from imug_metrics.report.tables.table import Table

INDEX = "index.json"
"""Says which files the report wrote, so that a later one takes away those that it does not replace."""

_FILE = re.compile(r"[a-z0-9_]+\.(csv|md|tex)")


def write_tables(folder: Path, tables: Iterable[Table]) -> list[str]:
    """Write every table that has a name, as `<name>.csv`, `.md` and `.tex`; those of an earlier report go away.

    Args:
        folder: made where it does not exist.
        tables: with names of their own.

    Returns:
        Names of the files, in order.

    Raises:
        ArgumentError: if a name is not of the characters a-z, 0-9 and _, or if two tables have the same.
    """
    named = [table for table in tables if table.name]
    _check_names([table.name for table in named])
    folder.mkdir(parents=True, exist_ok=True)
    written: list[str] = []
    for table in named:
        forms = {"csv": table.to_csv, "md": table.to_markdown, "tex": table.to_latex}
        written += [write_whole(folder / f"{table.name}.{form}", make()).name for form, make in forms.items()]
    for name in set(_earlier(folder)) - set(written):
        (folder / name).unlink(missing_ok=True)
    write_whole(folder / INDEX, json_text("tables", {"files": written}))
    return written


def _check_names(names: Sequence[str]) -> None:
    for place, name in enumerate(names):
        if not _FILE.fullmatch(f"{name}.csv"):
            raise ArgumentError("sections", f"expected names of tables of the characters a-z, 0-9 and _, got {name!r}")
        if name in names[:place]:
            raise ArgumentError("sections", f"expected names of tables to differ, got {name!r} twice")


def _earlier(folder: Path) -> Iterator[str]:
    """The files that the report before wrote, as its index says; nothing else is ever taken away."""
    try:
        listed = json.loads(read_text(folder / INDEX))["files"]
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return
    if isinstance(listed, list):
        yield from (name for name in listed if isinstance(name, str) and _FILE.fullmatch(name))
