# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""verdict_specificity: shares counted by hand."""

import math
from dataclasses import replace

import pytest

from imug_metrics.functional import verdict_specificity
from imug_metrics.functional.self_evaluation.verdict_specificity import specificity_shares
from imug_metrics.reading.specificity_words import ENGLISH, WordLists

PROMPT = "Place two red cubes to the left of the wooden box."
VAGUE = ["Yes, that looks right.", "The image is correct.", "Everything matches the prompt perfectly.", "OK"]


@pytest.mark.parametrize(
    ("text", "content", "grounded", "details"),
    [
        ("The two red cubes are left of the box.", 5 / 9, 5 / 9, 3 / 9),
        ("Cubes present", 2 / 2, 1 / 2, 0),
        ("A red cube, 3 balls", 4 / 5, 2 / 5, 2 / 5),
        ("To the right", 1 / 3, 0, 1 / 3),
        ("That is the right answer", 0, 0, 0),
        ("The dog's bowl", 2 / 3, 0, 0),
        ("THE BOXES", 1 / 2, 1 / 2, 0),
        ("", 0, 0, 0),
        ("👍!", 0, 0, 0),
    ],
)
def test_shares_counted_by_hand(text: str, content: float, grounded: float, details: float) -> None:
    assert specificity_shares(text, PROMPT) == pytest.approx((content, grounded, details))
    expected = (content + grounded + details) / 3
    assert verdict_specificity([text], [PROMPT]).item() == pytest.approx(expected)
    assert verdict_specificity([text]).item() == pytest.approx((content + details) / 2)


@pytest.mark.parametrize("text", VAGUE)
def test_stock_approval_says_nothing(text: str) -> None:
    assert verdict_specificity([text], [PROMPT]).item() == 0


def test_weights_count_by_proportion() -> None:
    verdict = ["A red cube, 3 balls"]
    for scale in (1, 5):
        weights = (1.0 * scale, 2.0 * scale, 1.0 * scale)
        expected = (4 / 5 + 2 * 2 / 5 + 2 / 5) / 4
        assert verdict_specificity(verdict, [PROMPT], weights=weights).item() == pytest.approx(expected)
    for weights in ((0.0, 1.0, 0.0), (-1.0, 1.0, 1.0), (1.0, 1.0)):
        with pytest.raises(ValueError, match="`weights`"):
            verdict_specificity(verdict, weights=weights)


FOREIGN = [
    "Sieht gut aus.",
    "Der rote Würfel steht links.",
    "C'est correct.",
    "Le cube rouge est à gauche.",
    "Parece bien.",
    "Il cubo è rosso.",
    "A bola vermelha está à esquerda.",
    "De bal ontbreekt.",
    "Kuben är röd.",
    "Czerwony sześcian jest po lewej.",
    "Küp kırmızı.",
    "Khối màu đỏ",
    "看起来不错",
    "良さそうです。",
    "좋아 보입니다.",
    "Красный куб слева",
    "المكعب أحمر.",
]


@pytest.mark.parametrize("text", FOREIGN)
def test_a_text_in_another_language_is_not_read(text: str) -> None:
    assert verdict_specificity([text]).isnan()
    assert verdict_specificity([text], [PROMPT]).isnan()
    assert verdict_specificity(["A red cube."], [text]).isnan(), "no word of such a prompt can be found again"
    assert not verdict_specificity([text], words=replace(ENGLISH, languages=())).isnan()


@pytest.mark.parametrize(
    "text", ["Ok", "12, B", "Maria", "Correct.", "3/5", "👍", "", "?", "Tower Bridge, London", "A1"]
)
def test_too_little_to_tell_is_read_unless_the_prompt_tells(text: str) -> None:
    assert not verdict_specificity([text]).isnan()
    assert not verdict_specificity([text], [PROMPT]).isnan()
    if any(letter.isalnum() for letter in text):
        assert verdict_specificity([text], ["Zeichne zwei rote Würfel neben die Kiste."]).isnan()


def test_lists_are_for_their_own_languages() -> None:
    none = frozenset[str]()
    german = WordLists(frozenset({"der", "ist"}), none, none, frozenset({"rot"}), none, languages=("de",))
    values = verdict_specificity(["Der Würfel ist rot.", "The cube is red."], words=german, reduction="none")
    assert values[0].item() == pytest.approx((2 / 4 + 1 / 4) / 2)
    assert values[1].isnan()
    both = replace(ENGLISH, function=ENGLISH.function | german.function, languages=("en", "de"))
    assert (
        not verdict_specificity(["Der Würfel ist rot.", "The cube is red."], words=both, reduction="none").isnan().any()
    )
    with pytest.raises(ValueError, match=r"`languages` to hold codes .* got 'german'"):
        verdict_specificity(["OK"], words=replace(ENGLISH, languages=("german",)))


def test_another_script_is_undefined_until_lists_are_given() -> None:
    verdict = ["Красный куб слева"]
    assert verdict_specificity(verdict).isnan()
    none = frozenset[str]()
    russian = WordLists(none, none, none, frozenset({"красный"}), frozenset({"слева"}))
    assert verdict_specificity(verdict, words=russian).item() == pytest.approx((1 + 2 / 3) / 2)


def test_word_lists_do_not_contradict_each_other() -> None:
    for kind in (ENGLISH.numbers, ENGLISH.colours, ENGLISH.places):
        assert not kind & (ENGLISH.function | ENGLISH.stock)
    assert not ENGLISH.function & ENGLISH.stock


def test_a_verdict_whose_prompt_is_absent_is_undefined() -> None:
    values = verdict_specificity(["A red cube", "A red cube"], [PROMPT, None], reduction="none")
    assert values[0].item() > 0
    assert math.isnan(values[1].item())


def test_absent_verdicts_and_lists_of_dialogues_keep_their_shape() -> None:
    values = verdict_specificity([["A red cube", None], ["OK"]], reduction="none")
    assert values.shape == (2, 2)
    assert values.isnan().tolist() == [[False, True], [False, True]]


def test_refusals_name_the_argument_and_row() -> None:
    with pytest.raises(TypeError, match="`verdicts` to hold strings, got 3 at row 1"):
        verdict_specificity(["a", 3])
    with pytest.raises(TypeError, match="`texts` to hold strings, got 3 at row 0"):
        verdict_specificity(["a", None], [3, "a"])
    with pytest.raises(ValueError, match="`texts` to have one entry for each of `verdicts`"):
        verdict_specificity(["a", "b"], ["c"])
