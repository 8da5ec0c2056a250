# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Reviews and predictions of EvalScope: turns, whole dialogues, repeats, scores, and samples that say no place."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest

from imug_metrics import Record, read_records

MESSAGES = [{"role": "user", "content": "Which? A. red B. blue"}, {"role": "assistant", "content": "B"}]
MORE = [{"role": "user", "content": "And? A. cup B. pan"}, {"role": "assistant", "content": "The cup."}]


def review(**more: Any) -> dict[str, Any]:
    """A review as EvalScope writes it; `metadata`, `score` and `repeat` are put where they belong."""
    metadata, repeat = more.pop("metadata", {"dialogue": "d", "turn": 1}), more.pop("repeat", 0)
    score = {"value": {"acc": 1.0}, "status": "success", "prediction": "B", "metadata": {}, **more.pop("score", {})}
    of_sample = {"sample_id": 0, "group_id": 0, "generation_index": repeat, "sample_metadata": metadata}
    return {"index": 0, "target": ["B"], "messages": MESSAGES, "sample_score": {"score": score, **of_sample}, **more}


def prediction(**more: Any) -> dict[str, Any]:
    """A prediction as EvalScope writes it."""
    output = {"model": "m", "choices": [{"message": MESSAGES[1], "stop_reason": "stop"}]}
    return {"index": 0, "model": "org/m", "model_output": output, "messages": MESSAGES, **more}


def read(folder: Path, *rows: dict[str, Any], **options: Any) -> tuple[dict[str, list[Record]], list[str]]:
    path = folder / "reviews" / "mine" / "rooms_default.jsonl"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    found = read_records(path, **options)
    assert found.format == "evalscope"
    return dict(found), [str(problem).removeprefix(f"{path}:") for problem in found.problems]


def test_a_turn_has_the_key_and_the_scores_of_its_sample(tmp_path) -> None:
    found, problems = read(tmp_path, review(metadata={"dialogue": "d", "turn": 3, "class": "cup", "answer": "else"}))
    [record] = found["mine"]
    assert (record.dialogue, record.turn, record.text, record.target) == ("d", 3, "B", "B")
    assert (record.options, record.scores) == ({"A": "red", "B": "blue"}, {"acc": 1.0})
    assert (dict(record.groups), problems) == ({"class": "cup"}, [])


def test_what_stands_before_a_turn_is_history(tmp_path) -> None:
    found, _ = read(tmp_path, review(messages=[*MORE, *MESSAGES], metadata={"dialogue": "d", "turn": 2}))
    assert [(record.turn, record.text) for record in found["mine"]] == [(2, "B")]


def test_a_whole_dialogue_has_a_key_for_each_turn(tmp_path) -> None:
    metadata = {"dialogue": "d", "target": ["A", "A"]}
    found, problems = read(tmp_path, review(messages=[*MESSAGES, *MORE], target=None, metadata=metadata))
    assert [(record.turn, record.text, record.target) for record in found["mine"]] == [
        (1, "B", "A"),
        (2, "The cup.", "A"),
    ]
    assert problems == []


def test_turns_that_a_dialogue_did_not_come_to_are_absent(tmp_path) -> None:
    found, problems = read(tmp_path, review(target=None, metadata={"dialogue": "d", "target": ["A", "A", "B"]}))
    assert [(record.turn, record.text) for record in found["mine"]] == [(1, "B"), (2, None), (3, None)]
    assert "1: target: expected 3 turns, one for each key, got 1: others are absent" in problems


def test_a_dialogue_without_keys_is_read_for_what_else_can_be_scored(tmp_path) -> None:
    found, _ = read(tmp_path, review(messages=[*MESSAGES, *MORE], target=None, metadata={"dialogue": "d"}))
    assert [(record.turn, record.target) for record in found["mine"]] == [(1, None), (2, None)]


def test_what_the_library_has_scored_is_scored_anew(tmp_path) -> None:
    turns = [{"turn": 1, "text": "B", "target": "B", "options": ["blue", "red"]}]
    found, _ = read(tmp_path, review(score={"metadata": {"imug_metrics": turns}}))
    [record] = found["mine"]
    assert record.scores == {}
    assert record.options == {"A": "blue", "B": "red"}


def test_a_score_that_is_no_number_is_told(tmp_path) -> None:
    found, problems = read(tmp_path, review(score={"value": {"acc": "good"}}))
    assert math.isnan(found["mine"][0].scores["acc"])
    assert "scores.acc: expected a finite number" in problems[0]


def test_a_repeat_is_a_model_of_its_own_and_no_dialogue_more(tmp_path) -> None:
    found, problems = read(tmp_path, review(), review(repeat=1), review(repeat=2))
    assert {model: len(records) for model, records in found.items()} == {"mine": 1, "mine#2": 1, "mine#3": 1}
    assert problems == []


def test_predictions_name_their_model_and_hold_the_keys_of_whole_dialogues_alone(tmp_path) -> None:
    whole = prediction(metadata={"dialogue": "d", "target": ["B"]})
    found, _ = read(tmp_path, whole, prediction(metadata={"dialogue": "e", "turn": 1}))
    assert [(record.text, record.target) for record in found["org_m"]] == [("B", "B"), ("B", None)]


@pytest.mark.parametrize("metadata", [{}, {"dialogue": "d"}, {"turn": 1}, None, "x"])
def test_samples_that_do_not_say_their_turn_are_told_once_with_the_cure(tmp_path, metadata) -> None:
    nameless = [review(metadata=metadata)] * 3
    found, problems = read(tmp_path, review(), *nameless)
    assert len(found["mine"]) == 1
    [problem] = problems
    assert problem.startswith("2: metadata: 3 samples do not say which turn of which dialogue they are")
    assert "let `record_to_sample` write `dialogue` and `turn` into the metadata" in problem


def test_samples_that_failed_have_no_line_and_are_told(tmp_path) -> None:
    _, problems = read(tmp_path, *(review(index=number) for number in (3, 1)))
    assert "2 samples are not here, the first of index 0: they failed" in problems[-1]
    _, problems = read(tmp_path, *(review(index=number) for number in (1, 0, 0)))
    assert not any("not here" in problem for problem in problems)


def test_fields_of_metadata_may_be_named(tmp_path) -> None:
    named = {"dialogue": "case", "turn": "nr"}
    found, _ = read(tmp_path, review(metadata={"case": "d", "nr": "2"}), columns=named)
    assert [(record.dialogue, record.turn) for record in found["mine"]] == [("d", 2)]
