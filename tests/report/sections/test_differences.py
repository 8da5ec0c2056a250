# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Who differs from whom, on the page."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from imug_metrics.report import Folded, Report, Table
from imug_metrics.report.comparison import compare_models
from imug_metrics.report.sections.differences import differences
from tests.report.page_reader import written


def report(make_scores: Any, count: int) -> Report:
    models = [make_scores(f"m{place}", start=0.9 - 0.2 * (place % 3)) for place in range(count)]
    return Report(models, compared=compare_models(models))


def test_ranks_stand_first_and_all_pairs_below_them(make_scores: Any) -> None:
    section = differences(report(make_scores, 3))
    assert section is not None
    ranks, folded = section.parts
    assert isinstance(ranks, Table)
    assert isinstance(folded, Folded)
    assert [row[0].model for row in ranks.rows] == [0, 1, 2]
    alignment = ranks.columns.index("Alignment")
    assert [row[alignment].text for row in ranks.rows] == ["1", "2", "3"]
    [pairs] = folded.parts
    assert isinstance(pairs, Table)
    assert len(list(pairs.rows)) == 3 * len(report(make_scores, 3).compared)
    assert folded.is_open


def test_pairs_of_many_models_are_folded_away(make_scores: Any) -> None:
    section = differences(report(make_scores, 5))
    assert section is not None
    assert isinstance(section.parts[1], Folded)
    assert not section.parts[1].is_open


def test_one_model_differs_from_nobody(make_scores: Any, tmp_path: Path) -> None:
    assert differences(Report([make_scores()])) is None
    assert written([make_scores()], tmp_path).section("differences") == ""
