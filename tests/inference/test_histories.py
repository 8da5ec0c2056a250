# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Which earlier turns are the model's own, and what stands in place of the others."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path

import pytest

from imug_metrics import own_history_share
from imug_metrics.errors import ArgumentError
from imug_metrics.inference.histories import References, parse_history
from imug_metrics.inference.model import ImageFile, Message
from imug_metrics.inference.questions import BrokenSampleError, Question

TURNS = range(1, 7)


@pytest.mark.parametrize(("text", "own"), [("own", True), ("reference", False), ("mixed:0", True), ("mixed:1", False)])
def test_ends_of_the_scale_are_whole(text, own):
    assert parse_history(text).own("d", TURNS, 0) == [own] * 6


@pytest.mark.parametrize("text", ["mixed:0.3", "mixed:linear:4", "mixed:exponential:0.7", "mixed:inverse_sigmoid:2"])
def test_shares_are_those_of_the_schedule(text):
    choice, count = parse_history(text), 2000
    own = [choice.own(f"dialogue {i}", TURNS, 5) for i in range(count)]
    _, schedule, *k = text.split(":")
    expected = own_history_share(range(6), schedule, float(k[0])).tolist() if k else [0.7] * 6
    for turn, share in enumerate(expected):
        found = sum(row[turn] for row in own) / count
        assert abs(found - share) <= 4.5 * (share * (1 - share) / count) ** 0.5, (turn, found, share)


def test_a_turn_that_is_its_own_is_so_at_every_larger_share():
    rows = [parse_history(f"mixed:{e}").own("d", range(1, 200), 1) for e in (0.8, 0.5, 0.2)]
    assert all(not small or large for less, more in pairwise(rows) for small, large in zip(less, more))
    assert len({tuple(row) for row in rows}) == 3


def test_draws_hang_on_seed_and_dialogue_and_on_nothing_else():
    choice = parse_history("mixed:0.5")
    whole = choice.own("d", range(1, 60), 0)
    assert [choice.own("d", [turn], 0)[0] for turn in range(1, 60)] == whole
    assert choice.own("d", range(1, 60), 1) != whole != choice.own("e", range(1, 60), 0)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "mine",
        "mixed",
        "mixed:2",
        "mixed:-0.1",
        "mixed:x",
        "mixed:nan",
        "mixed:linear",
        "mixed:cosine:3",
        "mixed:linear:0",
    ],
)
def test_other_choices_are_refused(text):
    with pytest.raises(ArgumentError, match="history"):
        parse_history(text)


def question(root: Path, *tasks: dict) -> Question:
    rows = [{"turn": turn, **task} for turn, task in enumerate(tasks, 1)]
    return Question(("D", "s", "1"), {"tasks": rows}, 1, root)


def said(references: References, asked: Question) -> list[Message]:
    return [references.message(asked, task) for task in asked.tasks()]


def test_the_benchmark_states_keys_and_may_state_images(tmp_path):
    (tmp_path / "data/images").mkdir(parents=True)
    (tmp_path / "data/images/right.png").write_bytes(b"png")
    asked = question(
        tmp_path,
        {"modality": "text", "output": {"answer": "B"}},
        {"modality": "image", "output": {"image": "right.png"}},
    )
    assert said(References(), asked) == [Message("assistant", ("B",)), Message("assistant", (ImageFile(b"png"),))]


@pytest.mark.parametrize(
    "task",
    [
        {"modality": "text", "output": {"answer": "<DYNAMIC>"}},
        {"modality": "text", "output": {}},
        {"modality": "text"},
        {"modality": "image", "output": {"evaluation_points": ["x"]}},
    ],
)
def test_a_turn_without_a_reference_is_told(tmp_path, task):
    with pytest.raises(BrokenSampleError, match="Turn 1 has no reference output"):
        said(References(), question(tmp_path, task))


def test_a_folder_of_outputs_takes_the_place_of_what_is_stated(tmp_path):
    folder = tmp_path / "people/D/s/question_1"
    folder.mkdir(parents=True)
    tasks = [{"turn": 1, "model_response": "C, of course"}, {"turn": 2, "model_response": "turn_2_output.png"}]
    (folder / "result.json").write_text(json.dumps({"tasks": tasks}))
    (folder / "turn_2_output.png").write_bytes(b"drawn")
    asked = question(tmp_path, {"modality": "text", "output": {"answer": "B"}}, {"modality": "image"})
    found = said(References(tmp_path / "people"), asked)
    assert [message.parts for message in found] == [("C, of course",), (ImageFile(b"drawn"),)]


def test_a_failed_turn_is_no_reference(tmp_path):
    folder = tmp_path / "people/D/s/question_1"
    folder.mkdir(parents=True)
    (folder / "result.json").write_text(json.dumps({"tasks": [{"turn": 1, "model_response": "ERROR: no memory"}]}))
    with pytest.raises(BrokenSampleError, match="no reference"):
        said(References(tmp_path / "people"), question(tmp_path, {"modality": "text", "output": {"answer": "B"}}))
