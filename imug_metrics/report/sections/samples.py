# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""A list of dialogues to browse: one row a dialogue and model, with what went wrong, its scores and its turns."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import NamedTuple

from markupsafe import Markup, escape

from imug_metrics._numbers import number
from imug_metrics.report.breakdown import group_names
from imug_metrics.report.cut import cut, length_for
from imug_metrics.report.dialogues.outcomes import Outcome
from imug_metrics.report.dialogues.scored_dialogue import ScoredDialogue
from imug_metrics.report.dialogues.strips import turn_scores
from imug_metrics.report.metric_specs import MetricSpec, row_metrics
from imug_metrics.report.pages.render import render
from imug_metrics.report.sections.section import Report, Section
from imug_metrics.report.tables.csv import csv_text
from imug_metrics.report.tables.names import Labels
from imug_metrics.report.tables.table import Cell, Table, name_cell

ABOUT = """One row a dialogue and model, the worst first; scores are means over its turns. Open a row to read its turns.
"""
_UNREAD = "An answer that could not be read is not counted as wrong."

_COUNTS = {
    "Wrong": (Outcome.WRONG,),
    "Partly right": (Outcome.PARTLY,),
    "Not read": (Outcome.UNREAD,),
    "Absent": (Outcome.NO_ANSWER, Outcome.NO_IMAGE),
    "Fits another prompt": (Outcome.MISFIT,),
}
_PAGE = 2_100_000  # characters of the list, besides those that images left
_CELL, _CHIP, _TURN = 30, 60, 100  # characters of a cell, of one that names a model and of a turn, besides the texts
_SHARE = 0.7  # of what is left for texts, as escaping makes them longer
_NAME = 60  # characters of a dialogue's id or of a group


_FIXED = 3  # columns that the page shows in a form of its own


class _Column(NamedTuple):
    heading: str
    value: Callable[[ScoredDialogue], float | str]


def samples(report: Report) -> Section | None:
    """The section with the list."""
    if not report.listed:
        return None
    about = ABOUT + _UNREAD if report.judges_answers else ABOUT.strip()
    return Section("samples", "All dialogues", about, [_table(report)])


def samples_text(report: Report) -> str:
    """All dialogues of all models as CSV, those that the page leaves out included."""
    columns = _columns(report)
    rows = ([_defined(column.value(one)) for column in columns] for one in report.dialogues)
    return csv_text(map(Labels(), (column.heading for column in columns)), rows)


def _table(report: Report) -> Table:
    names = [model.model for model in report.models]
    always = ("Wrong", "Absent") if report.judges_answers else ("Absent",)
    optional = _columns(report)[_FIXED:]
    shown = [column for column in optional if column.heading in always or _tells(column, report.listed)]
    rows = [
        [
            Cell(cut(one.dialogue, _NAME)),
            name_cell(cut(names[one.model], _NAME), one.model),
            Cell("", value=len(one.rows)),
            *(_cell(column.value(one)) for column in shown),
        ]
        for one in report.listed
    ]
    left = _PAGE + report.shelf.budget - sum(_size(cell) for row in rows for cell in row)
    for row, drawing in zip(rows, _turns(report, left), strict=True):
        row[2] = row[2]._replace(drawing=drawing)
    left_out = len(report.dialogues) - len(report.listed)
    told = f"{left_out:,} rows are not in the page, but the worst, typical and best of every model are."
    caption = (*([told] if left_out else []), "All rows are in samples.csv, all turns in items.jsonl.")
    header = ("Dialogue", "Model", "Turns", *(column.heading for column in shown))
    return Table(header, [rows], "Dialogues of all models", caption, sortable=True, filterable=True)


def _columns(report: Report) -> list[_Column]:
    names = [model.model for model in report.models]
    groups = [group for group in group_names(report.models) if group != "modality"]
    return [
        _Column("Dialogue", lambda one: one.dialogue),
        _Column("Model", lambda one: names[one.model]),
        _Column("Turns", lambda one: len(one.rows)),
        *(_Column(heading, partial(_count, outcomes=found)) for heading, found in _COUNTS.items()),
        *(_Column(view.label, partial(_mean, place=place)) for place, view in enumerate(row_metrics(report.metrics))),
        *(_Column(group.capitalize(), partial(_group, name=group)) for group in groups),
    ]


def _group(one: ScoredDialogue, name: str) -> str:
    """The group of the dialogue; where turns differ, all of them."""
    return ", ".join(dict.fromkeys(str(row[name]) for row in one.rows if row.get(name) is not None))


def _count(one: ScoredDialogue, outcomes: Iterable[Outcome]) -> int:
    return sum(map(one.outcomes.count, outcomes))


def _mean(one: ScoredDialogue, place: int) -> float:
    return one.means[place]


def _tells(column: _Column, listed: Sequence[ScoredDialogue]) -> bool:
    """Whether a column says anything of the rows: a group of all of them does not, nor what never happened."""
    values = {column.value(one) for one in listed}
    return values != {0} and (len(values) > 1 or not isinstance(next(iter(values)), str))


def _cell(value: float | str) -> Cell:
    if isinstance(value, str):
        return Cell(cut(value, _NAME))
    return Cell(number(value, 0 if isinstance(value, int) else 2), value=round(value, 4))


def _size(cell: Cell) -> int:
    """About how many characters a cell takes in the page."""
    return len(escape(cell.text)) + (_CHIP if cell.model is not None else _CELL)


def _turns(report: Report, left: int) -> list[str]:
    """The turns of each listed dialogue, folded; the worst first until so many characters are spent."""
    count = sum(len(one.rows) for one in report.listed)
    length = length_for(count, int(_SHARE * (left - _TURN * count)), 24, 600)
    metrics, found = row_metrics(report.metrics), []
    for one in report.listed:
        drawing = _folded(one, metrics, length) if left > 0 else _anchor(one)
        left -= len(drawing)
        found.append(drawing)
    return found


def _folded(one: ScoredDialogue, metrics: Sequence[MetricSpec], length: int) -> str:
    turns = [
        {
            "turn": row["turn"],
            "prompt": cut(row.get("prompt"), length // 2),
            "target": cut(row.get("target"), length // 4),
            "reply": None if row.get("text") is None else cut(row["text"], length // 2),
            "is_image": row.get("modality") == "image",
            "outcome": found,
            "scores": ", ".join(f"{label} {value}" for label, value in turn_scores(row, metrics)),
        }
        for row, found in zip(one.rows, one.outcomes, strict=True)
    ]
    return render("turns.html", anchor=one.anchor, turns=turns)


def _anchor(one: ScoredDialogue) -> str:
    return Markup('<span id="{}">not in the page</span>').format(one.anchor)


def _defined(value: float | str) -> float | str | None:
    return None if isinstance(value, float) and math.isnan(value) else value
