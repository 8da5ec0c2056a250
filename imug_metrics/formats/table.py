# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Plain tables of answers or scores, one row a turn: CSV, TSV and JSON lines with columns of any name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import islice
from pathlib import Path

from imug_metrics.formats.columns import USUAL, names_turn
from imug_metrics.formats.json_rows import json_rows
from imug_metrics.formats.protocol import Head, ReadOptions, RecordAt
from imug_metrics.formats.rows import Rows
from imug_metrics.formats.vlmevalkit import is_vlmevalkit
from imug_metrics.reading.files import Problems
from imug_metrics.reading.tables import stream_table
from imug_metrics.reading.text_files import TextError

_OTHERS = frozenset(
    (
        *("messages", "conversations", "conversation", "choices", "output", "query"),  # conversations
        *("filtered_resps", "resps"),  # samples of lm-eval and lmms-eval
        *("eval", "plan", "samples"),  # logs of Inspect
    )
)
_SUFFIXES = (".csv", ".tsv")
_MAX_NAMES = 1_000
_HEAD = 2**12
_BLANK = b"\xef\xbb\xbf \t\r\n"


class TableReader:
    """CSV, TSV or JSON lines, one row a turn.

    Which column holds what is said by `columns`, or found where its name is a usual one; see `find_columns`. An empty
    cell is absent. A score that is no number counts as one that could not be scored.
    """

    name = "table"

    def recognises(self, head: Head) -> bool:
        """Rows of which one column names the turn, or of which the caller has named columns."""
        if isinstance(head.value, Mapping):
            return not _OTHERS & head.value.keys() and (bool(head.columns) or names_turn(head.value))
        text = not is_vlmevalkit(head.names) and (len(head.names) > 1 or head.path.suffix.lower() in _SUFFIXES)
        return bool(head.names) and text and (bool(head.columns) or names_turn(head.names))

    def read(self, path: Path, options: ReadOptions, problems: Problems) -> Iterator[RecordAt]:
        """The record of each row; see `Rows`.

        Raises:
            ArgumentError: of `columns`, see `find_columns`; of `path`, if turns count from 0.
        """
        try:
            with path.open("rb") as file:
                is_json = file.read(_HEAD).lstrip(_BLANK).startswith((b"{", b"["))
            yield from (_json if is_json else _csv)(path, options, problems)
        except OSError as error:
            problems.error(path, None, "", f"could not be opened: {error.strerror}")
        except TextError as error:
            problems.error(path, None, "", str(error).removeprefix(f"{path}:").strip())


def _csv(path: Path, options: ReadOptions, problems: Problems) -> Iterator[RecordAt]:
    names, found = stream_table(path, known=[name for ranks in USUAL.values() for rank in ranks for name in rank])
    rows = Rows(path, names, options, problems)
    for line, row in found:
        if isinstance(row, TextError):
            problems.error(path, line, "", row.message)
        elif (record := rows.read(row, line)) is not None:
            yield record
    rows.end()


def _json(path: Path, options: ReadOptions, problems: Problems) -> Iterator[RecordAt]:
    """Rows whose keys may differ: which of them there are is known once all were seen."""
    names: dict[str, None] = {}
    for _, row in json_rows(path, Problems()):
        names.update(dict.fromkeys(islice(row, _MAX_NAMES - len(names))))
    rows = Rows(path, names, options, problems) if names else None
    for line, row in json_rows(path, problems):
        if rows is not None and (record := rows.read(row, line)) is not None:
            yield record
    if rows is not None:
        rows.end()
