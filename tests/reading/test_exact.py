# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""The normal form of short answers."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from imug_metrics.reading.exact import normalize_answer
from imug_metrics.reading.numbers import parse_number


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
        ("the a", "a"),
        ("Vitamin A", "vitamin a"),
        ("der Hund", "der hund"),
        ("İSTANBUL", "istanbul"),
        ("ΣΊΣΥΦΟΣ", "σίσυφοσ"),
        ("مـرحـبـا", "مرحبا"),
        ("བོད་ཡིག", "བོད ཡིག"),
        ("C'est l’été", "cest lété"),
        ("2026–04–19", "2026-04-19"),
        ("x = −5", "x -5"),
        ("-$5", "-5"),
        ("$ -.5", "-0.5"),
        ("1,00,000", "100000"),
        ("½", "1/2"),
        ("5 %", "5%"),
        ("<think>Rome</think>Paris", "paris"),
        ("?!", "?!"),
        ("", ""),
    ],
)
def test_normal_form(text: str, form: str) -> None:
    assert normalize_answer(text) == form


def _unequal(pairs: list[tuple[str, str]]) -> list[tuple[str, str]]:
    return [pair for pair in pairs if normalize_answer(pair[0]) != normalize_answer(pair[1])]


def test_numbers_that_differ_stay_apart() -> None:
    pairs = [
        ("-5", "5"),
        ("−5", "5"),
        ("–5", "5"),
        ("x = -5", "x = 5"),
        ("-5 °C", "5 °C"),
        ("零下-5度", "零下5度"),
        ("3.14", "314"),
        ("3,14", "314"),
        ("٣٫١٤", "٣١٤"),
        (".5", "5"),
        ("1/2", "12"),
        ("½", "12"),
        ("1½", "11/2"),
        ("12:30", "1230"),
        ("3-5", "35"),
        ("2026-04-19", "20260419"),
        ("10⁵", "105"),
        ("2^5", "25"),
        ("1e-5", "1e5"),
        ("1.2.3", "123"),
        ("5%", "5"),
        ("<5", ">5"),
        ("101₂", "1012"),
        ("5①", "51"),
        ("10(5)", "105"),
        ("1,5", "1.5"),
    ]
    assert _unequal(pairs) == pairs


def test_one_number_in_many_forms_is_one() -> None:
    pairs = [
        ("−5", "-5"),
        ("–5", "-5"),
        ("－５", "-5"),
        ("-٥", "-5"),
        ("-५", "-5"),
        ("(3.14)", "3.14"),
        ("3.14.", "3.14"),
        ("「3.14」。", "3.14"),
        ("¿3.14?", "3.14"),
        ("٣٫١٤", "3.14"),
        ("1,234", "1234"),
        ("1’234", "1234"),
        ("1\u202f234", "1234"),
        ("1,00,000", "100000"),
        ("½", "1/2"),
        ("1 ½", "1½"),
        (".5", "0.5"),
        ("-.5", "-0.5"),
        ("+5", "5"),
        ("$5", "5"),
        ("3–5", "3-5"),
        ("10 – 12", "10-12"),
        ("５０％", "50 %"),
    ]
    assert not _unequal(pairs)


def test_spellings_of_one_text_are_one() -> None:
    pairs = [
        ("\u200fمرحبا\u200f", "مرحبا"),
        ("\u2067שלום\u2069", "שלום"),
        ("\ufeffParis", "Paris"),
        ("Pa\u00adris\u200b", "Paris"),
        ("cafe\u0301", "café"),
        ("д\u0435\u0308", "дё"),
        ("は\u309a", "ぱ"),
        ("한", "한"),
        ("don’t", "don't"),
        ("don´t", "dont"),
        ("Hawaiʻi", "Hawai'i"),
        ("“Paris”", '"Paris"'),
        ("„Berlin“", "Berlin"),
        ("«Москва»", "Москва"),
        ("STRASSE", "Straße"),
        ("GROẞ", "groß"),
        ("ｶﾀｶﾅ", "カタカナ"),
        ("❤\ufe0f", "❤"),
        ("U.S.", "US"),
        ("the café", "café"),
    ]
    assert not _unequal(pairs)


def test_texts_that_differ_stay_apart() -> None:
    pairs = [
        ("A", "The"),
        ("An", "A"),
        ("", "The"),
        ("", "a"),
        ("!", "?"),
        ("¿", "?"),
        ("。", "、"),
        ("...", "!"),
        ("Vitamin A", "Vitamin"),
        ("Il a", "Il"),
        ("der Hund", "Hund"),
        ("le chat", "chat"),
        ("el gato", "gato"),
        ("ısı", "isi"),
        ("می\u200cروم", "میروم"),
        ("👩\u200d🚀", "👩🚀"),
        ("année", "annee"),
        ("но", "но́"),
    ]
    assert _unequal(pairs) == pairs


NUMBERS = st.decimals(min_value="-1e7", max_value="1e7", places=2)
STYLES = ["{:,}", "{}", "({})", "{}.", "**{}**", "“{}”", "{:+}", "$ {}", "the {}"]


@settings(max_examples=200, deadline=None)
@given(one=NUMBERS, other=NUMBERS, style=st.sampled_from(STYLES), written=st.sampled_from(STYLES))
def test_equal_forms_hold_equal_numbers(one: Decimal, other: Decimal, style: str, written: str) -> None:
    for first, second in ((one, other), (one, -one), (one, one * 10), (one, one)):
        equal = normalize_answer(style.format(first)) == normalize_answer(written.format(second))
        assert equal == (str(first) == str(second))


SIGNS = st.sampled_from(["", "-", "−", "–", "+", "$", "-$", "€ ", "(", "(-", "= -", "“"])
BODIES = st.from_regex(r"[0-9٣１]{1,4}([.,/:^-][0-9]{1,3}|e-?[0-9]|[½¾]){0,2}|[.][0-9]{1,3}", fullmatch=True)
ENDS = st.sampled_from(["", ".", ",", ")", "%", " %", " kg", "”", "°C", " m²", "!"])


@settings(max_examples=500, deadline=None)
@given(sign=SIGNS, body=BODIES, end=ENDS)
def test_the_form_holds_the_number_that_is_read(sign: str, body: str, end: str) -> None:
    text = f"{sign}{body}{end}"
    assert parse_number(normalize_answer(text)) == parse_number(text)


def test_each_step_of_normalisation_can_be_switched_off() -> None:
    assert normalize_answer("The Red, cup", case=False) == "Red cup"
    assert normalize_answer("The Red, cup", punctuation=False) == "red, cup"
    assert normalize_answer("The Red, cup", articles=False) == "the red cup"


@settings(max_examples=200, deadline=None)
@given(text=st.text(max_size=60))
def test_normal_form_of_a_normal_form_is_itself(text: str) -> None:
    form = normalize_answer(text)
    assert normalize_answer(form) == form


@settings(max_examples=300, deadline=None)
@given(text=st.text(alphabet="0123456789.,-–−/%:½²₂①٣１ ()$<>=^eE_'’ aAx", max_size=12))
def test_normal_form_of_numbers_is_stable(text: str) -> None:
    form = normalize_answer(text)
    assert normalize_answer(form) == form


@pytest.mark.parametrize(
    "piece", ["1", "1,111", "-", "- ", "\u200d", "\u200f", "½", "a ", "<think>", "\u0301", "(−", "5%"]
)
def test_huge_answers_take_bounded_work(piece: str) -> None:
    assert len(normalize_answer(piece * (1_000_000 // len(piece)))) <= 70_000
