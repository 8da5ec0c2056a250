# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""The tables of a report as files: CSV, Markdown and LaTeX."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from imug_metrics.errors import ArgumentError
from imug_metrics.report.files import write_whole
from imug_metrics.report.folder_index import indexed_files, write_index
from imug_metrics.report.tables.table import Table

_FILE = re.compile(r"[a-z0-9_]+\.(csv|md|tex)")


def table_texts(tables: Iterable[Table]) -> dict[str, str]:
    """Every table that has a name as `<name>.csv`, `.md` and `.tex`: texts by the names of their files.

    Raises:
        ArgumentError: if a name is not of the characters a-z, 0-9 and _, or if two tables have the same.
    """
    named = [table for table in tables if table.name]
    _check_names([table.name for table in named])
    texts: dict[str, str] = {}
    for table in named:
        forms = {"csv": table.to_csv, "md": table.to_markdown, "tex": table.to_latex}
        texts |= {f"{table.name}.{form}": make() for form, make in forms.items()}
    return texts


def write_tables(folder: Path, texts: Mapping[str, str]) -> list[str]:
    """Write tables into a folder; those of an earlier report go away.

    Args:
        folder: made where it does not exist.
        texts: as `table_texts` gives them.

    Returns:
        Names of the files, in order.
    """
    folder.mkdir(parents=True, exist_ok=True)
    earlier = indexed_files(folder, _FILE)
    written = [write_whole(folder / name, text).name for name, text in texts.items()]
    write_index(folder, "tables", written, set(earlier) - set(written))
    return written


def _check_names(names: Sequence[str]) -> None:
    for place, name in enumerate(names):
        if not _FILE.fullmatch(f"{name}.csv"):
            raise ArgumentError("sections", f"expected names of tables of the characters a-z, 0-9 and _, got {name!r}")
        if name in names[:place]:
            raise ArgumentError("sections", f"expected names of tables to differ, got {name!r} twice")
