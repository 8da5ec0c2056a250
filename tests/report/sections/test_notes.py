# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""What each number means, and when it misleads: of every metric there is."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest

from imug_metrics.metrics.description import MetricDescription
from imug_metrics.report import Report
from imug_metrics.report.sections.notes import EXCESS, notes
from imug_metrics.suite import ModelScores, metric_scores
from tests.metrics.cases import metric_cases, places
from tests.report.page_reader import Page, seen, written

CASES = metric_cases()


def scored(name: str) -> tuple[MetricDescription, dict[str, float]]:
    """A metric's description and the scores of its detail, under the name of its case."""
    metric = CASES[name].make(detail=True)
    CASES[name].feed(metric, *places(30, 1))
    return metric.describe(), metric_scores(metric, name)


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> tuple[Page, dict[str, MetricDescription], dict[str, float]]:
    """The page of one model that was scored with every metric there is."""
    found = {name: scored(name) for name in CASES}
    descriptions = {name: described for name, (described, _) in found.items()}
    scores = {key: value for _, mine in found.values() for key, value in mine.items()}
    model = ModelScores("mine", scores, [], descriptions=descriptions)
    return written([model], tmp_path_factory.mktemp("report")), descriptions, scores


@pytest.mark.parametrize("name", CASES)
def test_every_metric_is_on_the_page_with_all_that_it_says_of_itself(name: str, page: Any) -> None:
    read, descriptions, scores = page
    if math.isnan(scores[name]):
        pytest.skip("it has no value on these records")
    stated = descriptions[name]
    assert stated.label in read.rows("scores", "Scores by model")[0]
    words = seen(read.section("notes"))
    assert f"{stated.label} ({stated.range}, {stated.direction}) {stated.meaning} {stated.misleads}" in words
    if any(key.startswith(f"{name}_turn_") and not math.isnan(scores[key]) for key in scores):
        assert f'aria-label="{stated.label} by turn"' in read.section("curves").replace("&#x27;", "'")


def test_copies_and_excess_error_are_told_where_there_are_any(make_scores: Any) -> None:
    def told(model: ModelScores) -> list[bool]:
        section = notes(Report([model]))
        markup = str(section.parts[0].markup)  # type: ignore[union-attr]
        return [f"<dt>{label}" in markup for label in ("Copies", EXCESS.label)]

    model = make_scores()
    assert told(model) == [True, False]
    model.scores["exposure_bias_mean"] = 0.1
    del model.scores["copy_guard"]
    assert told(model) == [False, True]


def test_names_are_shown_as_text(tmp_path: Path) -> None:
    description = MetricDescription("<b>x</b>", "x", "", "", "<i>", "", name="mine")
    read = written([ModelScores("m", {"mine": 0.5}, [], descriptions={"mine": description})], tmp_path)
    assert "<b>" not in read.raw
    assert "<i>" not in read.raw
