# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Reading ease is made for English, and only English texts have one."""

from __future__ import annotations

import pytest

from imug_metrics.quality.text import text_quality

ENGLISH = [
    "The cat sat on the mat. It purred.",
    "Put the red cube on the left side of the box.",
    "Photosynthesis turns light, water and carbon dioxide into sugar.",
    "She opened the window because it was warm. Then it rained.",
    "Mix flour with eggs, add milk and stir until smooth.",
    "There are three dogs in the park near our house.",
    "Every metric is a number that somebody has to trust.",
    "Don't walk on the grass; it has just been cut.",
    "The naïve façade of the café has been painted blue.",
    "A long winter makes for a short spring in these hills.",
]
FOREIGN = [
    "Die Katze saß auf der Matte. Sie schnurrte leise.",
    "Donaudampfschifffahrtsgesellschaftskapitäne tragen blaue Mützen auf dem Schiff.",
    "Le chat est assis sur le tapis. Il ronronne.",
    "El gato se sentó en la alfombra. Ronroneaba.",
    "Il gatto era seduto sul tappeto e faceva le fusa.",
    "O gato sentou-se no tapete. Ele ronronava baixinho.",
    "De kat zat op de mat en spinde zacht.",
    "Katten satt på mattan och spann för sig själv.",
    "Kissa istui matolla ja kehräsi hiljaa itsekseen.",
    "Kot usiadł na macie i cicho mruczał.",
    "Kedi paspasın üzerinde oturuyor ve mırlıyordu.",
    "Kucing itu duduk di atas tikar dan mendengkur.",
]


@pytest.mark.parametrize("text", ENGLISH)
def test_english_texts_have_a_reading_ease(text: str) -> None:
    parts = text_quality(text).parts
    assert parts["english"] == 1
    assert {"ease", "ease_score", "words_score"} <= parts.keys()


@pytest.mark.parametrize("text", FOREIGN)
def test_other_texts_have_none_and_say_why(text: str) -> None:
    quality = text_quality(text)
    assert quality.parts["english"] == 0
    assert not {"ease", "ease_score"} & quality.parts.keys()
    assert "words_score" in quality.parts
    assert quality.value > 0.5


@pytest.mark.parametrize(
    "text", ["Maria, Hans, Yuki, Ravi, Chen.", "Кошка сидела на коврике и мурлыкала.", "Very short."]
)
def test_where_nothing_is_told_nothing_is_said(text: str) -> None:
    assert not {"ease", "english"} & text_quality(text).parts.keys()
