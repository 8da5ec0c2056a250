# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Every score over the turns."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

from imug_metrics.metrics.description import MetricDescription
from imug_metrics.report import Figure, Panels, Report
from imug_metrics.report.sections.curves import curves
from imug_metrics.report.svg import LABELLED


def figures(report: Report) -> list[Figure]:
    section = curves(report)
    assert section is not None
    panels = section.parts[-1]
    assert isinstance(panels, Panels)
    return [part for part in panels.parts if isinstance(part, Figure)]


def test_one_figure_a_metric_with_names_at_the_lines(make_scores: Any) -> None:
    found = figures(Report([make_scores("steady"), make_scores("fading")]))
    assert [figure.title for figure in found] == [
        "Answers", "Answers, official rule", "Alignment", "Retrieval", "Consistency", "Copies"
    ]  # fmt: skip
    assert all(">steady<" in figure.svg and ">fading<" in figure.svg for figure in found)
    assert [figure.caption for figure in found[1:3]] == ["by turn, text turns", "by turn, image turns"]


def test_points_on_few_records_are_hollow(make_scores: Any) -> None:
    few, many = (figures(Report([make_scores(dialogues=count)]))[2].svg for count in (19, 20))
    assert "hollow" in few
    assert "hollow" not in many


def test_retrieval_alone_has_the_level_of_chance(make_scores: Any) -> None:
    found = {figure.title: figure.svg for figure in figures(Report([make_scores()]))}
    assert [title for title, svg in found.items() if ">chance<" in svg] == ["Retrieval"]


def test_more_models_than_can_be_named_at_the_lines_have_a_legend(make_scores: Any) -> None:
    for count in (LABELLED, LABELLED + 1):
        section = curves(Report([make_scores(f"m{place}") for place in range(count)]))
        assert section is not None
        assert len(section.parts) == (1 if count == LABELLED else 2)


def test_names_of_files_are_safe_whatever_metrics_are_called(make_scores: Any) -> None:
    given = ("../../etc", "A B", "a_b")
    descriptions = {name: MetricDescription(name, name, "", "", "", "", name=name) for name in given}
    model = replace(make_scores(), descriptions=descriptions)
    for name in given:
        model.scores.update({name: 0.5, f"{name}_turn_1": 0.5})
    names = [figure.name for figure in figures(Report([model]))]
    assert names[-3:] == ["curve_etc", "curve_a_b", "curve_a_b_2"]


def test_without_any_turn_there_is_no_section(make_scores: Any) -> None:
    model = make_scores()
    model.scores.update(dict.fromkeys(model.scores, math.nan))
    assert curves(Report([model])) is None
