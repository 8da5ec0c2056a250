# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""The change per turn of every score, with its interval around zero."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import chain
from typing import TYPE_CHECKING

from markupsafe import Markup

from imug_metrics.report.estimates import Estimate, estimate, span
from imug_metrics.report.marks import marks, slope_marks
from imug_metrics.report.metric_specs import MetricSpec
from imug_metrics.report.sections.scores import SCORES
from imug_metrics.report.sections.section import Report, Section
from imug_metrics.report.svg import error_bar
from imug_metrics.report.tables.cells import change_cell, direction_tone
from imug_metrics.report.tables.table import Cell, Table, legend

if TYPE_CHECKING:
    from imug_metrics.suite import ModelScores

ABOUT = """Slope of the score over turns within dialogues, so that longer dialogues being harder does not count as
decay. The bar is the 95 % interval, with dialogues as clusters; the upright line is zero, and each metric has an
axis of its own."""


def changes(report: Report) -> Section | None:
    """The section of changes."""
    table = change_table(report, report.metrics)
    return Section("decay", "Change per turn", ABOUT, [table]) if table else None


def change_table(report: Report, told: Sequence[MetricSpec] = ()) -> Table | None:
    """One group a metric, one row a model; None where nothing has a slope.

    Args:
        report: what to show.
        told: metrics of which the table of scores tells what the marks mean; it is not told again.
    """
    groups = [rows for view in report.metrics if (rows := _rows(report, view))]
    if not groups:
        return None
    new = {
        f"{model.model}, {view.label}": [
            mark for mark in slope_marks(model, view) if not (view in told and mark in marks(model, view))
        ]
        for view in report.metrics
        for model in report.models
        if estimate(model.scores, f"{view.key}_slope").known
    }
    fresh = [*chain(*new.values())]
    known = dict.fromkeys(mark.sign for rows in groups for row in rows for mark in row[2].marks if mark not in fresh)
    elsewhere = [f"{' '.join(known)}  of the score itself: see {SCORES}"] if known else []
    caption = ("▼ ▲ the 95 % interval of the change per turn lies wholly below / above 0", *legend(new), *elsewhere)
    header = ("Metric", "Model", "Per turn", "95 % interval", "Reading")
    return Table(header, groups, "Change per turn", caption, name="changes", compact=True)


def _rows(report: Report, view: MetricSpec) -> list[list[Cell]]:
    slopes = [estimate(model.scores, f"{view.key}_slope") for model in report.models]
    ends = [end for slope in slopes for end in (slope.value, slope.lower, slope.upper) if math.isfinite(end)]
    if not ends:
        return []
    low, high = min(0.0, *ends), max(0.0, *ends)
    low, high = (low, high) if high > low else (-1.0, 1.0)
    shown = [place for place, model in enumerate(report.models) if estimate(model.scores, view.key).known]
    return [
        [
            Cell(view.label if place == shown[0] else "", value=view.label),
            report.name(place),
            _change(report.models[place], view, slopes[place]),
            _interval(report.models[place], view, slopes[place], error_bar(slopes[place], low, high, place)),
            _reading(slopes[place], view),
        ]
        for place in shown
    ]


def _change(model: ModelScores, view: MetricSpec, slope: Estimate) -> Cell:
    cell = change_cell(slope, higher_is_better=view.higher_is_better, marks=slope_marks(model, view))
    return cell._replace(below="")  # the interval has a column of its own


def _interval(model: ModelScores, view: MetricSpec, slope: Estimate, bar: str) -> Cell:
    """The interval in numbers and as a bar; where there is none, why."""
    told = "" if slope.bounded else model.reasons.get(f"{view.key}_slope", "")
    return Cell(span(slope, 3) or "–", "dim", told, drawing=Markup(bar))


def _reading(slope: Estimate, view: MetricSpec) -> Cell:
    """What a slope comes to in a word."""
    if not slope.bounded:
        return Cell("undefined")
    words = {-1: "falls", 0: "none seen" if slope.varies else "all equal", 1: "rises"}
    return Cell(words[slope.direction], direction_tone(slope.direction, view.higher_is_better))
