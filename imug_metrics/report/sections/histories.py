# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Own against reference history, of models that were scored on both."""

from __future__ import annotations

from typing import TYPE_CHECKING

from markupsafe import Markup

from imug_metrics.report.estimates import Estimate, as_float, curve, estimate
from imug_metrics.report.metric_specs import ALIGNMENT_GAP, EXPOSURE, compares_histories, horizon
from imug_metrics.report.sections.section import Figure, Panels, Report, Section
from imug_metrics.report.svg import Line, curves
from imug_metrics.report.tables.cells import change_cell, count_cell, coverage_cell, estimate_cell
from imug_metrics.report.tables.table import Cell, Table

if TYPE_CHECKING:
    from imug_metrics.suite import ModelScores

ABOUT = """The same turns on the model's own history and on the reference history, where every earlier output was right.
What differs is the history. Gap: reference minus own. Excess error: by how much the error piled up by the last turn
exceeds that on the reference history. Turns that one run lacks are unpaired and left out."""

_PANELS = (
    ("Gap of answers", "reference minus own, by turn", EXPOSURE, "turn", "gap_answers"),
    ("Excess error", "in per cent, piled up to the turn", EXPOSURE, "excess", "gap_excess"),
    ("Gap of alignment", "reference minus own, by turn", ALIGNMENT_GAP, "turn", "gap_alignment"),
)


def histories(report: Report) -> Section | None:
    """The section of histories."""
    table = history_table(report)
    if table is None:
        return None
    panels = [figure for panel in _PANELS if (figure := _figure(report, *panel)) is not None]
    return Section("histories", "Own against reference history", ABOUT, [table, Panels(panels)])


def history_table(report: Report) -> Table | None:
    """One group a model, one row a number; None where no model was scored on the reference history."""
    groups = [_rows(report, place, model) for place, model in enumerate(report.models) if compares_histories(model)]
    if not groups:
        return None
    header = ("Model", "Measure", "Value", "95 % interval")
    caption = ("gap: reference minus own history; excess: error piled up beyond that on the reference history",)
    return Table(header, groups, "Own against reference history", caption, name="histories")


def _rows(report: Report, place: int, model: ModelScores) -> list[list[Cell]]:
    scores = model.scores
    unpaired = as_float(scores.get(f"{EXPOSURE}_unpaired"))
    pairs = as_float(scores.get(f"{EXPOSURE}_n"))
    listed = [
        ("Answers, own history", estimate_cell(estimate(scores, f"{EXPOSURE}_scores"), n=pairs)),
        ("Answers, reference history", estimate_cell(estimate(scores, f"{EXPOSURE}_baseline"), n=pairs)),
        ("Gap", _cost(estimate(scores, f"{EXPOSURE}_mean"))),
        ("Gap per turn", _cost(estimate(scores, f"{EXPOSURE}_slope"))),
        (f"Excess error by turn {horizon(model)}", _cost(estimate(scores, EXPOSURE), 0, " %")),
    ]
    if (drawn := estimate(scores, ALIGNMENT_GAP)).known:
        listed.append(("Alignment gap", _cost(drawn)))
    if unpaired > 0:
        listed.append(("Unpaired answers", count_cell(unpaired)))
    listed.append(("Coverage of answers", coverage_cell(as_float(scores.get("answer_accuracy_coverage")))))
    return [
        [report.name(place, shown=row == 0), Cell(name), cell._replace(below=""), Cell(cell.below or "–", "dim")]
        for row, (name, cell) in enumerate(listed)
    ]


def _cost(cost: Estimate, digits: int = 3, unit: str = "") -> Cell:
    return change_cell(cost, digits, higher_is_better=False, unit=unit)


def _figure(report: Report, title: str, caption: str, key: str, point: str, name: str) -> Figure | None:
    compared = [(place, model) for place, model in enumerate(report.models) if compares_histories(model)]
    lines = [Line(model.model, place, curve(model.scores, key, point), {}) for place, model in compared]
    if not any(value.known for line in lines for value in line.points.values()):
        return None
    svg = curves(lines, f"{title} by turn", reference=0.0, reference_name="no cost")
    return Figure(Markup(svg), title, caption, name)
