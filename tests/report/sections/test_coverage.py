# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""What could be scored, and what is missing."""

from __future__ import annotations

from typing import Any

from imug_metrics.report import Report
from imug_metrics.report.sections.coverage import coverage_table


def test_a_row_counts_records_and_what_is_missing(make_scores: Any) -> None:
    model = make_scores(dialogues=4, turns=5)
    for row in model.items[:3]:
        row["image"] = row["text"] = None
    report = Report([model])
    [row] = coverage_table(report).records()
    assert [row[name] for name in ("Dialogues", "Turns", "Images missing", "Answers missing")] == [4, 20, 2, 1]
    assert row["Alignment"] == 0.98
    assert row["Alignment n"] == model.scores["turn_alignment_n"]


def test_a_failed_answer_counts_as_missing(make_scores: Any) -> None:
    model = make_scores(dialogues=2)
    model.items[1]["text"] = "ERROR: timed out"
    table = coverage_table(Report([model]))
    assert next(table.rows)[table.columns.index("Answers missing")].text == "1 of 4"


def test_what_nobody_asked_for_has_no_column_of_what_is_missing(make_scores: Any) -> None:
    model = make_scores()
    model.items[:] = [row for row in model.items if row["modality"] == "text"]
    columns = coverage_table(Report([model])).columns
    assert "Answers missing" in columns
    assert "Images missing" not in columns


def test_questions_without_a_key_have_a_column_where_some_have_one(make_scores: Any) -> None:
    model = make_scores()
    assert "Questions without key" not in coverage_table(Report([model])).columns
    model.scores["answer_accuracy_without_key"] = 3.0
    assert coverage_table(Report([model])).records()[0]["Questions without key"] == 3
    model.scores["answer_accuracy_without_key"] = float(sum(row["modality"] == "text" for row in model.items))
    assert "Questions without key" not in coverage_table(Report([model])).columns, "no answer is judged at all"


def test_coverage_is_rounded_towards_not_all_and_marked_where_low(make_scores: Any) -> None:
    model = make_scores()
    model.scores.update({"turn_alignment_coverage": 0.9996, "turn_retrieval_coverage": 0.5})
    table = coverage_table(Report([model]))
    row = dict(zip(table.columns, next(table.rows), strict=True))
    assert row["Alignment"].text == "99.9 %"
    assert row["Alignment"].marks == ()
    assert [mark.sign for mark in row["Retrieval"].marks] == ["!"]
