# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""DeepEval on the recorded run: a test case a turn, and again a test case a dialogue.

DeepEval has no place for scores of a whole run: its file holds a score of each case, and the cases. The scores are
those that the library finds in that file, once the mean of what DeepEval wrote of each turn is seen to be the same.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import sys
from math import isclose
from pathlib import Path
from statistics import fmean
from typing import Any

os.environ |= {
    "DEEPEVAL_TELEMETRY_OPT_OUT": "1",
    "DEEPEVAL_DISABLE_DOTENV": "1",
    "DEEPEVAL_HOME": "home",
}

import deepeval
from deepeval.evaluate import DisplayConfig
from deepeval.test_case import ConversationalTestCase, LLMTestCase, Turn

import imug_metrics
from imug_metrics.integrations.deepeval import DialogueAnswersMetric, TurnAnswerMetric, score_test_cases

NAMES = ("answer_accuracy", "answer_accuracy_lower", "answer_accuracy_upper", "answer_accuracy_slope")


def turn_cases(rows: list[dict[str, Any]]) -> list[LLMTestCase]:
    return [
        LLMTestCase(
            input=row["question"],
            actual_output=row["reply"],
            expected_output=row["answer"],
            metadata={"dialogue": row["dialogue"], "turn": row["turn"]},
        )
        for row in rows
    ]


def dialogue_cases(rows: list[dict[str, Any]]) -> list[ConversationalTestCase]:
    dialogues: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        dialogues.setdefault(row["dialogue"], []).append(row)
    return [
        ConversationalTestCase(
            turns=[
                Turn(role=role, content=row[field])
                for row in dialogue
                for role, field in (("user", "question"), ("assistant", "reply"))
            ],
            metadata={"dialogue": name, "target": [row["answer"] for row in dialogue]},
        )
        for name, dialogue in dialogues.items()
    ]


def evaluated(cases: list[Any], metric: Any, folder: str) -> Path:
    """The file that DeepEval writes of a run."""
    deepeval.evaluate(cases, [metric], display_config=DisplayConfig(results_folder=folder, display_option="failing"))
    [file] = Path(folder).glob("test_run_*.json")
    return file


def scores_of(file: Path) -> dict[str, float]:
    [records] = imug_metrics.read_records(file).values()
    found = imug_metrics.evaluate({"recorded": records}).scores["recorded"]
    return {name: found[name] for name in NAMES}


def main(data: Path) -> None:
    rows = [json.loads(line) for line in data.read_text(encoding="utf-8").splitlines()]
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        by_turn = evaluated(turn_cases(rows), TurnAnswerMetric(), "turns")
        by_dialogue = evaluated(dialogue_cases(rows), DialogueAnswersMetric(), "dialogues")
    [of_turns] = json.loads(by_turn.read_text(encoding="utf-8"))["metricsScores"]
    scores = scores_of(by_turn)
    assert isclose(fmean(of_turns["scores"]), scores["answer_accuracy"])
    assert scores_of(by_dialogue) == scores
    assert score_test_cases(turn_cases(rows))["answer_accuracy_lower"] == scores["answer_accuracy_lower"]
    found = {
        "version": f"deepeval {deepeval.__version__}",
        "scores": scores,
        "log": str(by_turn),
        "printed": printed.getvalue().rpartition("Aggregate Metrics")[2].partition("╰")[0],
    }
    Path("found.json").write_text(json.dumps(found, indent=2), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
