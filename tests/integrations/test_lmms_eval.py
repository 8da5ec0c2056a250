# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""The tasks for lmms-eval that are installed, and dialogues in rounds, without the harness."""

from __future__ import annotations

import json
from itertools import groupby
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from imug_metrics import AnswerAccuracy, ImugSuite, read_records
from imug_metrics.errors import ArgumentError
from imug_metrics.integrations.lmms_eval import DialogueScores, doc_to_text, doc_to_visual
from imug_metrics.integrations.task_scores import NAMES
from tests.integrations.recorded import expected, rows
from tests.integrations.task_files import run_task, task_file

FOLDER = "lmms_eval_tasks"


def dialogues() -> list[tuple[dict[str, Any], list[str]]]:
    """The recorded run as a document and replies for each dialogue."""
    found = []
    for name, group in groupby(rows(), lambda row: row["dialogue"]):
        of = list(group)
        found.append(({"dialogue": name, "turns": of}, [row["reply"] for row in of]))
    return found


def test_numbers_of_turns_are_those_of_the_metric() -> None:
    found = run_task(task_file(FOLDER, "imug_answers.yaml"), rows(), [row["reply"] for row in rows()])
    assert found == {name: expected()[name] for name in NAMES}


def test_numbers_of_rounds_are_those_of_the_metric() -> None:
    docs, replies = zip(*dialogues(), strict=True)
    found = run_task(task_file(FOLDER, "imug_dialogues.yaml"), list(docs), list(replies))
    assert found == {name: expected()[name] for name in NAMES}


def test_the_cluster_of_the_harness_is_a_field_of_the_values() -> None:
    task, row = task_file(FOLDER, "imug_answers.yaml"), rows()[0]
    assert task["process_results"](row, [row["reply"]])["answer_accuracy"][task["cluster_key"]] == row["dialogue"]


def test_rounds_ask_with_the_models_own_history_until_the_turns_are_over(tmp_path: Path) -> None:
    Image.new("RGB", (4, 4)).save(tmp_path / "a.png")
    first = {"question": "Which?", "answer": "A", "images": [str(tmp_path / "a.png")]}
    doc, scores = (
        {"dialogue": "a", "turns": [first, {"question": "Sure?", "answer": "B", "images": None}]},
        DialogueScores(),
    )
    assert scores.doc_to_text(doc) == "Which?"
    assert [image.size for image in scores.doc_to_visual(doc)] == [(4, 4)]
    images, text, ended, replies, _ = scores.doc_to_text(doc, None, previous_output=["(A)"], round_idx=1)
    assert (len(images), text, ended, replies) == (1, "User: Which?\nAssistant: (A)\nUser: Sure?", False, ["(A)"])
    assert scores.doc_to_text(doc, previous_output=["(A)", "B"], round_idx=2) == (None, None, True, ["(A)", "B"], None)


def test_fields_of_dialogues_and_of_their_turns_are_named_or_made() -> None:
    doc = {"session": 7, "rounds": [{"q": "Which? A. red B. blue", "gold": 1}]}
    scores = DialogueScores(dialogue="session", turns="rounds", prompt="q", key=lambda turn: "AB"[turn["gold"]])
    [record] = scores.records(scores.process_results(doc, [["It is blue."]])["answer_accuracy"])
    assert (record.dialogue, record.turn, record.prompt, record.target) == ("7", 1, "Which? A. red B. blue", "B")
    with pytest.raises(TypeError, match="turn"):
        DialogueScores(turn="n")  # turns are numbered in their order


def test_rounds_that_are_not_as_many_as_the_turns_are_refused() -> None:
    doc, replies = dialogues()[0]
    with pytest.raises(
        ArgumentError, match=rf"expected {len(replies)} replies to dialogue 'room/0', .*, got 1: .*a list"
    ):
        DialogueScores().process_results(doc, [str(tuple(replies))])


@pytest.mark.parametrize("turns", [[], "Which?", ["Which?"], None])
def test_turns_that_are_none_are_refused_before_the_model_runs(turns: Any) -> None:
    with pytest.raises(ArgumentError, match="`turns`: expected the turns of a document as a list of objects"):
        DialogueScores().check_docs([{"dialogue": "a", "turns": turns}])


def test_a_dialogue_that_is_there_twice_is_refused_before_the_model_runs() -> None:
    doc, _ = dialogues()[0]
    with pytest.raises(ArgumentError, match="document 1 is turn 1 of dialogue 'room/0'"):
        DialogueScores().check_docs([doc, doc])


def test_a_log_of_rounds_is_scored_to_the_same_numbers(tmp_path: Path) -> None:
    scores = DialogueScores()
    log = tmp_path / "20260102_030405_samples_rounds.jsonl"
    with log.open("w", encoding="utf-8") as file:
        for n, (doc, replies) in enumerate(dialogues()):
            sample = {"doc_id": n, "target": "", "filtered_resps": replies, **scores.process_results(doc, [replies])}
            file.write(json.dumps(sample) + "\n")
    records = read_records(log)
    suite = ImugSuite([AnswerAccuracy(detail=True)])
    suite.update(records[tmp_path.name])
    found = suite.compute()
    assert {name: found[name] for name in NAMES} == {name: expected()[name] for name in NAMES}
    assert not records.problems


def test_a_question_stands_between_the_prompts_of_a_model() -> None:
    around = {"pre_prompt": "Look. ", "post_prompt": " Say a letter."}
    assert doc_to_text({"question": "Which?"}, around) == "Look. Which? Say a letter."
    image = Image.new("RGB", (2, 2))
    assert doc_to_visual({"images": [image]}) == [image]
    assert doc_to_visual({"images": None}) == []
