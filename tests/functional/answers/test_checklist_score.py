# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Checklists against plain arithmetic."""

from __future__ import annotations

import math
import random
from typing import Any

import pytest
import torch

from imug_metrics.functional import checklist_score


def _plain(answers: list[Any], target: list[int], weights: list[float]) -> float:
    counted = [(a == t, w) for a, t, w in zip(answers, target, weights) if a in (0, 1)]
    total = sum(weight for _, weight in counted)
    return sum(weight for met, weight in counted if met) / total if total else math.nan


def test_ragged_lists_against_plain_shares() -> None:
    draw = random.Random(1)
    rows = [draw.randint(1, 9) for _ in range(200)]
    items = [[draw.choice([1, 0, 1, -1, None]) for _ in range(count)] for count in rows]
    target = [[draw.randint(0, 1) for _ in range(count)] for count in rows]
    weights = [[draw.random() for _ in range(count)] for count in rows]
    ones = [[1.0] * count for count in rows]
    for given, used in ((None, ones), (weights, weights)):
        expected = [_plain(*row) for row in zip(items, target, used)]
        found = checklist_score(items, target, weights=given, reduction="none")
        assert found.tolist() == pytest.approx(expected, abs=1e-15, nan_ok=True)


def test_words_are_numbers_whatever_their_case_and_blanks() -> None:
    words = [[" Yes", "NO", "n/a", None], ["yes", "yes ", "no", "N/A "]]
    numbers = torch.tensor([[1.0, 0, -1, math.nan], [1, 1, 0, -1]])
    target = [["yes", "no", "yes", "yes"], ["no", "Yes", "no", "no"]]
    found = checklist_score(words, target, reduction="none")
    assert found.equal(checklist_score(numbers, [[1, 0, 1, 1], [0, 1, 0, 0]], reduction="none"))
    assert found.tolist() == pytest.approx([1, 2 / 3])


def test_masks_and_turns_that_were_not_judged() -> None:
    found = checklist_score([[1, 0, 0], None, []], masks=[[True, True, False], None, []], reduction="none")
    assert found.tolist() == pytest.approx([0.5, math.nan, math.nan], nan_ok=True)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"items": [[1], ["maybe"]]}, r"`items` to hold yes .* got 'maybe' at row 1"),
        ({"items": [[1], [0.5]]}, r"`items` to hold yes .* got 0.5 at row 1"),
        (
            {"items": [[1, 0], [1]], "target": [[1, 0], [1, 1]]},
            "`target` to have as many entries as `items`, 1, got 2 at row 1",
        ),
        ({"items": [[1]], "target": [["n/a"]]}, r"`target` to hold yes \(1\), no \(0\), or NaN, got -1 at row 0"),
        ({"items": [[1], [1]], "target": [[1]]}, "`target` to have the rows of `items`"),
        ({"items": [[1], [1]], "weights": [[1], [-1]]}, "`weights` to hold finite numbers from 0, got -1 at row 1"),
        ({"items": [[1]], "weights": [[math.inf]]}, "`weights` to hold finite numbers from 0, got inf at row 0"),
        ({"items": torch.ones(2, 3, 4)}, r"`items` to have shape \[N, P\]"),
        ({"items": [1, 0]}, "`items` to hold a list of numbers for each turn"),
        ({"items": torch.ones(2, 2, dtype=torch.complex64)}, "`items`"),
    ],
)
def test_anything_else_is_refused(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        checklist_score(**arguments)


def test_an_item_of_a_turn_that_was_not_judged_is_not_looked_at() -> None:
    assert checklist_score([[1], None], [[1], [7, 7]], weights=[[1], [-1, -1]], reduction="none")[0] == 1
