# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Logs of verdicts to rows: one verdict at one turn of one dialogue."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

from imug_metrics.errors import ArgumentError
from imug_metrics.formats.common.place import Place
from imug_metrics.formats.common.usual_names import USUAL
from imug_metrics.formats.tables.columns import Columns, find_columns, listed
from imug_metrics.formats.tables.row_files import open_rows
from imug_metrics.formats.tables.rows import as_id, as_text, cell, read_dialogue_turn
from imug_metrics.reading.files import Problems
from imug_metrics.reading.verdict_words import logged_verdict

USUAL_NAMES: Mapping[str, tuple[tuple[str, ...], ...]] = {
    **{field: USUAL[field] for field in ("dialogue", "turn", "prompt", "model")},
    "verdict": (
        ("verdict",),
        ("accept", "accepted", "passed", "pass", "approved", "decision", "judgement", "judgment", "ok"),
        ("score",),
    ),
    "truth": (("truth",), ("label", "target", "ground_truth", "gold", "gt", "correct", "right", "is_correct")),
    "text": (("text",), ("reason", "critique", "criticism", "comment", "explanation", "feedback", "verdict_text")),
}
"""Under which names logs hold their fields."""

_LONGEST_TEXT = 20_000

Thresholds: TypeAlias = Mapping[str, "float | None"]


@dataclass(frozen=True)
class LoggedVerdict:
    """One row of a log.

    Attributes:
        dialogue: its id.
        turn: its number, from 1.
        verdict: 1 accepts, 0 rejects; None: absent, or it could not be read.
        truth: 1 where the work is right, 0 where it is wrong; None: nobody knows.
        text: what was said with the verdict; None: nothing.
        prompt: what the work was asked to be; None: not known.
    """

    dialogue: str
    turn: int
    verdict: float | None
    truth: float | None = None
    text: str | None = None
    prompt: str | None = None


def read_verdicts(
    files: Sequence[Path], columns: Mapping[str, str], thresholds: Thresholds, problems: Problems
) -> dict[str, list[LoggedVerdict]]:
    """Verdicts by who gave them, in the order of the files.

    Args:
        files: tables: JSON lines, CSV, TSV or workbooks. Files of one service add up.
        columns: by field (dialogue, turn, verdict, truth, text, prompt, model) the column that holds it, where its name
            is not a usual one.
        thresholds: of numbers, by field: from it on a verdict accepts, a truth is right; see `logged_verdict`.
        problems: collects what is wrong; a line that cannot be read costs itself alone, and of two rows of one turn the
            first counts.

    Raises:
        ArgumentError: if a column is not there, or none holds the dialogue, the turn or the verdict.
    """
    unknown = [field for field in columns if field not in USUAL_NAMES]
    if unknown:
        raise ArgumentError("columns", f"expected fields of {', '.join(USUAL_NAMES)}, got {unknown[0]!r}")
    default = files[0].stem if len(files) == 1 else "verdicts"
    found: dict[str, dict[tuple[str, int], LoggedVerdict]] = {}
    for file in files:
        for place, model, row in _rows(file, columns, thresholds, problems):
            rows = found.setdefault(model or default, {})
            if (row.dialogue, row.turn) in rows:
                told = f"turn {row.turn} of dialogue {row.dialogue[:60]!r} is there already; the first counts"
                place.error("turn", told)
            else:
                rows[row.dialogue, row.turn] = row
    return {model: [*rows.values()] for model, rows in found.items()}


def _rows(
    file: Path, given: Mapping[str, str], thresholds: Thresholds, problems: Problems
) -> Iterator[tuple[Place, str | None, LoggedVerdict]]:
    names, rows = open_rows(file, problems)
    if not names:
        return
    columns = find_columns(names, given, file, usual=USUAL_NAMES)
    if "verdict" not in columns.of:
        has = f"its columns are {listed(columns.names)}"
        raise ArgumentError("columns", f"{file}: no column holds the verdict; {has}: name it, as in verdict=ok")
    for line, row in rows:
        place = Place(file, line, problems)
        read = _row(row, columns, thresholds, place)
        if read is not None:
            yield place, as_id(_cell(row, columns, "model")), read


def _row(row: Mapping[str, Any], columns: Columns, thresholds: Thresholds, place: Place) -> LoggedVerdict | None:
    found = read_dialogue_turn(row, columns, place)
    if found is None:
        return None
    verdict, truth = (_verdict(row, columns, name, thresholds.get(name), place) for name in ("verdict", "truth"))
    texts = (as_text(_cell(row, columns, field)) for field in ("text", "prompt"))
    text, prompt = (None if said is None or not said.strip() else said[:_LONGEST_TEXT] for said in texts)
    return LoggedVerdict(*found, verdict, truth, text, prompt)


def _verdict(
    row: Mapping[str, Any], columns: Columns, field: str, threshold: float | None, place: Place
) -> float | None:
    """A verdict or truth; None, with the reason told, where it cannot be read."""
    try:
        return logged_verdict(_cell(row, columns, field), threshold)
    except ValueError as error:
        place.error(columns.of[field], str(error))
        return None


def _cell(row: Mapping[str, Any], columns: Columns, field: str) -> Any:
    return cell(row, columns.of[field]) if field in columns.of else None
