# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""What cannot be seen falls, what changes its neighbours stays."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from imug_metrics.reading.invisible import without_invisible

MARKS = (
    "\u00ad\u034f\u061c\u180e\u200b\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2060\u2066\u2067\u2068\u2069\ufe0f\ufeff"
)
WORDS = ["Paris", "مرحبا", "שלום", "北京市", "Москва", "दिल्ली", "กรุงเทพ", "서울", "東京", "Αθήνα", "-5", "3.14", "❤"]


@pytest.mark.parametrize("mark", MARKS, ids=lambda mark: f"U+{ord(mark):04X}")
@pytest.mark.parametrize("word", WORDS)
def test_marks_fall_wherever_they_stand(word: str, mark: str) -> None:
    assert without_invisible(f"{mark}{word[:1]}{mark}{word[1:]}{mark}{mark}") == word


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("می\u200cروم", True),
        ("نامه\u200cای", True),
        ("क्\u200dष", True),
        ("क्\u200cष", True),
        ("👩\u200d🚀", True),
        ("👨\u200d👩\u200d👧", True),
        ("a\u200cb", False),
        ("a\u200db", False),
        ("می\u200c", False),
        ("\u200dمی", False),
        ("北\u200c京", False),
        ("5\u200d0", False),
    ],
)
def test_joiners_stay_where_they_change_what_is_seen(text: str, kept: bool) -> None:
    assert (without_invisible(text) == text) is kept


@settings(max_examples=200, deadline=None)
@given(text=st.text(max_size=40))
def test_nothing_that_can_be_seen_falls(text: str) -> None:
    form = without_invisible(text)
    assert without_invisible(form) == form
    visible = {"L", "N", "P", "S", "Z"}
    fillers = "\u115f\u1160\u3164\uffa0"
    assert [char for char in form if unicodedata.category(char)[0] in visible] == [
        char for char in text if unicodedata.category(char)[0] in visible and char not in fillers
    ]
