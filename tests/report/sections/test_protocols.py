# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Both protocols beside each other, and the rules in which they differ."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from imug_metrics.report import Report, RuleRow
from imug_metrics.report.sections.protocols import protocol_table, protocols
from tests.report.page_reader import written

RULES = [
    RuleRow("letters", "all", "those meant", "an article is no choice", {"mine": 3, "other": 0}),
    RuleRow("rounding", "4 places", "none", "nothing is gained", {"mine": 0}),
]


def test_rules_are_shown_with_the_turns_they_touch(make_scores: Any, tmp_path: Path) -> None:
    page = written([make_scores("mine"), make_scores("other")], tmp_path, rules=RULES)
    assert page.rows("rules", "Rules that differ")[1:] == [
        ["letters", "all", "those meant", "an article is no choice", "3", "0"]
    ]
    assert page.rows("rules", "Rules without effect here")[1:] == [
        ["rounding", "4 places", "none", "nothing is gained", "0", "–"]
    ]
    assert "1 more rules touch no turn here" in page.words
    assert json.loads((tmp_path / "summary.json").read_text())["rules"] == {
        "mine": {"letters": 3, "rounding": 0},
        "other": {"letters": 0},
    }


def test_the_difference_is_strict_minus_official(make_scores: Any) -> None:
    model = make_scores("mine")
    model.scores.update({"answer_accuracy": 0.75, "answer_accuracy_imug": 0.5})
    table = protocol_table(Report([model]))
    assert table.columns == ("Model", "Answers, strict", "Answers, official", "Answers, difference")
    assert [cell.text for cell in next(table.rows)][1:] == ["0.75", "0.50", "+0.25"]
    assert table.records()[0]["Answers, difference"] == pytest.approx(0.25)


def test_without_rules_there_is_no_such_section(make_scores: Any) -> None:
    assert protocols(Report([make_scores("mine")])) is None
