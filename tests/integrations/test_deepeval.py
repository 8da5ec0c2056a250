# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""DeepEval: scores of test cases that are turns or dialogues, their thresholds, and what they refuse."""

from __future__ import annotations

import os
from typing import Any

import pytest

from imug_metrics.errors import ArgumentError
from tests.integrations.recorded import expected, rows

os.environ.setdefault("DEEPEVAL_TELEMETRY_OPT_OUT", "1")
pytest.importorskip("deepeval")
from deepeval.errors import MissingTestCaseParamsError
from deepeval.test_case import ConversationalTestCase, LLMTestCase, MLLMImage, Turn

from imug_metrics.integrations.deepeval import (
    DialogueAnswersMetric,
    TurnAnswerMetric,
    case_records,
    score_test_cases,
)


def turn(row: dict[str, Any]) -> LLMTestCase:
    return LLMTestCase(
        input=row["question"],
        actual_output=row["reply"],
        expected_output=row["answer"],
        metadata={"dialogue": row["dialogue"], "turn": row["turn"]},
    )


def dialogue(*said: str, **metadata: Any) -> ConversationalTestCase:
    turns = [Turn(role="user" if n % 2 == 0 else "assistant", content=text) for n, text in enumerate(said)]
    return ConversationalTestCase(turns=turns, metadata=metadata)


def test_turns_and_whole_dialogues_give_the_scores_of_the_library() -> None:
    given = rows()
    names = dict.fromkeys(row["dialogue"] for row in given)
    parts = [[row for row in given if row["dialogue"] == name] for name in names]
    whole = [
        dialogue(
            *(text for row in part for text in (row["question"], row["reply"])),
            dialogue=part[0]["dialogue"],
            target=[row["answer"] for row in part],
        )
        for part in parts
    ]
    for cases in ([turn(row) for row in given], whole):
        assert score_test_cases(cases) == pytest.approx(expected(), abs=0, rel=0, nan_ok=True)


@pytest.mark.parametrize(("reply", "score", "success"), [("(B)", 1.0, True), ("A", 0.0, False), ("blue", 1.0, True)])
def test_a_turn_passes_by_its_score(reply, score, success) -> None:
    metric = TurnAnswerMetric(threshold=1.0)
    case = turn({"question": "Which? A. red B. blue", "reply": reply, "answer": "B", "dialogue": "a", "turn": 1})
    assert (metric.measure(case), metric.score, metric.success) == (score, score, success)


def test_a_dialogue_scores_the_mean_of_its_turns_that_have_a_key() -> None:
    metric = DialogueAnswersMetric(threshold=None)
    case = dialogue("Which?", "B", "Thanks.", "Gladly.", "And?", "C", dialogue="a", target=["B", None, "D"])
    assert metric.measure(case) == 0.5
    assert metric.score_breakdown == {"turn_1": 1.0, "turn_3": 0.0}
    assert metric.success is None


@pytest.mark.parametrize(
    ("case", "error", "message"),
    [
        (dialogue("Which?", "B", dialogue="a"), MissingTestCaseParamsError, "No turn has a key"),
        (dialogue("Which?", "B", target=["B"]), ArgumentError, "write `dialogue`, and the keys"),
        (
            dialogue("Which?", "B", "And?", dialogue="a", target=["B", "C"]),
            MissingTestCaseParamsError,
            "answer: turn 2",
        ),
        (dialogue("Which?", "ERROR: 500", dialogue="a", target=["B"]), MissingTestCaseParamsError, "answer: turn 1"),
    ],
)
@pytest.mark.filterwarnings("ignore:.*expected an answer")
def test_dialogues_without_a_score_are_refused(case, error, message) -> None:
    with pytest.raises(error, match=message):
        DialogueAnswersMetric().measure(case)


def test_a_turn_that_names_no_turn_is_refused_with_the_cure() -> None:
    case = LLMTestCase(input="Which?", actual_output="B", expected_output="B", metadata={"dialogue": "a"})
    with pytest.raises(ArgumentError, match=r"test case 0: metadata: .* write `dialogue` and `turn`"):
        score_test_cases([case])


@pytest.mark.parametrize("absent", [None, "ERROR: 500"])
@pytest.mark.filterwarnings("ignore:.*expected an answer")
def test_an_absent_answer_has_no_score_and_lowers_the_coverage(absent) -> None:
    given = [{**row, "reply": absent if row["turn"] == 1 else row["reply"]} for row in rows()]
    with pytest.raises(MissingTestCaseParamsError):
        TurnAnswerMetric().measure(turn(given[0]))
    found = score_test_cases([turn(row) for row in given])
    assert found["answer_accuracy_coverage"] == pytest.approx(80 / 110)


def test_an_image_in_an_answer_is_the_output_of_its_turn() -> None:
    image = MLLMImage(dataBase64="aW1hZ2U=", mimeType="image/png")
    case = LLMTestCase(input="Draw it.", actual_output=f"Here: {image}", metadata={"dialogue": "a", "turn": 1})
    [record] = case_records(case)
    assert (record.modality, record.image) == ("image", b"image")
