# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""What the report was made of."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from imug_metrics.reading.files import Problem
from imug_metrics.report.sections.source import MOST_PROBLEMS
from tests.report.page_reader import written


def test_the_manifest_is_flat_and_every_number_is_there(make_scores: Any, tmp_path: Path) -> None:
    models = [make_scores("a"), make_scores("b")]
    models[0].scores["answer_accuracy[class=Hybrid]"] = 0.5
    page = written(models, tmp_path, manifest={"encoder": {"name": "scene"}, "seed": 3})
    assert ["encoder.name", "scene"] in page.rows("source", "Manifest")
    rows = {row[0]: row[1:] for row in page.rows("source", "All numbers")[1:]}
    assert set(rows) == {key for model in models for key in model.scores if "[" not in key}, (
        "groups have tables of theirs"
    )
    assert rows["turn_alignment"] == ["0.8000", "0.8000"]


def test_problems_of_the_data_are_listed_up_to_a_number(make_scores: Any, tmp_path: Path) -> None:
    problems = [Problem("a.json", line, "tasks", f"<b>wrong {line}") for line in range(1, MOST_PROBLEMS + 6)]
    page = written([make_scores()], tmp_path, problems=problems)
    rows = page.rows("source", "Problems")[1:]
    assert len(rows) == MOST_PROBLEMS
    assert rows[1] == ["error", "a.json", "2", "tasks", "<b>wrong 2"]
    assert f"{MOST_PROBLEMS + 5} problems of the data, the first {MOST_PROBLEMS} shown" in page.words
    assert "problems of the data" not in written([make_scores()], tmp_path / "none").words
