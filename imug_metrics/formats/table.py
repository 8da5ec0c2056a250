# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Plain tables of answers or scores, one row a turn: CSV, TSV, JSON lines and workbooks, with columns of any name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from imug_metrics.formats.common.cures import is_columns
from imug_metrics.formats.protocol import Head, ReadOptions, RecordAt
from imug_metrics.formats.tables.columns import names_turn
from imug_metrics.formats.tables.row_files import head_names, open_rows
from imug_metrics.formats.tables.rows import Rows
from imug_metrics.formats.tables.workbook import MEMBER
from imug_metrics.formats.vlmevalkit import is_vlmevalkit
from imug_metrics.reading.files import Problems

_LISTS = ("messages", "conversations", "conversation", "samples")  # of conversations, and of logs of Inspect
_REPLIES = frozenset(("filtered_resps", "resps"))  # of samples of lmms-eval and lm-evaluation-harness
_SUFFIXES = (".csv", ".tsv")


class TableReader:
    """CSV, TSV, JSON lines or a workbook (.xlsx), one row a turn.

    Which column holds what is said by `columns`, or found where its name is a usual one; see `find_columns`. An empty
    cell is absent. A score that is no number counts as one that could not be scored.
    """

    name = "table"

    def recognises(self, head: Head) -> bool:
        """Rows of which one column names the turn, or the caller has named it; of a CSV file, or has named any."""
        names = head_names(head)
        if names is None or is_vlmevalkit(names) or "messages" in head.columns:
            return False
        if MEMBER in head.entries:
            return True
        if isinstance(head.value, Mapping):
            other = any(isinstance(head.value.get(name), list) for name in _LISTS)
            other = other or is_columns(head.value) or {"role", "content"} <= head.value.keys()
            return not other and not _REPLIES & head.value.keys() and ("turn" in head.columns or names_turn(names))
        text = len(names) > 1 or head.path.suffix.lower() in _SUFFIXES
        return text and (bool(head.columns) or names_turn(names))

    def read(self, path: Path, options: ReadOptions, problems: Problems) -> Iterator[RecordAt]:
        """The record of each row; see `Rows`.

        Raises:
            ArgumentError: of `columns`, see `find_columns`; of `path`, if turns count from 0.
            ModuleNotFoundError: if it is a workbook and openpyxl is not installed.
        """
        names, found = open_rows(path, problems)
        rows = Rows(path, names, options, problems) if names else None
        for line, row in found:
            if rows is not None and (record := rows.read(row, line)) is not None:
                yield record
        if rows is not None:
            rows.end()
