# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""The module for Hugging Face evaluate: batches, options, absent replies and what it refuses."""

from __future__ import annotations

from typing import Any

import pytest

import imug_metrics
from tests.integrations.recorded import expected, rows

evaluate = pytest.importorskip("evaluate")
from imug_metrics.integrations import hf_evaluate  # noqa: E402


@pytest.fixture
def metric(tmp_path) -> Any:
    return evaluate.load(hf_evaluate.__file__, cache_dir=str(tmp_path))


def batch(given: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "predictions": [row["reply"] for row in given],
        "references": [row["answer"] for row in given],
        "dialogue": [row["dialogue"] for row in given],
        "turn": [row["turn"] for row in given],
    }


def test_batches_that_part_dialogues_give_the_scores_of_the_whole(metric) -> None:
    given = rows()
    for begin in range(0, len(given), 7):
        metric.add_batch(**batch(given[begin : begin + 7]))
    assert metric.compute() == pytest.approx(expected(), abs=0, rel=0, nan_ok=True)


def test_other_metrics_take_the_place_of_the_default(metric) -> None:
    given = {"predictions": ["about 3,000"], "references": ["3000"], "dialogue": [7], "turn": [1]}
    numeric = imug_metrics.AnswerAccuracy(kind="numeric")
    assert metric.compute(**given, metrics={"number": numeric}) == {"number": 1.0}


def test_an_absent_reply_lowers_the_coverage(metric) -> None:
    found = metric.compute(predictions=["A", None], references=["A", "B"], dialogue=["a", "a"], turn=[1, 2])
    assert (found["answer_accuracy"], found["answer_accuracy_coverage"]) == (1.0, 0.5)


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"turn": [1, 1]}, "to come once in its `dialogue`"),
        ({"turn": [0, 1]}, "turns count from 1"),
        ({"dialogue": ["a", None]}, "expected in row 1: let the task write there which `dialogue`"),
    ],
)
def test_rows_that_are_no_turns_of_dialogues_are_refused(metric, more, message) -> None:
    given = {"predictions": ["A", "B"], "references": ["A", "B"], "dialogue": ["a", "a"], "turn": [1, 2]}
    with pytest.raises(ValueError, match=message):
        metric.compute(**{**given, **more})
