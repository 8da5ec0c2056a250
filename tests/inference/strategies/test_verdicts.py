# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Verdicts and grades as models write them."""

from __future__ import annotations

import pytest

from imug_metrics.inference.strategies.verdicts import read_grade, read_verdict


@pytest.mark.parametrize(
    ("text", "verdict"),
    [
        ("ACCEPT", True),
        ("Accept: it shows a red cup.", True),
        ("**REJECT** - the cup is blue", False),
        ("<think>ACCEPT? No.</think>\nREJECT, it is blue", False),
        ("ACCEPTED", None),
        ("ACCEPT/REJECT", None),
        ("ACCEPT or REJECT: I cannot tell", None),
        ("I would ACCEPT it", None),
        ("", None),
        ("é" * 100_000, None),
    ],
)
def test_the_first_word_is_the_verdict(text: str, verdict: bool | None) -> None:
    assert read_verdict(text) is verdict


@pytest.mark.parametrize(
    ("text", "grade"),
    [
        ("10", 10),
        ("0", 0),
        (" 7.\n", 7),
        ("Score: 8 out of 10", 8),
        ("**6**\nThe cup is right.", 6),
        ("<think>10?</think>4", 4),
        ("11", None),
        ("7/5", None),
        ("7 or 8", None),
        ("7.5", None),
        ("I give it a 7", None),
        ("", None),
        ("٧", 7),
    ],
)
def test_the_number_alone_is_the_grade(text: str, grade: int | None) -> None:
    assert read_grade(text, 0, 10) == grade
