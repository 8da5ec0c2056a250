# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""The corrected reading of letters: a table of replies, and what must hold for any reply."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from imug_metrics.reading.choice import read_choice

CASES = [
    json.loads(line)
    for line in (Path(__file__).parent / "data" / "strict_choices.jsonl").read_text(encoding="utf-8").splitlines()
]
LETTERS = st.sets(st.sampled_from("ABCDEFG"), min_size=1).map(lambda chosen: "".join(sorted(chosen)))
JOINERS = ["", ", ", ",", " ", " and ", "/", " & ", "; ", "、", "和", " y ", " und ", " и ", "+"]
HUGE = ["A ", "A x ", "A\n", "A (", "B. x\n", "answer ", "answer A x ", "the answer is ", "option A x ", "is not A, "]
HUGE += ["(", "**", "[ ", "<a ", "\\", "\n", "1. ", "{'answer': ", "答案是", "\u0315\u0316", "</think>"]
PROSE = ["A", "a", "I", "cat", "red", "sits", "on", "the", "E-mail", "20°C", "DAD,", "cup.", "is", "and"]
WRAPPERS = [
    "{}",
    " {}\n",
    "({})",
    "[{}]",
    "**{}**",
    "`{}`",
    '"{}"',
    "「{}」",
    "{}.",
    "Answer: {}",
    "**Answer:** {}",
    "**Answer: {}**",
    "The answer is {}.",
    "The correct options are {}.",
    "A cat sits on a mat.\n\nFinal answer: {}",
    "<think>The answer is G, or D.</think>{}",
    "<answer>{}</answer>",
    '{{"answer": "{}"}}',
    '{{"reason": "A cat.", "answer": "{}"}}',
    "$\\boxed{{{}}}$",
    "答案是{}。",
    "正确答案：{}",
    "我选择{}",
    "答えは{}です。",
    "정답은 {}입니다.",
    "La respuesta correcta es {}.",
    "Réponse : {}",
    "Die richtige Antwort ist {}.",
    "Ответ: {}",
    "الإجابة: {}",
    "I choose {}.",
    "I think it's {}.",
    "{} because the cup is red.",
    "{}\n\nThe cup is red.",
    "Let me look at the cup.\n{}",
]


def letters_of(text: str) -> str:
    return read_choice(text).letters


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case['group']}: {ascii(case['text'])[:60]}")
def test_reply_is_read_as_in_the_table(case: dict[str, str]) -> None:
    assert letters_of(case["text"]) == case["letters"]


def test_table_holds_choices_and_traps_in_number() -> None:
    assert len(CASES) >= 120
    assert sum(not case["letters"] for case in CASES) >= 60
    assert len({case["text"] for case in CASES}) == len(CASES)


@pytest.mark.parametrize("wrapper", WRAPPERS)
@settings(max_examples=25, deadline=None)
@given(letters=LETTERS, joiner=st.sampled_from(JOINERS))
def test_wrapper_and_joiner_do_not_change_the_letters(wrapper: str, letters: str, joiner: str) -> None:
    assert letters_of(wrapper.format(joiner.join(letters))) == letters


@settings(max_examples=150, deadline=None)
@given(text=st.text(max_size=200))
def test_any_text_gives_sorted_distinct_options_and_reads_the_same_again(text: str) -> None:
    letters = letters_of(text)
    assert letters == "".join(sorted(set(letters) & set("ABCDEFG")))
    assert letters_of(letters) == letters


@settings(max_examples=150, deadline=None)
@given(before=st.text(max_size=200), letters=LETTERS)
def test_stated_answer_at_the_end_wins_over_whatever_stands_before(before: str, letters: str) -> None:
    assert letters_of(f"Reply: {before}\nAnswer: {letters}") == letters


@settings(max_examples=100, deadline=None)
@given(words=st.lists(st.sampled_from(PROSE), max_size=30))
def test_prose_without_a_letter_of_its_own_chooses_nothing(words: list[str]) -> None:
    prose = "We see " + " ".join(words) + " there"
    assert letters_of(prose) in ("", "A")  # "and A is ..." may be read as a letter, no other may
    assert letters_of(prose.replace("A ", "a ")) == ""


@pytest.mark.parametrize("piece", HUGE)
def test_huge_replies_are_read_in_bounded_work(piece: str) -> None:
    """With unbounded patterns some of them would not end within many minutes, and a megabyte not within hours."""
    assert set(letters_of(piece * (250_000 // len(piece)))) <= set("ABCDEFG")


def test_answer_at_the_end_of_a_huge_reply_is_found() -> None:
    assert letters_of("A cat sits on a mat. " * 50_000 + "Answer: C") == "C"
