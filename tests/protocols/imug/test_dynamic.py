# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Dynamic questions: the work list, what they offer, and how a reply becomes a key."""

from __future__ import annotations

import json

import pytest

from imug_metrics.judges import ReplyError
from imug_metrics.protocols import imug
from imug_metrics.protocols.imug.dynamic import listed_options, official_key, read_dynamic_links, strict_key
from imug_metrics.protocols.imug.samples import Task, read_samples

KEY = ("Cooking", "pan", "1")


def link(turn, *references, **more):
    head = {"domain": "Cooking", "subdomain": "pan", "sample_id": "1"}
    return {**head, "turn_idx": turn, "ref_turn_idxs": list(references), **more}


def read(folder, *rows):
    folder.samples(folder.sample(folder.image(1), folder.text(2, "<DYNAMIC>"), folder.text(3, "B")))
    folder.lines("data/dynamic_references.jsonl", *rows)
    return [(entry.turn, entry.references) for entry in read_dynamic_links(*inputs(folder))]


def inputs(folder):
    return folder.benchmark, read_samples(folder.benchmark, imug.Problems()), folder.problems


def test_the_work_list_holds_linked_turns_of_the_benchmark_static_ones_too(folder):
    entries = read(folder, link(3, 1), link("2", "1", 9), link(7, 1), link(2, 1, sample_id="777"))
    assert entries == [(3, (1,)), (2, (1, 9))]
    assert not folder.problems


def test_of_a_repeated_question_the_later_entry_counts(folder):
    assert read(folder, link(2, 1), link(2)) == [(2, ())]
    assert [problem.line for problem in folder.problems] == [2]


def test_malformed_entries_are_reported(folder):
    assert read(folder, link(0, 1), link(2, 1, ref_turn_idxs=1), link(2, 1, sample_id=".."), "{broken") == []
    assert folder.said() == [
        ("dynamic_references.jsonl", 1, "turn_idx"),
        ("dynamic_references.jsonl", 2, "ref_turn_idxs"),
        ("dynamic_references.jsonl", 3, "sample_id"),
        ("dynamic_references.jsonl", 4, ""),
    ]


def test_without_a_file_there_is_nothing_to_resolve(folder):
    folder.samples(folder.sample(folder.text(1, "<DYNAMIC>")))
    assert read_dynamic_links(*inputs(folder)) == []


@pytest.mark.parametrize(
    ("question", "letters"),
    [
        ("Which colour?\nA. red\nB. blue\nC. green", "ABC"),
        ("Which? A) red B) blue", "AB"),
        ("Which? (A) red (B) blue (C) green (D) grey", "ABCD"),
        ("哪个? A、红 B、蓝", "AB"),
        ("Which? A: red, B: blue, C: green", "ABC"),
        ("Which? A. red B. blue D. green", "AB"),
        ("Which? A. red", "ABCDEFG"),
        ("Which colour is the lamp?", "ABCDEFG"),
        ("Which? B. blue C. green", "ABCDEFG"),
        ("Which? A. USB. B. HDMI. C. VGA.", "ABC"),
    ],
)
def test_options_are_what_the_question_labels(question, letters):
    assert listed_options(question) == letters


def answer(letters: str) -> str:
    return json.dumps({"determined_answer": letters, "reasoning": ""})


def test_fixed_letters_come_in_under_both_protocols():
    task = Task(2, "text", "Which? A. x B. y C. z", stated="C+<DYNAMIC>")
    assert official_key(answer("a and d"), task) == "ACD"  # "and" holds A and D
    assert strict_key(answer("A"), task, several=True) == "AC"
    for reply in (answer("D"), answer("a cup"), answer("A, D"), "A"):
        with pytest.raises(ReplyError):
            strict_key(reply, task, several=True)
    with pytest.raises(ReplyError):
        strict_key(answer("AB"), task, several=False)
