# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""The leaderboard, and scores with absent outputs as 0."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from imug_metrics.report import Report
from imug_metrics.report.sections.scores import absent_table, score_table
from tests.report.page_reader import written


@pytest.mark.parametrize("counted", [False, True])
def test_scores_with_missing_outputs_stand_beside_those_with_absent_ones_as_0(
    make_scores: Any, tmp_path: Path, counted: bool
) -> None:
    model = make_scores("skips")
    scored = sum(item["alignment"] is not None for item in model.items)
    there = 0.5 if counted else 0.8
    model.scores.update({"turn_alignment": there, "turn_alignment_coverage": 0.625})
    model.scores["turn_alignment_n"] = scored / 0.625 if counted else scored
    page = written([model], tmp_path)
    [_, row] = page.rows("scores", "With absent outputs as 0")
    assert row == ["skips !", "Alignment", "62.5 % !", "0.80", "0.50"]
    told = "the others count 0; without them it is 0.80" if counted else "with the others as 0 it is 0.50"
    assert f"62 % of the outputs were scored{', ' if counted else '; '}{told}" in page.words


def test_where_all_is_there_no_table_of_absent_outputs_is_shown(make_scores: Any) -> None:
    assert absent_table(Report([make_scores()])) is None


def test_a_score_without_interval_says_why(make_scores: Any) -> None:
    model = replace(make_scores("few"), reasons={"turn_alignment": "fewer than 2 effective dialogues carry it"})
    model.scores.update(dict.fromkeys(("turn_alignment_lower", "turn_alignment_upper"), math.nan))
    report = Report([model])
    table = score_table(report, report.metrics)
    cell = next(table.rows)[table.columns.index("Alignment")]
    assert cell.below == "fewer than 2 effective dialogues carry it"
    assert table.records()[0].get("Alignment lower") is None


def test_files_hold_the_exact_score_with_its_bounds_and_records(make_scores: Any) -> None:
    model = make_scores("one")
    report = Report([model])
    [row] = score_table(report, report.metrics).records()
    for end, key in (("", ""), (" lower", "_lower"), (" upper", "_upper"), (" n", "_n")):
        assert row[f"Alignment{end}"] == model.scores[f"turn_alignment{key}"]


def test_every_mark_is_told_below_the_table(make_scores: Any) -> None:
    report = Report([make_scores("copying", copy_rate=0.97)])
    told = score_table(report, report.metrics).caption
    assert "=  copying, Consistency: it repeats its own images, so that this is not identity kept" in told
    assert "!  copying, Copies: it repeats its own images" in told


def test_without_a_copy_rate_there_is_no_column_of_it(make_scores: Any) -> None:
    model = make_scores()
    del model.scores["copy_guard"]
    report = Report([model])
    assert "Copies" not in score_table(report, report.metrics).columns
