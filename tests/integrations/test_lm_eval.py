# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""The task for lm-evaluation-harness that is installed, without the harness."""

from __future__ import annotations

from imug_metrics.integrations.task_scores import NAMES
from tests.integrations.recorded import expected, rows
from tests.integrations.task_files import run_task, task_file

TASK = task_file("lm_eval_tasks", "imug_answers.yaml")


def test_its_numbers_are_those_of_the_metric() -> None:
    found = run_task(TASK, rows(), [row["reply"] for row in rows()])
    assert found == {name: expected()[name] for name in NAMES}


def test_a_bound_and_a_count_are_neither_better_high_nor_low() -> None:
    better = {
        entry["metric"].removeprefix("answer_accuracy"): entry["higher_is_better"] for entry in TASK["metric_list"]
    }
    assert {end for end, higher in better.items() if higher} == {"", "_slope", "_coverage"}
    assert {end for end, higher in better.items() if higher is None} == {
        *("_lower", "_upper", "_slope_lower", "_slope_upper", "_n")
    }
