# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Samples of lmms-eval and lm-evaluation-harness: where dialogue, turn, reply and scores are found."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest

from imug_metrics import Record, read_records
from imug_metrics.errors import ArgumentError
from imug_metrics.integrations.lmms_eval import DialogueScores, TaskScores

FOUND = {"dialogue": "a", "turn": 1}


def sample(number: int = 0, **more: Any) -> dict[str, Any]:
    """A sample as lmms-eval logs it, with a metric into which the task has written dialogue and turn."""
    return {
        **{"doc_id": number, "target": "B", "filtered_resps": "B", "doc_hash": "0", "input": "Which? A or B"},
        "accuracy": {**FOUND, "turn": number + 1, "score": 1.0},
        **more,
    }


def read(folder: Path, rows: list[Any], name: str = "x.jsonl", **options: Any) -> tuple[list[Record], list[str]]:
    folder.mkdir(exist_ok=True)
    (folder / name).write_text("".join(json.dumps(row) + "\n" for row in rows))
    found = read_records(folder / name, format="lmms-eval", **options)
    return [record for records in found.values() for record in records], [*map(str, found.problems)]


@pytest.mark.parametrize(
    ("reply", "text"),
    [
        ({"filtered_resps": "B"}, "B"),
        ({"filtered_resps": ["B"]}, "B"),
        ({"resps": ["I say (B)"], "filtered_resps": "B"}, "I say (B)"),
        ({"resps": [["I say (B)"]], "filtered_resps": ["[invalid]"]}, "I say (B)"),
        ({"resps": "<think>A?</think>B", "filtered_resps": "B"}, "<think>A?</think>B"),
        ({"filtered_resps": "{B}"}, "{B}"),
        ({"filtered_resps": '{"letter": "B"}'}, '{"letter": "B"}'),
        ({"filtered_resps": [["-1.2", "False"], ["-0.3", "True"]]}, None),
        ({"filtered_resps": ["-1.2", "False"]}, "told"),
        ({"filtered_resps": ["A", "B"]}, "told"),
        ({"filtered_resps": []}, None),
        ({"filtered_resps": 3}, None),
    ],
)
def test_the_reply_is_what_the_model_said(tmp_path, reply, text) -> None:
    [record], problems = read(tmp_path, [sample(**reply)])
    assert record.text == (None if text == "told" else text)
    assert record.target == (None if text in (None, "told") else "B")
    assert [("expected one reply, got 2" in problem) for problem in problems] == ([True] if text == "told" else [])


@pytest.mark.parametrize(
    ("reply", "target", "image", "told"),
    [
        ('{"text": "", "images": ["a.png"]}', "", "a.png", []),
        ('{"text": "done", "images": ["a.png", "b.png"]}', "", "b.png", ["2 images in one output: the last counts"]),
        ('{"text": "", "images": []}', "", None, ["expected an answer, found none"]),
        ('{"text": "", "images": ["../b.png"]}', "", None, ["expected an image inside"]),
        ('{"text": "", "images": "a.png"}', "", None, ["expected images as a list", "found none"]),
    ],
)
def test_images_that_models_draw_are_read(tmp_path, reply, target, image, told) -> None:
    for name in ("a.png", "b.png"):
        (tmp_path / name).write_bytes(name.encode())
    metric = dict(FOUND)
    rows = [
        sample(1, filtered_resps='{"images": ["a.png"]}', target=""),
        sample(0, filtered_resps=reply, target=target),
    ]
    for row in rows:
        row["accuracy"] = {**metric, "turn": row["doc_id"] + 1}
    records, problems = read(tmp_path, rows)
    [record] = [record for record in records if record.turn == 1]
    assert record.modality == "image"
    assert (None if record.image is None else Path(record.image).name) == image
    assert len(problems) == len(told)
    assert all(message in problem for message, problem in zip(told, problems))


