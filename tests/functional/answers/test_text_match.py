# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Exact match and token F1, against torchmetrics' SQuAD where both mean the same."""

from __future__ import annotations

import math
from functools import partial
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from torchmetrics.functional.text import squad

from imug_metrics.functional.answers.text_match import exact_match, token_f1
from imug_metrics.reading.exact import normalize_answer

WORDS = st.sampled_from(
    ["a", "the", "an", "The", "red", "Red", "cup,", "cup", "on", "(on)", "mat.", "well-known", "3", "$5"]
)
ARTICLES = ("a", "an", "the")
PHRASES = st.lists(WORDS, min_size=1, max_size=8).filter(lambda words: words[-1].lower() not in ARTICLES).map(" ".join)


def by_torchmetrics(pred: str, references: list[str]) -> dict[str, float]:
    target: dict[str, Any] = {"answers": {"answer_start": [0] * len(references), "text": references}, "id": "0"}
    return {key: value.item() / 100 for key, value in squad([{"prediction_text": pred, "id": "0"}], [target]).items()}


@settings(max_examples=150, deadline=None)
@given(pred=PHRASES, references=st.lists(PHRASES, min_size=1, max_size=3))
def test_agrees_with_the_squad_metric_of_torchmetrics(pred: str, references: list[str]) -> None:
    expected = by_torchmetrics(pred, references)
    assert exact_match([pred], [references]).item() == expected["exact_match"]
    assert token_f1([pred], [references]).item() == pytest.approx(expected["f1"], abs=1e-7)


def test_without_normalisation_texts_are_compared_as_they_are() -> None:
    assert exact_match(["Cup", "cup"], ["cup", "cup"], normalize=False).tolist() == [0.0, 1.0]
    keeps_articles = partial(normalize_answer, articles=False)
    assert exact_match(["The cup"], ["cup"], normalize=keeps_articles).tolist() == [0.0]
    assert token_f1(["the cup"], ["a cup"], normalize=keeps_articles).tolist() == [0.5]


@pytest.mark.parametrize(
    ("pred", "reference", "f1"),
    [
        ("红色的杯子", "红杯子", 2 * 3 / 8),
        ("北京市", "北京", 0.8),
        ("人々", "人", 2 / 3),
        ("서울시", "서울", 0.8),
        ("กรุงเทพ", "กรุงเทพฯ", 2 * 6 / 13),
        ("ภาษาไทย", "ไทย", 2 * 3 / 10),
        ("ຂອບໃຈ", "ຂອບ", 0.75),
        ("ភ្នំពេញ", "ភ្នំ", 0.5),
        ("ရန်ကုန်", "ရန်", 2 / 3),
        ("Paris Paris Paris Paris Paris", "Paris", 1 / 3),
        ("An", "An", 1.0),
        ("the", "a", 0.0),
        ("no", "notice", 0.0),
        ("-5 °C", "5 °C", 0.5),
        ("der Hund", "Hund", 2 / 3),
        ("<think>a dog, a cat</think>red cup", "red cup", 1.0),
        ("赤いカップ", "青いカップ", 4 / 5),
        ("빨간 컵", "빨간컵", 1.0),
        ("red red cup", "red cup cup", 2 / 3),
        ("", "", 1.0),
        ("", "cup", 0.0),
        ("cup", "", 0.0),
    ],
)
def test_token_f1_of_small_answers(pred: str, reference: str, f1: float) -> None:
    assert token_f1([pred], [reference]).item() == pytest.approx(f1, abs=1e-12)


@settings(max_examples=80, deadline=None)
@given(pred=PHRASES, reference=PHRASES)
def test_token_f1_is_symmetric_bounded_and_one_for_exact_matches(pred: str, reference: str) -> None:
    forth, back = token_f1([pred, reference], [reference, pred]).tolist()
    assert forth == back
    assert 0.0 <= forth <= 1.0
    assert exact_match([pred], [reference]).item() <= forth


@pytest.mark.parametrize(
    ("pred", "reference", "equal"),
    [
        ("-5", "5", False),
        ("−5", "-5", True),
        ("3.14", "314", False),
        ("(3.14)", "3.14", True),
        ("3.14.", "3.14", True),
        ("A", "The", False),
        ("Vitamin A", "Vitamin", False),
        ("!", "?", False),
        ("\u200fمرحبا\u200f", "مرحبا", True),
        ("<think>London?</think>Paris", "Paris", True),
        ("◁think▷London?◁/think▷Paris.", "paris", True),
    ],
)
def test_exact_match_of_small_answers(pred: str, reference: str, equal: bool) -> None:
    assert exact_match([pred], [reference]).item() == equal
    assert exact_match([reference], [pred]).item() == equal


def test_the_best_of_several_references_counts() -> None:
    assert token_f1(["red cup"], [["blue plate", "red mug"]]).item() == 0.5
    assert exact_match(["red cup"], [("blue plate", "Red cup.")]).item() == 1.0


def test_absent_answer_is_nan_and_no_answer_at_all_an_empty_tensor() -> None:
    assert math.isnan(token_f1([None], ["cup"]).item())
    assert exact_match([], []).shape == (0,)


def test_bad_rows_are_named() -> None:
    with pytest.raises(ValueError, match=r"`preds`, \[1\], got \[2\]"):
        exact_match(["a"], ["a", "b"])
    with pytest.raises(ValueError, match="none at row 1"):
        token_f1(["a", "b"], ["a", []])
    with pytest.raises(TypeError, match="`preds` to hold text, got int at row 0"):
        exact_match([1], ["a"])  # type: ignore[list-item]
    with pytest.raises(TypeError, match="`target` to hold text, got NoneType at row 0"):
        exact_match(["a"], [None])  # type: ignore[list-item]


@pytest.mark.parametrize("piece", ["\u0315\u0316", "红", "a ", "\ufdfa", "."])
def test_huge_answers_are_cut(piece: str) -> None:
    huge = piece * (1_000_000 // len(piece))
    assert token_f1([huge], [huge]).item() == 1.0
