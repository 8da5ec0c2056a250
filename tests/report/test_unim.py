# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""The UniM report from numbers alone."""

from __future__ import annotations

import csv
import json
import math
from pathlib import Path
from typing import Any

from imug_metrics.report.unim import COLUMNS, shown_columns, unim_page, write_unim_report

HOSTILE = '"><img src=x onerror=alert(1)>\x00'


def group(by: str = "all", name: str = "all instances", **scores: float) -> dict[str, Any]:
    return {"by": by, "name": name, "instances": 3, "answered": 2, "structure_integrity_n": 2, **scores}


def item(strict: float, number: str = "1") -> dict[str, Any]:
    counts = {"image": 2, "audio": 0}
    key = {"field": "general", "domain": HOSTILE, "id": number}
    return {**key, "strict": strict, "lenient": strict, "counts": counts, "asked": counts}


def test_only_scores_that_are_there_are_shown() -> None:
    groups = [group(structure_integrity=0.5), group(structure_integrity=0.2, interleaved_coherence=0.1)]
    assert [column.label for column in shown_columns(groups)] == ["StS", "ICS"]
    assert len(COLUMNS) == 4


def test_whatever_data_say_is_escaped() -> None:
    problem = {"file": HOSTILE, "line": 3, "field": HOSTILE, "message": HOSTILE}
    groups = [group(), group("domain", HOSTILE, structure_integrity=0.5)]
    page = unim_page(groups, [item(0.5)], {"outputs": HOSTILE}, [problem], "1")
    assert "<img" not in page
    assert "\x00" not in page
    assert page.count("&lt;img") >= 5


def test_lowest_answers_come_first_and_absent_and_right_ones_not_at_all() -> None:
    items = [item(1.0, "right"), item(0.5, "half"), item(math.nan, "absent"), item(0.0, "wrong")]
    page = unim_page([group(structure_integrity=0.5)], items, {}, [], "1")
    worst = page[page.index("Lowest structure scores") :]
    assert worst.index("/wrong") < worst.index("/half")
    assert "/right" not in worst
    assert "/absent" not in worst


def test_many_problems_are_counted_and_some_shown() -> None:
    problem = {"file": "a", "line": None, "field": "", "message": "m"}
    page = unim_page([group()], [], {}, [problem] * 450, "1")
    assert "450 problems" in page
    assert "250 more" in page


def test_files_hold_null_and_empty_cells_where_nothing_is_known(tmp_path: Path) -> None:
    groups = [group(structure_integrity=0.5, structure_integrity_lower=math.nan)]
    write_unim_report(groups, [item(math.nan)], tmp_path, manifest={}, version="1")
    summary = json.loads((tmp_path / "summary.json").read_text())
    assert summary["groups"][0]["structure_integrity_lower"] is None
    (row,) = csv.DictReader((tmp_path / "summary.csv").open())
    assert (row["value"], row["lower"], row["support"]) == ("0.5", "", "")
    assert json.loads((tmp_path / "items.jsonl").read_text())["strict"] is None


def test_scores_of_a_part_of_the_instances_say_so() -> None:
    partial = group(structure_integrity=0.5, semantic_quality=0.4, semantic_quality_n=1)
    page = unim_page([partial], [], {}, [], "1")
    assert "1 of 2 scored" in page
    whole = {**partial, "semantic_quality_n": 2}
    assert "scored</span>" not in unim_page([whole], [], {}, [], "1")
