# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""The change per turn of every score."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

from imug_metrics.report import Report
from imug_metrics.report.sections.changes import change_table, changes


def readings(table: Any) -> dict[tuple[str, str], str]:
    return {(str(row[0].content), str(row[1].content)): row[4].text for row in table.rows}


def test_each_slope_is_read_in_a_word(make_scores: Any) -> None:
    models = [make_scores("falls", slope=-0.08), make_scores("rises", slope=0.05), make_scores("same")]
    flat = make_scores("flat", slope_error=0.0)
    unknown = make_scores("unknown")
    for end in ("_lower", "_upper"):
        unknown.scores[f"turn_alignment_slope{end}"] = math.nan
    found = readings(change_table(Report([*models, flat, unknown])))
    words = {name: found["Alignment", name] for name in ("falls", "rises", "same", "flat", "unknown")}
    assert words == {
        "falls": "falls", "rises": "rises", "same": "none seen", "flat": "all equal", "unknown": "undefined"
    }  # fmt: skip


def test_a_slope_without_interval_says_why_and_draws_no_bar(make_scores: Any) -> None:
    model = replace(make_scores(), reasons={"turn_alignment_slope": "too few dialogues"})
    model.scores.update(dict.fromkeys(("turn_alignment_slope_lower", "turn_alignment_slope_upper"), math.nan))
    row = next(row for row in change_table(Report([model])).rows if row[0].content == "Alignment")
    assert (row[3].text, row[3].below) == ("–", "too few dialogues")
    assert 'class="bar"' not in row[3].drawing
    assert 'class="dot"' in row[3].drawing


def test_files_hold_the_exact_slope_and_the_metric_in_every_row(make_scores: Any) -> None:
    models = [make_scores("a", slope=-0.08), make_scores("b")]
    rows = change_table(Report(models)).records()
    assert [(row["Metric"], row["Model"]) for row in rows[:2]] == [("Answers", "a"), ("Answers", "b")]
    assert rows[0]["Per turn"] == models[0].scores["answer_accuracy_slope"]
    assert rows[0]["Per turn lower"] == models[0].scores["answer_accuracy_slope_lower"]


def test_a_model_that_lacks_a_metric_has_no_row_of_it(make_scores: Any) -> None:
    table = change_table(Report([make_scores("plain"), make_scores("judged", judged=True)]))
    rows = [row for row in table.rows if row[0].content == "Judged points"]
    assert [row[1].content for row in rows] == ["judged"]
    assert rows[0][0].text == "Judged points", "the first row that is shown says whose rows they are"


def test_without_any_slope_there_is_no_section(make_scores: Any) -> None:
    assert changes(Report([make_scores(turns=1)])) is None


def test_a_mark_is_told_once_and_pointed_at_where_the_scores_tell_it(make_scores: Any) -> None:
    model = make_scores("copying", copy_rate=1.0)
    report = Report([model])
    alone, below = change_table(report), change_table(report, report.metrics)
    assert alone is not None
    assert below is not None
    assert [line for line in alone.caption if "repeats its own images" in line]
    assert not [line for line in below.caption if "repeats its own images" in line]
    assert below.caption[-1] == "=  of the score itself: see Scores by model"
