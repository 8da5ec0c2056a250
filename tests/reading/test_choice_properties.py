# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""What holds for the reading of any reply, on a few thousand inputs; `make choices` tries a million."""

from __future__ import annotations

import string
from collections import Counter

import pytest

from tests.reading.choice_properties import check_decorated, try_any, try_decorated
from tests.reading.choice_replies import DECORATIONS, ENDS, LEADS, PHRASES, WHOLES, alphabets, decorated


def test_any_text_is_read_as_some_of_the_options_or_refused_with_a_reason() -> None:
    inputs: Counter[str] = Counter()
    try_any(150, inputs)
    assert inputs["any text"] >= 1000


def test_decorated_letter_is_read_behind_any_lead_and_before_any_end() -> None:
    inputs: Counter[str] = Counter()
    try_decorated(20, inputs)
    assert inputs["decorated letter"] >= 1000


@pytest.mark.parametrize("template", [*PHRASES, *DECORATIONS, *WHOLES], ids=ascii)
def test_every_letter_is_read_in_every_template(template: str) -> None:
    for letter in string.ascii_uppercase:
        check_decorated(template.replace("@", letter), letter, string.ascii_uppercase)


@pytest.mark.parametrize("lead", LEADS, ids=ascii)
@pytest.mark.parametrize("end", ENDS, ids=ascii)
def test_letter_is_read_between_every_lead_and_end(lead: str, end: str) -> None:
    for letter in "ABDI":
        check_decorated(lead + letter + end, letter, "ABCDEFGHI")


@pytest.mark.parametrize("letter", string.ascii_uppercase)
def test_letter_is_read_in_every_alphabet(letter: str) -> None:
    for written in alphabets(letter):
        check_decorated(written, letter, string.ascii_uppercase)


def test_templates_are_distinct_and_hold_the_letter_once() -> None:
    for templates in (PHRASES, DECORATIONS, WHOLES):
        assert len(set(templates)) == len(templates) >= 25
        assert all(template.count("@") == 1 for template in templates)
    assert len({*decorated("B")}) >= 3500
