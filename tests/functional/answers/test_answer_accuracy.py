# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""The one entry to answer scores, and the released scorer's results through it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch

from imug_metrics.functional.answers.answer_accuracy import answer_accuracy
from imug_metrics.functional.answers.numeric_match import numeric_match
from imug_metrics.functional.answers.text_match import exact_match, token_f1

SAMPLE = Path(__file__).parent / "data" / "mcq_sample.jsonl"
SHOWN = [json.loads(line) for line in (SAMPLE.parent / "shown_answers.jsonl").read_text(encoding="utf-8").splitlines()]


@pytest.fixture(params=["sample", "all"])
def recorded(request: pytest.FixtureRequest) -> list[dict[str, Any]]:
    path = SAMPLE if request.param == "sample" else request.getfixturevalue("golden") / "mcq.jsonl"
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def test_released_protocol_equals_the_released_scorer(recorded: list[dict[str, Any]], device: torch.device) -> None:
    rows = [row for row in recorded if row["error"] is None]
    preds, target = [row["response"] for row in rows], [row["answer"] for row in rows]
    scores = answer_accuracy(preds, target, protocol="imug", reduction="none", device=device)
    assert scores.dtype == torch.float64
    assert scores.tolist() == [row["score"] for row in rows]


def test_released_protocol_refuses_what_stops_the_released_scorer(recorded: list[dict[str, Any]]) -> None:
    rows = [row for row in recorded if row["error"] is not None]
    assert rows
    for row in rows:
        with pytest.raises(TypeError, match=f"`preds` to hold text, got {type(row['response']).__name__} at row 1"):
            answer_accuracy(["A", row["response"]], ["A", row["answer"]], protocol="imug")


def test_strict_protocol_mends_the_released_one() -> None:
    preds, target = ["BD", "A cat", "Answer: B", "答案是A", "A,B,C"], ["BD", "A", "B", "A", "ABC"]
    released = answer_accuracy(preds, target, protocol="imug", reduction="none")
    strict = answer_accuracy(preds, target, reduction="none")
    assert released.tolist() == [0.0, 0.5, 0.5, 0.0, 0.0]
    assert strict.tolist() == [1.0, 0.0, 1.0, 1.0, 1.0]


def test_wrong_letters_are_subtracted_and_never_below_zero() -> None:
    scores = answer_accuracy(["A, B", "A", "A, B, C", "B, C, D"], ["AC", "AC", "AC", "A"], reduction="none")
    assert scores.tolist() == [0.0, 0.5, 0.5, 0.0]
    thirds = answer_accuracy(["A"], ["ABC"], reduction="none")
    assert thirds.tolist() == [1 / 3]
    assert answer_accuracy(["A"], ["A, B, C"], reduction="none", protocol="imug").tolist() == [0.3333]


def test_absent_answer_is_nan_in_its_row_and_left_out_of_the_mean() -> None:
    preds, target = ["A", None, "B"], ["A", "A", "A"]
    assert torch.isnan(answer_accuracy(preds, target, reduction="none")).tolist() == [False, True, False]
    assert answer_accuracy(preds, target).item() == 0.5
    assert answer_accuracy(preds, target, protocol="imug").item() == pytest.approx(1 / 3)


def test_no_rows_have_no_mean() -> None:
    for kind in ("choice", "exact", "numeric", "f1"):
        assert answer_accuracy([], [], kind=kind, reduction="none").shape == (0,)
        assert torch.isnan(answer_accuracy([], [], kind=kind))
    assert torch.isnan(answer_accuracy([None], ["A"]))


@pytest.mark.parametrize("row", SHOWN, ids=lambda row: f"{row['kind']}: {row['text']}")
def test_small_answers_of_each_kind_score_as_a_reader_would_score_them(row: dict[str, Any]) -> None:
    assert answer_accuracy([row["text"]], [row["key"]], kind=row["read"]).item() == pytest.approx(row["want"])


def test_kinds_are_the_functions_of_their_names() -> None:
    preds, target = ["The red cup", "3 cups", None], [["red cup", "mug"], "5 cups", "7"]
    for kind, function in (("exact", exact_match), ("f1", token_f1)):
        values = answer_accuracy(preds, target, kind=kind, reduction="none", normalize=False)
        torch.testing.assert_close(values, function(preds, target, normalize=False), equal_nan=True)
    numbers = answer_accuracy(["1,5", "3"], ["1,4", "3"], kind="numeric", rel_tol=0.1, decimal=",", reduction="none")
    assert numbers.tolist() == numeric_match(["1,5", "3"], ["1,4", "3"], rel_tol=0.1, decimal=",").tolist() == [1, 1]


def test_more_options_can_be_named() -> None:
    assert answer_accuracy(["Answer: H"], ["H"], options="ABCDEFGH").item() == 1.0


@pytest.mark.parametrize("key", ["", "A cat", "none", "H", "A+<DYNAMIC>", "<DYNAMIC>"])
def test_strict_key_without_letters_is_refused(key: str) -> None:
    with pytest.raises(ValueError, match=r"`target` to name options among 'ABCDEFG' \(`kind` .*\), got .* at row 1"):
        answer_accuracy(["A", "A"], ["A", key])


def test_rows_that_are_no_text_are_named() -> None:
    with pytest.raises(TypeError, match="`preds` to hold text, got int at row 1"):
        answer_accuracy(["A", 7], ["A", "A"])
    with pytest.raises(TypeError, match="`target` to hold text, got NoneType at row 0"):
        answer_accuracy(["A"], [None])


@pytest.mark.parametrize(
    "arguments",
    [{"kind": "rouge"}, {"protocol": "lenient"}, {"reduction": "sum"}, {"kind": "f1", "protocol": "imug"}],
)
def test_unknown_words_are_refused(arguments: dict[str, Any]) -> None:
    name = "protocol" if len(arguments) == 2 else next(iter(arguments))
    with pytest.raises(ValueError, match=f"`{name}`"):
        answer_accuracy(["A"], ["A"], **arguments)


def test_lengths_must_agree() -> None:
    with pytest.raises(ValueError, match=r"`target` to have one entry for each of `preds`, \[1\], got \[2\]"):
        answer_accuracy(["A"], ["A", "B"])
