# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""The options of a text turn: those of its prompt, as long as its key is one of them."""

from __future__ import annotations

from typing import Any

import pytest

from imug_metrics.protocols.imug.check.judged import check_judged
from imug_metrics.protocols.imug.options import question_options, unlisted_letters
from imug_metrics.suite import answer_values, with_key

LISTED = "which is no option that the prompt lists: answers are read by the letters A to G"
CUPS = "Which cup?\nA. a red cup\nB. a blue cup\nC. a green cup"

# Prompt, key, the letters of the options that are used (none: A to G), and the key's letters that are not listed.
CASES: list[tuple[str, str | None, str, str]] = [
    (CUPS, "B", "ABC", ""),
    (CUPS, "A, C", "ABC", ""),
    (CUPS, "AC", "ABC", ""),
    (CUPS, None, "ABC", ""),
    (CUPS, "D", "", "D"),
    (CUPS, "B, E", "", "E"),
    (CUPS, "H", "", "H"),
    ("Which letter is on the board?", "B", "", ""),
    ("", "B", "", ""),
    ("Quelle tasse ? (A) la rouge (B) la bleue", "A", "AB", ""),
    ("哪一个杯子？\nA. 红色的\nB. 蓝色的", "B", "AB", ""),
    ("Welche Tasse?\nA) die rote\nB) die blaue\nC) keine\nD) beide", "D", "ABCD", ""),
    ("Which?\n" + "\n".join(f"{letter}. item {letter}" for letter in "ABCDEFGHIJ"), "H", "ABCDEFGHIJ", ""),
]


@pytest.mark.parametrize(("prompt", "key", "letters", "unlisted"), CASES)
def test_a_question_offers_what_its_prompt_lists_if_the_key_is_among_it(
    prompt: str, key: str | None, letters: str, unlisted: str
) -> None:
    assert "".join(question_options(prompt, key) or ()) == letters
    assert unlisted_letters(prompt, key) == unlisted


def test_what_a_caller_does_to_options_is_not_seen_by_the_next(folder: Any) -> None:
    first = question_options(CUPS, "A")
    assert first is not None
    first.clear()
    assert question_options(CUPS, "A") == {"A": "a red cup", "B": "a blue cup", "C": "a green cup"}


def test_records_have_the_options_of_their_turn_and_are_scored_by_them(folder: Any) -> None:
    folder.samples(
        folder.sample(*(folder.text(turn, key, CUPS) for turn, key in enumerate("BBBD", 1)), folder.image(5))
    )
    folder.reply((1, "It is a blue cup."), (2, "a red cup"), (3, "E"), (4, "D"))
    records = folder.read()
    assert ["".join(record.options or ()) for record in records] == ["ABC", "ABC", "ABC", "", ""]
    keyed = with_key(records, "strict")
    assert answer_values(keyed, "strict").tolist() == [1, 0, 0, 1]
    assert answer_values(keyed, "imug").tolist() == [0, 0, 0, 1], "the released rule reads letters alone"


def test_a_key_that_the_prompt_does_not_list_is_a_warning_that_names_the_letter(folder: Any) -> None:
    ten = "Which?\n" + "\n".join(f"{letter}. item {letter}" for letter in "ABCDEFGHIJ")
    asked = [("B", CUPS), ("D", CUPS), ("BE", CUPS), ("H", ten), ("H", CUPS), ("a red cup", CUPS), ("none", CUPS)]
    folder.samples(folder.sample(*(folder.text(turn, key, prompt) for turn, (key, prompt) in enumerate(asked, 1))))
    folder.read_samples()
    nothing = "names no option from A to G: every answer scores 0"
    assert [(problem.field, problem.message) for problem in folder.problems] == [
        ("tasks[1].output.answer", f"names D, {LISTED}"),
        ("tasks[2].output.answer", f"names E, {LISTED}"),
        ("tasks[3].output.answer", f"{nothing} under protocol imug"),
        ("tasks[4].output.answer", nothing),
        ("tasks[5].output.answer", f"{nothing} under protocol imug"),
        ("tasks[6].output.answer", nothing),
    ]


@pytest.mark.parametrize(("key", "letters", "score"), [("B", "ABC", 1.0), ("D", "", 0.0)])
def test_a_resolved_key_is_held_against_the_options_too(folder: Any, key: str, letters: str, score: float) -> None:
    folder.samples(folder.sample(folder.text(1, "<DYNAMIC>", CUPS)))
    folder.reply((1, "a blue cup"))
    folder.judgements("dynamic_answer", {"turn": 1, "determined_answer": key})
    (record,) = folder.read()
    assert (record.target, "".join(record.options or ())) == (key, letters)
    assert answer_values([record], "strict").tolist() == [score]


@pytest.mark.parametrize(("key", "unlisted"), [("B", ""), ("AC", ""), ("D", "D"), ("BE", "E"), ("", ""), ("x", "")])
def test_a_recorded_key_with_an_unlisted_letter_is_a_warning(folder: Any, key: str, unlisted: str) -> None:
    folder.samples(folder.sample(folder.text(1, "<DYNAMIC>", CUPS)))
    folder.judgements("dynamic_answer", {"turn": 1, "determined_answer": key})
    samples = folder.read_samples()
    folder.problems.clear()
    check_judged(samples, folder.judged, "mine", folder.problems)
    said = [problem.message for problem in folder.problems if "no option" in problem.message]
    assert said == ([f"names {unlisted}, {LISTED}"] if unlisted else [])
