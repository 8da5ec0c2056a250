# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""The leaderboard: every score of every model with its interval, its change per turn and what must be known of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from imug_metrics._numbers import number
from imug_metrics.report.estimates import as_float, estimate
from imug_metrics.report.marks import (
    counts_from_0,
    coverage,
    lowest_coverage,
    marks,
    with_absent_as_zero,
    without_absent,
)
from imug_metrics.report.metric_specs import COPY_RATE, MetricSpec, copies
from imug_metrics.report.sections.section import Part, Report, Section, Text
from imug_metrics.report.tables.cells import change_cell, coverage_cell, estimate_cell
from imug_metrics.report.tables.table import Cell, Mark, Table, legend

if TYPE_CHECKING:
    from imug_metrics.suite import ModelScores

ABOUT = """Mean over records. Below each score: its 95 % interval by dialogue, and the change per turn within dialogues,
marked where its interval excludes zero. Coverage is that of the least covered metric; ! outputs are missing from the
score, ≈ it is not above chance, = it comes from repeated images."""

ABSENT = """A model that leaves hard turns out looks better than it is. These scores have outputs missing; beside them,
what they are where an absent output counts 0 (missing="zero")."""

SCORES = "Scores by model"


def scores(report: Report) -> Section:
    """The section of scores."""
    parts: list[Part] = [score_table(report, report.scored)]
    if (absent := absent_table(report)) is not None:
        parts += [Text(ABSENT), absent]
    return Section("scores", "Scores", ABOUT, parts)


def score_table(report: Report, metrics: Sequence[MetricSpec]) -> Table:
    """One row a model, one column a metric."""
    rows = [
        [
            report.name(place),
            *(score_cell(model, view) for view in metrics),
            coverage_cell(lowest_coverage(model, report.scored)),
        ]
        for place, model in enumerate(report.models)
    ]
    header = ("Model", *(view.label for view in metrics), "Coverage")
    told = {
        f"{model.model}, {label}": cell.marks
        for model, row in zip(report.models, rows, strict=True)
        for label, cell in zip(header[1:-1], row[1:-1], strict=True)
    }
    return Table(header, [rows], SCORES, tuple(legend(told)), name="scores", sortable=True, compact=True)


def absent_table(report: Report) -> Table | None:
    """Scores of which outputs are missing, beside those with absent outputs as 0; None where there are none."""
    rows = [
        [
            report.name(place),
            Cell(view.label),
            coverage_cell(coverage(model, view)),
            *(
                Cell(number(value), value=value)
                for value in (without_absent(model, view), with_absent_as_zero(model, view))
            ),
        ]
        for place, model in enumerate(report.models)
        for view in report.metrics
        if counts_from_0(view) and any(mark.kind == "coverage" for mark in marks(model, view))
    ]
    header = ("Model", "Score", "Coverage", "Of what is there", "Absent as 0")
    return Table(header, [rows], "With absent outputs as 0", name="absent") if rows else None


def score_cell(model: ModelScores, view: MetricSpec) -> Cell:
    """A score with its interval, its marks and its change per turn."""
    cell = estimate_cell(
        estimate(model.scores, view.key),
        2 if view.is_mean else 3,
        reason=model.reasons.get(view.key, "no interval"),
        n=as_float(model.scores.get(f"{view.key}_n")),
        marks=[*marks(model, view), *_alarm(model, view)],
    )
    slope = estimate(model.scores, f"{view.key}_slope")
    change = change_cell(slope, higher_is_better=view.higher_is_better)
    trend = Cell(f"{change.text} per turn", change.tone) if slope.known else Cell("no slope")
    return cell._replace(tone="bold", trend=trend)


def _alarm(model: ModelScores, view: MetricSpec) -> list[Mark]:
    """Where the score itself is what is wrong, and not how to read it."""
    is_wrong = view.key == COPY_RATE and copies(model)
    return [Mark("!", "copies", "it repeats its own images")] if is_wrong else []