@pytest.mark.parametrize(
    ("metrics", "scores"),
    [
        ({"exact_match": 1.0}, {"exact_match": 1.0}),
        ({"exact_match": True, "f1": 0.25}, {"exact_match": 1.0, "f1": 0.25}),
        ({"judge": {"score": 3, "why": "x"}}, {"judge": 3.0}),
        ({"bleu": ["a", "b"], "note": "x", "other": None}, {}),
        ({"clip": math.nan}, {"clip": math.nan}),
        ({"metrics": ["acc"], "acc": 0}, {"acc": 0.0}),
    ],
)
def test_numbers_of_metrics_are_scores(tmp_path, metrics, scores) -> None:
    row = {name: value for name, value in sample(**metrics).items() if name != "accuracy"}
    [record], problems = read(tmp_path, [{**row, "place": FOUND}])
    assert record.scores == pytest.approx(scores, nan_ok=True)
    assert problems == []


def test_dialogue_and_turn_come_from_the_question_where_it_was_logged(tmp_path) -> None:
    row = {"doc_id": 0, "doc": {"session_id": "s", "round": 2, "text": "the question's"}, "target": "B"}
    rows = [{**row, "resps": [["B"]], "filtered_resps": ["B"], "arguments": {"gen_args_0": {"arg_0": "Which?"}}}]
    [record], problems = read(tmp_path, rows)
    assert (record.dialogue, record.turn, record.prompt, record.text) == ("s", 2, "Which?", "B")
    assert problems == []


def test_columns_lead_into_objects(tmp_path) -> None:
    row = {"doc_id": 0, "doc": {"meta": {"case": "s", "nr": 2}}, "target": "B", "filtered_resps": ["B"]}
    [record], _ = read(tmp_path, [row], columns={"dialogue": "doc.meta.case", "turn": "doc.meta.nr"})
    assert (record.dialogue, record.turn) == ("s", 2)


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (
            {"accuracy": 1.0},
            "no column holds the turn; its columns are doc_id, .*say turn=1.*the task write it with `process_results`",
        ),
        ({"accuracy": {"turn": 1}, "other": {"turn": 2}}, "no column holds the turn"),
        ({"accuracy": {"turn": 0, "dialogue": "a"}}, "turn 0"),
    ],
)
def test_samples_that_do_not_say_their_turn_are_refused(tmp_path, more, message) -> None:
    with pytest.raises(ArgumentError, match=message):
        read(tmp_path, [sample(**more)])


def test_samples_of_single_questions_are_dialogues_of_their_own(tmp_path) -> None:
    rows = [sample(number, accuracy=1.0) for number in range(3)]
    records, problems = read(tmp_path, rows, columns={"turn": "1"})
    assert [(record.dialogue, record.turn) for record in records] == [("0", 1), ("1", 1), ("2", 1)]
    assert problems == []


def test_rows_of_further_filters_are_told_and_not_read_twice(tmp_path) -> None:
    rows = [sample(number, filter=name) for name in ("strict", "loose", "last") for number in range(2)]
    records, problems = read(tmp_path, rows)
    assert len(records) == 2
    assert ["2 rows of the filter 'loose'" in problems[0], "2 rows of the filter 'last'" in problems[1]] == [True, True]


@pytest.mark.parametrize(
    ("name", "model"),
    [
        ("20260102_030405_samples_imug.jsonl", "qwen__7b"),
        ("samples_imug_2026-01-02T03-04-05.123.jsonl", "qwen__7b"),
        ("mine.jsonl", "mine"),
    ],
)
def test_the_model_is_the_folder_that_the_harness_has_named_after_it(tmp_path, name, model) -> None:
    read(tmp_path / "qwen__7b", [sample()], name)
    assert [*read_records(tmp_path / "qwen__7b" / name)] == [model]


def scored(text: str | None = "B", **more: Any) -> dict[str, Any]:
    """What a task that is made with `TaskScores` writes of a document into the value of each of its names."""
    doc = {"dialogue": "a", "turn": 1, "question": "Which? A. red B. blue", "answer": "B", **more}
    return TaskScores(("answer_accuracy", "answer_accuracy_slope")).process_results(doc, [text or ""])


