# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""The guide to reading says what the readers do: its reasons, its languages and its examples of what is not read."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from imug_metrics.reading import choice_words, refusals
from imug_metrics.reading.choice import READ, UNREAD, read_choice
from imug_metrics.reading.exact import normalize_answer
from imug_metrics.reading.languages import LANGUAGES
from imug_metrics.reading.numbers import parse_number
from imug_metrics.reading.specificity_words import ENGLISH

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "guides" / "how_answers_are_read.md").read_text(encoding="utf-8")
ROWS = [[cell.strip() for cell in row.split("|")[1:-1]] for row in re.findall(r"^\|.*\|$", PAGE, re.M)]
REASONS = {cells[0].strip("`"): cells[1:] for cells in ROWS if cells[0].startswith("`")}
CODES = {cells[0]: cells[1].split() for cells in ROWS if re.fullmatch(r"[a-z]{2}( [a-z]{2})*", cells[1])}

# "Answer: 72", with another number behind it.
STATED = {
    "ar": "الإجابة: 72. راجعتها 3 مرات.",
    "cs": "Odpověď: 72. Ověřil jsem to 3 způsoby.",
    "da": "Svaret er 72. Jeg tjekkede det 3 gange.",
    "de": "Die Antwort ist 72. Ich habe es 3 Mal geprüft.",
    "el": "Η απάντηση είναι 72. Το έλεγξα 3 φορές.",
    "en": "The answer is 72. I checked it in 3 ways.",
    "es": "La respuesta es 72. Lo comprobé 3 veces.",
    "fa": "پاسخ: 72. آن را 3 بار بررسی کردم.",
    "fr": "La réponse est 72. Je l'ai vérifié 3 fois.",
    "he": "התשובה היא 72. בדקתי 3 פעמים.",
    "hi": "उत्तर: 72. मैंने 3 बार जाँचा।",
    "id": "Jawabannya adalah 72. Saya periksa 3 kali.",
    "it": "La risposta è 72. L'ho controllato 3 volte.",
    "ja": "答えは72です。3回確認しました。",
    "ko": "정답은 72입니다. 3번 확인했습니다.",
    "nl": "Het antwoord is 72. Ik heb het 3 keer nagekeken.",
    "no": "Svaret er 72. Jeg sjekket det 3 ganger.",
    "pl": "Odpowiedź: 72. Sprawdziłem to na 3 sposoby.",
    "pt": "A resposta é 72. Verifiquei 3 vezes.",
    "ru": "Ответ: 72. Я проверил 3 раза.",
    "sv": "Svaret är 72. Jag kontrollerade det 3 gånger.",
    "th": "คำตอบคือ 72 ตรวจแล้ว 3 ครั้ง",
    "tr": "Cevap: 72. 3 kez kontrol ettim.",
    "uk": "Відповідь: 72. Я перевірив 3 рази.",
    "vi": "Đáp án là 72. Tôi đã kiểm tra 3 lần.",
    "zh": "答案是72。我检查了3次。",
}


def _languages(beginning: str) -> list[str]:
    [found] = [codes for name, codes in CODES.items() if name.startswith(beginning)]
    return found


def test_reasons_are_those_of_the_reader() -> None:
    assert {reason: cells[0] for reason, cells in REASONS.items()} == READ | UNREAD


@pytest.mark.parametrize("reason", [reason for reason in UNREAD if reason != "empty"])
def test_example_of_a_reason_is_not_read_for_it(reason: str) -> None:
    assert read_choice(REASONS[reason][1]) == ("", reason)


def test_languages_are_those_of_the_word_lists() -> None:
    assert _languages("choices") == sorted(choice_words.LANGUAGES)
    assert _languages("refusals") == sorted(refusals.LANGUAGES)
    assert _languages("specificity") == sorted(ENGLISH.languages)
    assert _languages("stated numbers") == sorted(STATED)
    assert set(STATED) < LANGUAGES


@pytest.mark.parametrize("language", STATED)
def test_numbers_are_read_where_they_are_stated_in_every_language_named(language: str) -> None:
    assert parse_number(STATED[language]) == 72


def test_articles_of_english_alone_are_deleted() -> None:
    assert _languages("articles") == ["en"]
    assert normalize_answer("The dog") == "dog"
    others = [
        "der Hund",
        "le chien",
        "el perro",
        "il cane",
        "o cão",
        "de hond",
        "den hund",
        "het huis",
        "une tasse",
        "ein hund",
    ]
    assert [normalize_answer(text) for text in others] == [text.lower() for text in others]
