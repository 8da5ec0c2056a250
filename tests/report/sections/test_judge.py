# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""What the report shows of judges: failures, agreement, people, and what asking again is worth."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from imug_metrics.report import Report, find, score_tables
from imug_metrics.report.judging import people_text, repeats_text
from imug_metrics.report.sections.judge import agreement_table, judge, judged_table
from tests.report.page_reader import written

AGREEMENT = {"alpha": 0.81, "alpha_lower": 0.7, "alpha_upper": 0.9, "units": 40.0, "spread": 0.2, "human_pearson": 0.6}
JUDGES = {"mine": {"answers": 1200, "failures": {"image: busy": 2}, "agreement": {"points": AGREEMENT}}}


def judged(make_scores: Any, model: str) -> Any:
    return make_scores(model, judged=True)


def test_failures_of_the_judge_are_a_finding_and_a_row(make_scores: Any, tmp_path: Path) -> None:
    models = [judged(make_scores, "mine"), make_scores("other")]
    page = written(models, tmp_path, judges=JUDGES)
    heading, *rows = page.rows("judge", "Judged images")
    assert heading[4:6] == ["Answers of the judge", "Failed"]
    assert [row[0] for row in rows] == ["mine"]
    assert rows[0][4:6] == ["1,200", "2 2 image: busy"]
    assert page.rows("judge", "Agreement of the judge")[1] == [
        "mine", "points", "0.81 0.70 to 0.90", "0.20", "0.60", "–"
    ]  # fmt: skip
    [finding] = [finding for finding in find(models, JUDGES) if "judgements" in finding.text]
    assert (finding.tone, finding.model) == ("warn", "mine")
    assert find(models) == [finding for finding in find(models, JUDGES) if "judgements" not in finding.text]
    assert json.loads((tmp_path / "summary.json").read_text())["judges"] == JUDGES


def test_files_hold_the_exact_agreement_with_its_bounds_and_units(make_scores: Any) -> None:
    table = agreement_table(Report([make_scores("mine")], judges=JUDGES))
    assert table is not None
    [row] = table.records()
    assert [row[f"α{end}"] for end in ("", " lower", " upper", " n")] == [0.81, 0.7, 0.9, 40]


def test_a_judge_without_agreement_has_a_row_too(make_scores: Any) -> None:
    report = Report([make_scores("mine")], judges={"mine": {"answers": 5, "failures": {}, "agreement": {}}})
    table = judged_table(report)
    assert table is not None
    assert [cell.text for cell in next(table.rows)][4:6] == ["5", "0"]
    assert agreement_table(report) is None


def test_without_a_judge_there_is_no_such_section(make_scores: Any) -> None:
    assert judge(Report([make_scores("mine")])) is None
    assert judged_table(Report([make_scores("mine")])) is None


def test_the_terminal_shows_points_failures_and_classes(make_scores: Any) -> None:
    models = [judged(make_scores, "mine"), make_scores("other")]
    for place, row in enumerate(models[0].items):
        row |= {"class": "Hybrid" if place % 2 else "Temporal", "points_strict": 0.25}
    points, classes = score_tables(models, JUDGES)[-2:]
    row = next(line for line in str(points).splitlines() if line.startswith("mine"))
    assert row.split()[-4:] == ["1,200", "2", "98.0", "%"]
    assert "Judged points" in str(classes)
    assert "Hybrid" in str(classes)
    assert "0.25" in str(classes)


POWERED = {
    "point_score_human": 0.6,
    "point_score_human_lower": 0.5,
    "point_score_human_upper": 0.7,
    "point_score_powered": 0.62,
    "point_score_powered_lower": 0.57,
    "point_score_powered_upper": 0.67,
    "point_score_powered_lambda": 0.8,
    "point_score_powered_labelled": 50.0,
    "point_score_powered_records": 400.0,
    "point_score_powered_variance_ratio": 0.25,
}
REPEATS = {
    "variance": {"dialogue": 0.5, "record": 1.25, "repeat": 0.25},
    "width": {"1": 1.0, "2": 0.98, "3": 0.96, "5": 0.95, "inf": 0.9},
    "share": 0.19,
    "best": 0.447,
}


def test_people_and_the_judges_help_are_told(make_scores: Any, tmp_path: Path) -> None:
    models = [judged(make_scores, "mine"), judged(make_scores, "other")]
    models[0].scores.update(POWERED)
    differences = {"other": {"difference": -0.1, "difference_lower": -0.2, "difference_upper": 0.02, "records": 4.0}}
    judges = {
        "mine": {**JUDGES["mine"], "repeats": REPEATS, "differences": differences},
        "other": {**JUDGES["mine"], "repeats": {}},
    }
    said = written(models, tmp_path, judges=judges).words
    assert "People alone: 0.60 (0.50 to 0.70); with the judge's help: 0.62 (0.57 to 0.67), 50 of 400 images" in said
    assert "50 images scored by people count as much as 200" in said
    assert "People score it −0.10 (−0.20 to 0.02) against other." in said
    assert "The judge's noise is 19 % of the mean's variance: asking 3 times shortens the interval by 4 %, " in said
    assert "a judge without noise by 10 %" in said
    assert said.count("People alone") == 1, "nobody scored the other model"
    assert said.count("The judge's noise") == 1, "the other one was asked once"


def test_what_cannot_be_told_is_said_in_words() -> None:
    assert "The judge does not help" in people_text({**POWERED, "point_score_powered_variance_ratio": 1.0})
    unknown = {"variance": dict.fromkeys(REPEATS["variance"]), "width": dict.fromkeys(REPEATS["width"])}
    assert repeats_text({**unknown, "share": None, "best": None}).startswith("Too few repeats")
    assert people_text({}) == repeats_text({}) == ""
