# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Trackio: what its own storage holds."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from imug_metrics import Evaluation

SCRIPT = """
import trackio
from trackio.sqlite_storage import SQLiteStorage

run = trackio.init(project="scores", name="first", auto_log_cpu=False)
returned = evaluation.to_trackio(run, step=3)
trackers.log_trackio(metric.compute(), prefix="val/", step=4)  # in the run that is active
compare(evaluation).to_trackio(detail="primary", step=5)
trackio.finish()
logs = {row.pop("step"): row for row in SQLiteStorage.get_logs("scores", "first")}
read_back({"returned": returned, "logs": logs})
"""


def test_a_run_holds_the_scores_and_tables(
    run_script: Callable[[str, str], Any], evaluation: Evaluation, expected: dict[str, float]
) -> None:
    found = run_script("trackio", SCRIPT)
    assert found["returned"] == expected
    first, second, third = (found["logs"][step] for step in ("3", "4", "5"))
    tables = {key: first.pop(key)["_value"] for key in ("leaderboard", "per_turn")}
    assert {key: value for key, value in first.items() if key != "timestamp"} == expected
    assert [row["answer_accuracy"] for row in tables["leaderboard"]] == [
        scores["answer_accuracy"] for scores in evaluation.scores.values()
    ]
    assert len(tables["per_turn"]) == 2 * 4 * 3, "models, curves and turns"
    assert second["val/answer_accuracy"] == 0.5
    assert "steady 2.5/minus/fading/answer_accuracy" in third
    assert third["differences"]["_value"]
