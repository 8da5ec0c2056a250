# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Test runs of DeepEval: cases that are turns or dialogues, their images, and what is wrong in them."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from imug_metrics import Record, read_records


def case(**more: Any) -> dict[str, Any]:
    """A test case as DeepEval writes it."""
    return {
        **{"name": "test_case_0", "input": "Which? A. red B. blue", "actualOutput": "B", "expectedOutput": "B"},
        **{"metricsData": [], "metadata": {"dialogue": "d", "turn": 2}, **more},
    }


def conversation(*said: str, **metadata: Any) -> dict[str, Any]:
    turns = [{"role": "user" if n % 2 == 0 else "assistant", "content": text} for n, text in enumerate(said)]
    return {
        "name": "c",
        "success": True,
        "metricsData": [{"name": "m", "score": 1}],
        "turns": turns,
        "metadata": metadata,
    }


def read(folder: Path, cases: Any = (), conversations: Any = (), **options: Any) -> tuple[list[Record], list[str]]:
    path = folder / "test_run_20260102_030405.json"
    path.write_text(json.dumps({"testCases": cases, "conversationalTestCases": conversations}))
    found = read_records(path, **options)
    assert found.format == "deepeval"
    return [record for records in found.values() for record in records], [
        str(problem).removeprefix(f"{path}/") for problem in found.problems
    ]


def test_a_turn_has_its_key_and_the_scores_of_metrics_but_not_of_ours(tmp_path) -> None:
    metrics = [{"name": "Clip", "score": 0.5}, {"name": "Failed", "score": None}, {"name": "Turn Answer", "score": 1.0}]
    [record], problems = read(tmp_path, [case(metricsData=metrics)])
    assert (record.dialogue, record.turn, record.text, record.target) == ("d", 2, "B", "B")
    assert (record.options, record.scores, problems) == ({"A": "red", "B": "blue"}, {"Clip": 0.5}, [])


def test_a_conversation_is_a_dialogue_with_a_key_for_each_turn(tmp_path) -> None:
    said = conversation("One?", "A", "Two?", "C", dialogue="d", target=["A", "B"])
    records, problems = read(tmp_path, [], [said])
    assert [(record.turn, record.text, record.target, record.scores) for record in records] == [
        (1, "A", "A", {}),
        (2, "C", "B", {}),
    ]
    assert problems == []


def test_images_are_those_that_the_run_holds(tmp_path) -> None:
    images = {"a1": {"dataBase64": "aW1hZ2U=", "mimeType": "image/png"}, "b2": {"url": "https://example.com/b.png"}}
    shown = [
        case(actualOutput="Here: [DEEPEVAL:IMAGE:a1]", expectedOutput=None, imagesMapping=images),
        case(
            actualOutput="[DEEPEVAL:IMAGE:b2]",
            expectedOutput=None,
            imagesMapping=images,
            metadata={"dialogue": "d", "turn": 3},
        ),
        case(actualOutput="[DEEPEVAL:IMAGE:c3]", expectedOutput=None, metadata={"dialogue": "d", "turn": 4}),
    ]
    records, problems = read(tmp_path, shown)
    assert [(record.modality, record.text, record.image) for record in records] == [
        ("image", "Here: ", b"image"),
        ("image", None, None),
        ("image", None, None),
    ]
    assert {problem.partition(":")[0] for problem in problems} == {"testCases"}
    assert {problem.split(":")[1] for problem in problems} == {"2", "3"}


@pytest.mark.parametrize(
    ("cases", "conversations", "message"),
    [
        ([case(metadata=None)], [], "testCases:1: metadata: does not say where the case belongs: write `dialogue` and"),
        ([case(metadata={"dialogue": "d"})], [], "testCases:1: metadata: does not say where the case belongs"),
        ([], [conversation("Hi", "B")], "conversationalTestCases:1: metadata: .*write `dialogue`, and the keys"),
        (["x"], [], "testCases:1: expected a test case, got text"),
        ({"a": 1}, [], "testCases: expected a list of test cases, got an object"),
        ([case(actualOutput=None)], [], "testCases:1: .*expected an answer, found none: it counts as absent"),
        ([], [conversation("Hi", dialogue="d", target=["A", "B"])], "expected 2 turns, one for each key, got 1"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told_by_its_case(tmp_path, cases, conversations, message) -> None:
    _, problems = read(tmp_path, cases, conversations)
    assert any(re.search(message, problem) for problem in problems), problems
