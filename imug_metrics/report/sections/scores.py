# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""The leaderboard: every score of every model with its interval, its change per turn and what must be known of it."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from imug_metrics.report.marks import lowest_coverage, marks
from imug_metrics.report.metric_specs import (
    COPY_RATE,
    Estimate,
    MetricSpec,
    as_float,
    copies,
    estimate,
    number,
    span,
)
from imug_metrics.report.sections.section import Report, Section
from imug_metrics.report.tables.table import Cell, Mark, Table, Tone

if TYPE_CHECKING:
    from imug_metrics.suite import ModelScores

ABOUT = """Mean over records. Below each score: its 95 % interval by dialogue, and the change per turn within dialogues,
marked where its interval excludes zero. Coverage is that of the least covered metric; ! outputs are missing from the
score, ≈ it is not above chance, = it comes from repeated images."""


def scores(report: Report) -> Section | None:
    """The section of scores."""
    return Section("scores", "Scores", ABOUT, [score_table(report)])


def score_table(report: Report) -> Table:
    """One row a model, one column a metric."""
    copied = any(estimate(model.scores, COPY_RATE).known for model in report.models)
    rows = [
        [
            report.name(place),
            *(score_cell(model, view) for view in report.metrics),
            *([_copy_rate(model)] if copied else []),
            coverage_cell(lowest_coverage(model, report.metrics)),
        ]
        for place, model in enumerate(report.models)
    ]
    header = ("Model", *(view.label for view in report.metrics), *(["Copy rate"] if copied else []), "Coverage")
    return Table(header, [rows], "Scores by model", name="scores", sortable=True)


def score_cell(model: ModelScores, view: MetricSpec) -> Cell:
    """A score with its interval, its marks and its change per turn."""
    score = estimate(model.scores, view.key)
    return Cell(
        number(score.value, 2 if view.is_mean else 3),
        "bold",
        span(score) or (model.reasons.get(view.key, "no interval") if score.known else ""),
        score.value,
        score.lower,
        score.upper,
        as_float(model.scores.get(f"{view.key}_n")),
        tuple(marks(model, view)),
        trend=_trend(estimate(model.scores, f"{view.key}_slope"), view),
    )


def trend_tone(slope: Estimate, view: MetricSpec) -> Tone:
    """Whether a slope that its interval tells from zero is for the better or for the worse."""
    if view.higher_is_better is None or not slope.direction:
        return ""
    return "good" if (slope.direction > 0) == view.higher_is_better else "bad"


def coverage_cell(share: float) -> Cell:
    """A share of outputs, rounded towards "not all": 99.97 % must not read as complete."""
    if math.isnan(share):
        return Cell("–", value=share)
    text = "100 %" if share >= 1 else f"{math.floor(1000 * share + 1e-9) / 10:.1f} %"
    return Cell(text, value=share)


def _trend(slope: Estimate, view: MetricSpec) -> Cell:
    if not slope.known:
        return Cell("no slope")
    sign = {-1: "▼ ", 0: "→ " if slope.bounded else "", 1: "▲ "}[slope.direction]
    return Cell(f"{sign}{number(slope.value, 3, signed=True)} a turn", trend_tone(slope, view))


def _copy_rate(model: ModelScores) -> Cell:
    rate = estimate(model.scores, COPY_RATE)
    told = (Mark("!", "copies", "it repeats its own images"),) if copies(model) else ()
    return Cell(number(rate.value), "bold", span(rate), rate.value, rate.lower, rate.upper, marks=told)
