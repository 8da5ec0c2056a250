# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""What goes wrong over turns: every failure's figure of every model, who stands out, and what could not be judged."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from imug_metrics.report.failures import FailureFigure, failures_of, figure_coverage
from imug_metrics.report.sections.section import Report, Section
from imug_metrics.report.tables.cells import estimate_cell, is_covered
from imug_metrics.report.tables.table import Cell, Mark, Table, legend

if TYPE_CHECKING:
    from imug_metrics.suite import ModelScores

ABOUT = """By failure the figure that measures it, with its 95 % interval by dialogue. ▲ this model is worse than every
other one, by p-values adjusted for all pairs of models and all failures; ! its interval lies on the worse side of what
a model without the failure has, where that is known. Elsewhere the tasks decide what is healthy: compare models."""

STANDS_OUT = Mark("▲", "stands out", "worse than every other model")


def failures(report: Report) -> Section | None:
    """The section of failures."""
    if not report.failures:
        return None
    return Section("failures", "What goes wrong", ABOUT, [failure_table(report.models, report.failures)])


def marked_failures(report: Report) -> Table | None:
    """The failures with a mark, without what could not be judged; None where there are none."""
    places = range(len(report.models))
    found = [figure for figure in report.failures if any(_marks(figure, place) for place in places)]
    return replace(failure_table(report.models, found), caption=tuple(_told(report.models, found))) if found else None


def failure_table(models: Sequence[ModelScores], figures: Sequence[FailureFigure]) -> Table:
    """One row a failure, one column a model; what could not be judged stands below."""
    header = ("Failure", *(model.model for model in models), "Healthy")
    rows = [_row(models, figure) for figure in figures]
    caption = (*_told(models, figures), *_partly_judged(models, figures), *_not_judged(models, figures))
    return Table(header, [rows], "What goes wrong, by model", caption, "failures")


def _row(models: Sequence[ModelScores], figure: FailureFigure) -> list[Cell]:
    failure = figure.failure
    end = "higher" if failure.worse > 0 else "lower"
    return [
        Cell(failure.symptom, below=f"{failure.key}, {end} is worse"),
        *(_figure(model, figure, place) for place, model in enumerate(models)),
        Cell("–" if math.isnan(failure.healthy) else f"{failure.healthy:g}", value=failure.healthy),
    ]


def _figure(model: ModelScores, figure: FailureFigure, place: int) -> Cell:
    marks = _marks(figure, place)
    reason = model.reasons.get(figure.failure.key, "no interval")
    cell = estimate_cell(figure.estimates[place], 3, reason=reason, marks=marks)
    return cell._replace(tone="bad" if marks else "")


def _marks(figure: FailureFigure, place: int) -> list[Mark]:
    marks = [STANDS_OUT] if figure.worst == place else []
    healthy = Mark("!", "failure", f"its interval excludes {figure.failure.healthy:g}")
    return [*marks, healthy] if figure.fails(place) else marks


def _told(models: Sequence[ModelScores], figures: Sequence[FailureFigure]) -> list[str]:
    """Who stands out, a line each."""
    told = {
        f"{models[figure.worst].model}, {figure.failure.symptom}": [STANDS_OUT]
        for figure in figures
        if figure.worst is not None
    }
    fails = any(figure.fails(place) for figure in figures for place in range(len(models)))
    return [*legend(told), *(["!  the interval lies on the worse side of the healthy value"] if fails else [])]


def _partly_judged(models: Sequence[ModelScores], figures: Sequence[FailureFigure]) -> list[str]:
    """The figures that much is missing from, a line a model."""
    lines = []
    for place, model in enumerate(models):
        judged = [figure.failure for figure in figures if figure.estimates[place].known]
        shares = {failure.symptom: figure_coverage(model, failure.key) for failure in judged}
        few = [f"{symptom} ({100 * share:.0f} %)" for symptom, share in shares.items() if not is_covered(share)]
        lines += [f"·  {model.model} is judged by part of its outputs alone: {', '.join(few)}"] if few else []
    return lines


def _not_judged(models: Sequence[ModelScores], figures: Sequence[FailureFigure]) -> list[str]:
    """What it would take to judge the failures that not every model has a figure for, a line each."""
    judged = {figure.failure.key for figure in figures if all(found.known for found in figure.estimates)}
    lacking = [failure for failure in failures_of(models) if failure.key not in judged]
    return [f"–  not judged: {failure.symptom}, which needs {failure.needs}" for failure in lacking]
