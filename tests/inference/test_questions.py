# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Lines of a benchmark as they stand: folders, messages, and where a dialogue breaks off."""

from __future__ import annotations

import json

import pytest

from imug_metrics.inference.model import ImageFile, Message
from imug_metrics.inference.questions import BrokenSampleError, read_questions
from imug_metrics.reading.files import Problems


@pytest.fixture
def read(tmp_path):
    """Reads lines; images a.png and b.png are there."""
    (tmp_path / "data/images").mkdir(parents=True)
    for name in "ab":
        (tmp_path / f"data/images/{name}.png").write_bytes(name.encode())
    (tmp_path / "data/secret.png").write_bytes(b"secret")

    def read(*rows: dict, limit: int | None = None):
        lines = (json.dumps({"domain": "D", "subdomain": "s", "sample_id": i} | row) for i, row in enumerate(rows, 1))
        (tmp_path / "data/benchmark.jsonl").write_text("\n".join(lines))
        problems = Problems()
        return read_questions(tmp_path, problems, limit), problems

    return read


def task(turn: object = 1, modality: object = "text", *given: dict) -> dict:
    return {"turn": turn, "modality": modality, "input": list(given)}


def test_parts_follow_the_items_and_within_one_the_keys(read):
    given = ({"text": "one", "image": "a.png"}, {"image": "b.png", "note": "x", "text": "two"}, "three", {"text": 4})
    (question,), _ = read({"tasks": [task(1, "text", *given)]})
    (found,) = question.tasks()
    assert found.message() == Message("user", ("one", ImageFile(b"a"), ImageFile(b"b"), "two"))


@pytest.mark.parametrize(
    ("row", "folder"),
    [
        ({}, "s"),
        ({"subdomain": "", "category": "c"}, "c"),
        ({"subdomain": None, "category": "c"}, "c"),
        ({"subdomain": ""}, "Unknown"),
    ],
)
def test_a_line_without_a_subdomain_lies_in_its_category(read, row, folder):
    (question,), problems = read({"tasks": [task()], **row})
    assert question.dialogue == f"D/{folder}/1"
    assert not problems


@pytest.mark.parametrize("row", [{"domain": ".."}, {"sample_id": "a/b"}, {"subdomain": "a\0b"}, {"domain": None}])
def test_names_that_lead_elsewhere_are_refused(read, row):
    found, problems = read({"tasks": [task()], **row}, {"tasks": [task()]})
    assert [question.dialogue for question in found] == ["D/s/2"]
    assert problems.errors == 1


def test_a_name_that_another_dialogue_has_is_told(read):
    found, problems = read({"sample_id": 7}, {"sample_id": "7"})
    assert len(found) == 1
    assert "the name of line 1" in problems[0].message


def test_the_limit_counts_dialogues_that_can_be_read(read):
    found, _ = read({"domain": ".."}, {}, {}, limit=1)
    assert [question.dialogue for question in found] == ["D/s/2"]


@pytest.mark.parametrize("name", ["missing.png", "../secret.png", "/etc/passwd", "", "a\0.png"])
def test_an_image_that_is_not_among_the_benchmarks_ends_the_dialogue(read, name):
    (question,), _ = read({"tasks": [task(1, "text", {"image": name})]})
    with pytest.raises(BrokenSampleError, match="Input image not found"):
        next(question.tasks()).message()


@pytest.mark.parametrize("modality", ["text", "TEXT", "Image"])
def test_the_case_of_a_modality_does_not_matter(read, modality):
    (question,), _ = read({"tasks": [task(1, modality)]})
    assert next(question.tasks()).want == modality.lower()


@pytest.mark.parametrize(
    ("second", "why"),
    [
        (task(2, "video"), "Invalid modality in sample 1, turn 2"),
        (task(2, None), "Invalid modality"),
        (task("x"), "Invalid turn in sample 1, task 2"),
        (task(1), "Invalid turn"),
        ("no object", "Invalid turn"),
    ],
)
def test_a_bad_turn_is_seen_when_its_predecessor_has_been_answered(read, second, why):
    (question,), _ = read({"tasks": [task(), second]})
    turns = question.tasks()
    assert next(turns).turn == 1
    with pytest.raises(BrokenSampleError, match=why):
        next(turns)


@pytest.mark.parametrize("tasks", [[], None, "text", {}])
def test_a_line_without_turns_is_broken(read, tasks):
    (question,), _ = read({"tasks": tasks})
    with pytest.raises(BrokenSampleError, match="non-empty tasks list"):
        list(question.tasks())


@pytest.mark.parametrize(("prompt", "messages"), [("Be brief.", 1), ("", 0), (None, 0), (7, 0)])
def test_there_is_a_system_message_where_there_is_a_system_prompt(read, prompt, messages):
    (question,), _ = read({"tasks": [task()], "system_prompt": prompt})
    assert len(question.system) == messages
