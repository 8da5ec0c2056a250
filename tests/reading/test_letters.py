# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Letters are read from answers that name options and say nothing else."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imug_metrics.reading.letters import named_letters

KINDS = {
    "B": [
        "B",
        "b",
        " B\n",
        "B.",
        "B。",
        "(B)",
        "[B]",
        "<B>",
        "**B**",
        "`B`",
        '"B"',
        "'b'",
        "“B”",
        "B)",
        "(b).",
        "Ｂ",
        "Ⓑ",
        "B:",
        "Option B",
        "option b.",
        "Answer: B",
        "The answer is B.",
        "the correct option is (B)",
        "Choice B",
        "Letter B",
        "答案B",
        "答案是 B",
        "选项：B",
        "正解はB",
        "정답은 B",
        "正确答案为B",
        "B) a red cup",
        "B. A red cup",
        "(B) a red cup",
        "B: a red cup",
        "B - a red cup",
        "B (a red cup)",
        "b) a red cup",
        "Option B: a red cup",
        "B、红色的杯子",
        "(B) 红杯子",
        "B) eine rote Tasse",
        "**B.** a red cup",
        "**B) une tasse**",
    ],
    "AC": [
        "A, C",
        "C,A",
        "A,C.",
        "AC",
        "CA",
        "A C",
        "A/C",
        "A & C",
        "A + C",
        "A; C",
        "A|C",
        "a, c",
        "[A, C]",
        "{A, C}",
        "A and C",
        "A und C",
        "A et C",
        "A y C",
        "A e C",
        "A en C",
        "A og C",
        "A ve C",
        "A i C",
        "A и C",
        "A dan C",
        "A và C",
        "A和C",
        "A与C",
        "A、C",
        "A 、C",
        "A，C",
        "AとC",
        "A와 C",
        "A 및 C",
        "A، C",
        "A و C",
        "A\nC",
        "['A', 'C']",
        '"A", "C"',
        "Options A and C",
        "Option A and option C",
        "both A and C",
        "A and C both",
        "The answers are A, C",
        "选项A、C",
        "A) red; C) blue",
        "A) red\nC) blue",
        "A. red, C. blue",
        "(A), (C)",
        "**A**, **C**",
        "A, C, and A",
        "ＡＣ",
    ],
    "ABC": [
        "A, B, and C",
        "A, B and C",
        "A,B,C",
        "ABC",
        "A, B & C",
        "A、B和C",
        "A, B und C",
        "A, B, et C",
        "A B C",
        "a/b/c",
    ],
}
OTHERS = [
    "",
    "  ",
    "none",
    "None of the above",
    "all",
    "A or B",
    "A, B, or C",
    "A oder B",
    "A或B",
    "not B",
    "nicht B",
    "A-C",
]
OTHERS += [
    "A to C",
    "A and",
    "B?",
    "probably B",
    "B because it is red",
    "the cup",
    "a cup",
    "A red cup",
    "B1",
    "1",
    "É",
    "bad",
]
OTHERS += [
    "A) is wrong; B) is correct",
    "B (or C)",
    "B) red and C",
    "I cannot tell",
    "A is wrong",
    "B != C",
    "🅱? B!",
    "A" * 501,
]


@pytest.mark.parametrize(("letters", "answer"), [(key, answer) for key, answers in KINDS.items() for answer in answers])
def test_letters_are_read_however_they_are_named(letters, answer):
    assert named_letters(answer) == letters


@pytest.mark.parametrize("answer", OTHERS)
def test_an_answer_that_says_anything_else_names_no_letters(answer):
    assert named_letters(answer) is None


@given(st.text(max_size=600) | st.text(alphabet="ABab ,;()*-.:\nandor和", max_size=60))
def test_any_text_has_letters_of_its_own_or_none(answer):
    named = named_letters(answer)
    assert named is None or (named and named == "".join(sorted(set(named))) and named.isascii() and named.isupper())
