# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""The normal form of short answers."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from imug_metrics.reading.exact import normalize_answer


@pytest.mark.parametrize(
    ("text", "form"),
    [
        ("  The  Red\tcup! ", "red cup"),
        ("ＲＥＤ　ｃｕｐ", "red cup"),
        ("Straße", "strasse"),
        ("ﬁne", "fine"),
        ("cafe\u0301", "café"),
        ("«Hola», ¿qué tal?", "hola qué tal"),
        ("红色，杯子。", "红色杯子"),
        ("Theory", "theory"),
        ("A", "a"),
        ("the", "the"),
        ("?!", "?!"),
        ("", ""),
    ],
)
def test_normal_form(text: str, form: str) -> None:
    assert normalize_answer(text) == form


def test_each_step_of_normalisation_can_be_switched_off() -> None:
    assert normalize_answer("The Red, cup", case=False) == "Red cup"
    assert normalize_answer("The Red, cup", punctuation=False) == "red, cup"
    assert normalize_answer("The Red, cup", articles=False) == "the red cup"


@settings(max_examples=200, deadline=None)
@given(text=st.text(max_size=60))
def test_normal_form_of_a_normal_form_is_itself(text: str) -> None:
    form = normalize_answer(text)
    assert normalize_answer(form) == form