def test_what_was_scored_comes_before_what_the_model_said(tmp_path) -> None:
    """A filter has taken the answer out of the reply, and the harness has logged the options' texts as target."""
    row = {
        "doc_id": 0,
        "doc": {"text": "the question's"},
        "target": "1",
        "resps": [["I say (B)"]],
        "filtered_resps": ["B"],
    }
    [record], problems = read(tmp_path, [{**row, **scored("B", domain="kitchen"), "f1": 0.5}])
    assert (record.text, record.target, record.prompt) == ("B", "B", "Which? A. red B. blue")
    assert record.options == {"A": "red", "B": "blue"}
    assert record.groups == {"domain": "kitchen"}
    assert record.scores == {"f1": 0.5}, "the answer's own score is found again, other metrics keep theirs"
    assert problems == []


def test_an_answer_that_was_scored_as_absent_is_absent(tmp_path) -> None:
    rows = [{"doc_id": 0, "target": "B", "filtered_resps": "", **scored(None)}, {**sample(1), **scored("A", turn=2)}]
    [first, second], problems = read(tmp_path, rows)
    assert (first.text, first.target, second.text) == (None, "B", "A")
    assert ["found none: it counts as absent" in problem for problem in problems] == [True]


def test_likelihoods_of_options_are_read_by_the_answer_that_was_made_of_them(tmp_path) -> None:
    likely = [["-1.0", "False"], ["0.0", "False"]]
    row = {"doc_id": 0, "target": "1", "resps": [[each] for each in likely], "filtered_resps": likely}
    [record], _ = read(tmp_path, [{**row, **scored("B")}])
    assert (record.text, record.target) == ("B", "B")


def test_rounds_of_a_dialogue_are_its_turns(tmp_path) -> None:
    turns = [{"question": f"Which, {n}?", "answer": key} for n, key in enumerate("AB", 1)]
    values = DialogueScores().process_results({"dialogue": "a", "turns": turns}, [["A", ""]])
    records, problems = read(tmp_path, [{"doc_id": 0, "target": "a", "filtered_resps": ["A", ""], **values}])
    found = [(record.dialogue, record.turn, record.prompt, record.text, record.target) for record in records]
    assert found == [("a", 1, "Which, 1?", "A", "A"), ("a", 2, "Which, 2?", None, "B")]
    assert ["found none: it counts as absent" in problem for problem in problems] == [True]


@pytest.mark.parametrize("turns", ["x", [3], []])
def test_rounds_that_are_none_are_told(tmp_path, turns) -> None:
    rows = [sample(0), {"doc_id": 1, "filtered_resps": ["A"], "accuracy": {"dialogue": "a", "turns": turns}}]
    records, problems = read(tmp_path, rows)
    assert len(records) == 1
    assert ["expected the turns of a dialogue" in problem for problem in problems] == [True]


@pytest.mark.parametrize(
    ("replies", "taken", "text"),
    [
        ([["A", "B", "A"]], ["B"], "B"),
        (["A", "B"], "A", "A"),
        ([["(A)", "(B)"]], ["A"], None),
    ],
    ids=["lm-eval", "lmms-eval", "changed by the filter"],
)
def test_of_repeats_the_one_that_was_scored_counts(tmp_path, replies, taken, text) -> None:
    [record], problems = read(tmp_path, [sample(resps=replies, filtered_resps=taken)])
    assert record.text == text
    assert len(problems) == 1
    assert ("the one that its filter took counts" if text else "expected one reply, got 2") in problems[0]


def test_a_folder_with_one_file_of_samples_is_that_file(tmp_path) -> None:
    read(tmp_path / "qwen", [sample()], "20260102_030405_samples_a.jsonl")
    (tmp_path / "qwen" / "20260102_030405_results.json").write_text("{}")
    assert [*read_records(tmp_path / "qwen")] == ["qwen"]
    read(tmp_path / "qwen", [sample()], "20260102_030405_samples_b.jsonl")
    with pytest.raises(ArgumentError, match=r"holds 2 files of samples, .*_a.jsonl, .*_b.jsonl: name one of them"):
        read_records(tmp_path / "qwen")
