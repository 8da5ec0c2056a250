# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Every score by class, domain and other groups of records."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from imug_metrics.report import Folded, Report, Table
from imug_metrics.report.sections import tables_of
from imug_metrics.report.sections.breakdowns import class_table, groups
from tests.report.page_reader import written


def grouped(make_scores: Any, name: str = "mine") -> Any:
    model = make_scores(name)
    for place, row in enumerate(model.items):
        row |= {"class": ("Hybrid", "Static")[place % 2], "my group": ("<b>odd]", "even")[place // 5 % 2]}
    return model


def tables(report: Report) -> dict[str, Table]:
    section = groups(report)
    assert section is not None
    return {table.name: table for table in tables_of(section.parts)}


def test_every_metric_of_a_column_is_broken_down_by_every_kind_of_group(make_scores: Any) -> None:
    found = tables(Report([grouped(make_scores)]))
    assert set(found) == {"by_class", "by_my_group"}
    for table in found.values():
        assert {row[0].content for row in table.rows} >= {"Answers", "Alignment", "Retrieval", "Consistency"}


def test_a_mean_stands_with_its_interval_and_records(make_scores: Any) -> None:
    model = grouped(make_scores)
    table = tables(Report([model]))["by_my_group"]
    row = next(row for row in table.records() if row["Metric"] == "Alignment" and row["My group"] == "even")
    values = [item["alignment"] for item in model.items if item["my group"] == "even" and item["alignment"] is not None]
    assert row["mine"] == pytest.approx(sum(values) / len(values))
    assert row["mine n"] == len(values)
    assert row["mine lower"] < row["mine"] < row["mine upper"]


def test_a_group_that_a_model_lacks_is_a_dash_in_its_column(make_scores: Any) -> None:
    other = grouped(make_scores, "other")
    for row in other.items:
        row["class"] = "Static"
    table = tables(Report([grouped(make_scores), other]))["by_class"]
    rows = {(row[0].content, row[1].content): [cell.text for cell in row[2:]] for row in table.rows}
    assert rows["Alignment", "Hybrid"][1] == "–"
    assert rows["Alignment", "Static"][1] != "–"


def test_the_first_groups_are_open_and_the_others_folded(make_scores: Any) -> None:
    section = groups(Report([grouped(make_scores)]))
    assert section is not None
    assert [(part.summary, part.is_open) for part in section.parts if isinstance(part, Folded)] == [
        ("By class: 2 groups", True), ("By my group: 2 groups", False)
    ]  # fmt: skip


def test_names_of_groups_are_shown_as_text(make_scores: Any, tmp_path: Path) -> None:
    section = written([grouped(make_scores)], tmp_path).section("groups")
    assert "&lt;b&gt;odd]" in section
    assert "<b>" not in section


def test_of_many_groups_the_page_says_how_many_are_not_shown(make_scores: Any, tmp_path: Path) -> None:
    model = make_scores(dialogues=60)
    for row in model.items:
        row["domain"] = f"domain of {row['dialogue']}"
    page = written([model], tmp_path)
    assert "The largest 50 are shown, 10 more are not." in page.words


def test_without_groups_there_is_no_section(make_scores: Any) -> None:
    model = make_scores()
    for row in model.items:
        for name in ("class", "domain", "subdomain"):
            row[name] = None
    assert groups(Report([model])) is None
    assert class_table(Report([model])) is None
