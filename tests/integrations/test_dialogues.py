# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Samples with messages as records: one turn behind its history, or a whole dialogue."""

from __future__ import annotations

from typing import Any

import pytest

from imug_metrics import Record
from imug_metrics.errors import ArgumentError
from imug_metrics.integrations.dialogues import dialogue_records, turn_record


def said(*texts: str) -> list[dict[str, Any]]:
    return [{"role": "user" if n % 2 == 0 else "assistant", "content": text} for n, text in enumerate(texts)]


def one_turn(metadata: dict[str, Any], messages: list[dict[str, Any]], where: str) -> Record:
    return turn_record(metadata, messages, target="A", where=where)


def test_of_a_turn_the_last_question_counts_and_the_history_does_not() -> None:
    messages = said("Which? A. red B. blue", "A", "And now? A. cup B. pan", "The pan.")
    record = turn_record({"dialogue": "a", "turn": 2}, messages, target="B", where="sample 7")
    assert (record.turn, record.prompt, record.text) == (2, "And now? A. cup B. pan", "The pan.")
    assert record.options == {"A": "cup", "B": "pan"}


def test_every_turn_of_a_dialogue_has_its_own_key() -> None:
    records = dialogue_records({"dialogue": 3, "target": ["A", "B"]}, said("One?", "A", "Two?", "C"), where="sample 7")
    assert [(record.dialogue, record.turn, record.text, record.target) for record in records] == [
        ("3", 1, "A", "A"),
        ("3", 2, "C", "B"),
    ]


def test_an_absent_answer_is_a_record_and_a_warning() -> None:
    with pytest.warns(UserWarning, match="sample 7: messages.* expected an answer, found none"):
        record = turn_record({"dialogue": "a", "turn": 2}, said("Which?"), target="B", where="sample 7")
    assert record.text is None


@pytest.mark.filterwarnings("ignore:.*expected an answer")
def test_turns_that_a_dialogue_did_not_come_to_are_absent() -> None:
    with pytest.warns(UserWarning, match="sample 7: target: expected 3 turns, one for each key, got 1"):
        records = dialogue_records({"dialogue": "a", "target": ["A", "B", "C"]}, said("One?", "A"), where="sample 7")
    assert [(record.turn, record.text, record.target) for record in records] == [
        (1, "A", "A"),
        (2, None, "B"),
        (3, None, "C"),
    ]


@pytest.mark.parametrize(
    ("read", "metadata", "messages", "expected"),
    [
        (one_turn, {"turn": 1}, said("Which?", "A"), "`dialogue`: expected in the metadata of sample 7"),
        (one_turn, {"dialogue": "a"}, said("Which?", "A"), "`turn`: expected in the metadata of sample 7"),
        (
            one_turn,
            {"dialogue": "a", "turn": 2000},
            said("Which?", "A"),
            "sample 7: metadata.turn: expected a turn from 1",
        ),
        (dialogue_records, {"target": ["A"]}, said("Which?", "A"), "`dialogue`: expected in the metadata of sample 7"),
    ],
)
def test_what_is_no_turn_of_a_dialogue_is_refused(read, metadata, messages, expected) -> None:
    with pytest.raises(ArgumentError, match=expected):
        read(metadata, messages, where="sample 7")
