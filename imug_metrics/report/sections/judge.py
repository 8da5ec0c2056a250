# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""The judge: what failed, how far it agrees with itself and with people, and what people make of the same images."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from imug_metrics.report.estimates import as_float, estimate
from imug_metrics.report.judging import differences_text, judge_words, people_text, repeats_text
from imug_metrics.report.marks import lowest_coverage, marks, slope_marks
from imug_metrics.report.sections.section import Part, Report, Section, Text
from imug_metrics.report.tables.cells import change_cell, count_cell, coverage_cell, estimate_cell
from imug_metrics.report.tables.table import Cell, Table

if TYPE_CHECKING:
    from imug_metrics.suite import ModelScores

ABOUT = """Failed judgements are left out of the points and keys, never counted as 0. Spread and Krippendorff's α
say how far the judge agrees with itself when asked again (α 1: always, 0: as by chance); r and ρ how its mean
follows that of people."""

_POINTS = ("point_score", "point_score_imug")
_AGREEMENT = (
    ("α", "alpha", "units"),
    ("Spread", "spread", "units"),
    ("r with people", "human_pearson", "human_units"),
    ("ρ with people", "human_spearman", "human_units"),
)


def judge(report: Report) -> Section | None:
    """The section of the judge."""
    if not any(model.model in report.judges for model in report.models):
        return None
    words = [f"{m.model}: {text}" for m in report.models for text in judge_words(report.judges.get(m.model))]
    parts: list[Part] = [Text(text) for text in words]
    parts += [part for part in (judged_table(report), agreement_table(report)) if part is not None]
    parts += [Text(text) for model in report.models for text in _texts(model, report.judges.get(model.model))]
    return Section("judge", "Can the judge be believed?", ABOUT, parts)


def judged_table(report: Report) -> Table | None:
    """One row a model that was judged: its points, and what the judge answered; None where none was."""
    rows = [
        _judged(report, place, model)
        for place, model in enumerate(report.models)
        if model.model in report.judges or any(estimate(model.scores, key).known for key in _POINTS)
    ]
    header = (
        "Model",
        "Points, strict",
        "Points, official",
        "Points per turn",
        "Answers of the judge",
        "Failed",
        "Coverage",
    )
    caption = ("points / 5; failed judgements are left out, not counted as 0",)
    return Table(header, [rows], "Judged images", caption, name="judge", compact=True) if rows else None


def agreement_table(report: Report) -> Table | None:
    """One row a model and kind of judgement: agreement with itself and with people; None where it was asked once."""
    groups = []
    for place, model in enumerate(report.models):
        agreement = report.judges.get(model.model, {}).get("agreement", {})
        rows = [
            [
                report.name(place, shown=row == 0),
                Cell(kind),
                *(estimate_cell(estimate(values, key), n=as_float(values.get(units))) for _, key, units in _AGREEMENT),
            ]
            for row, (kind, values) in enumerate(agreement.items())
        ]
        groups += [rows] if rows else []
    header = ("Model", "Of", *(label for label, _, _ in _AGREEMENT))
    return Table(header, groups, "Agreement of the judge", name="agreement") if groups else None


def _judged(report: Report, place: int, model: ModelScores) -> list[Cell]:
    views = {view.key: view for view in report.metrics if view.key in _POINTS}
    points = [
        estimate_cell(estimate(model.scores, key), marks=marks(model, views[key]) if key in views else ())
        for key in _POINTS
    ]
    strict = views.get("point_score")
    told = slope_marks(model, strict) if strict else ()
    slope = change_cell(estimate(model.scores, "point_score_slope"), marks=told)
    covered = coverage_cell(lowest_coverage(model, [*views.values()]))
    return [report.name(place), *points, slope, *_answers(report.judges.get(model.model)), covered]


def _answers(judge: Mapping[str, Any] | None) -> list[Cell]:
    if judge is None:
        return [Cell("–"), Cell("–")]
    kinds = judge.get("failures", {})
    failed = sum(kinds.values())
    below = ", ".join(f"{count} {kind}" for kind, count in kinds.items())
    return [count_cell(judge["answers"]), Cell(str(failed), "bad" if failed else "", below, float(failed))]


def _texts(model: ModelScores, judge: Mapping[str, Any] | None) -> Iterator[str]:
    if judge is None:
        return
    said = (
        people_text(model.scores),
        differences_text(judge.get("differences") or {}),
        repeats_text(judge.get("repeats") or {}),
    )
    yield from (f"{model.model}: {text}" for text in said if text)
