# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Masks, format factor and score of multiple choice, against the released scorer's recorded results."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch

from imug_metrics.functional.answers.choice_score import choice_mask, choice_score, format_weight

SAMPLE = Path(__file__).parent / "data" / "mcq_sample.jsonl"


def rows_of(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


@pytest.fixture(params=["sample", "all"])
def recorded(request: pytest.FixtureRequest) -> list[dict[str, Any]]:
    """Rows of the released scorer: a few that come with the project, and all where they are at hand."""
    if request.param == "sample":
        return rows_of(SAMPLE)
    rows = rows_of(request.getfixturevalue("golden") / "mcq.jsonl")
    assert len(rows) == 2547
    return rows


def bits(letters: str | list[str]) -> int:
    return sum(1 << (ord(letter) - ord("A")) for letter in letters)


@pytest.mark.parametrize(("column", "letters"), [("answer", "expected"), ("response", "predicted")])
def test_letters_are_those_of_the_released_scorer(recorded: list[dict[str, Any]], column: str, letters: str) -> None:
    mask = choice_mask([row[column] for row in recorded], "imug")
    assert mask.tolist() == [bits(row[letters]) for row in recorded]


def test_format_factor_is_that_of_the_released_scorer(recorded: list[dict[str, Any]]) -> None:
    rows = [row for row in recorded if row["multiplier"] is not None]
    assert format_weight([row["response"] for row in rows]).tolist() == [row["multiplier"] for row in rows]


def test_format_factor_refuses_the_replies_the_released_scorer_stops_at(recorded: list[dict[str, Any]]) -> None:
    replies = [row["response"] for row in recorded if row["multiplier"] is None]
    assert replies
    for reply in replies:
        with pytest.raises(TypeError, match=f"got {type(reply).__name__} at row 1"):
            format_weight(["A", reply])


def test_score_agrees_with_pythons_rounding_for_every_pair_of_masks(device: torch.device) -> None:
    masks = torch.arange(128)
    pred, key = masks.repeat_interleave(128), masks.repeat(128)
    for weight in (0.5, 0.75, 1.0):
        expected = []
        for chosen, right in zip(pred.tolist(), key.tolist()):
            hits, misses = bin(chosen & right).count("1"), bin(chosen & ~right).count("1")
            expected.append(round(max(0, hits - misses) / bin(right).count("1") * weight, 4) if right else 0.0)
        weights = torch.full((len(pred),), weight, dtype=torch.float64, device=device)
        score = choice_score(pred.to(device), key.to(device), weights, decimals=4)
        assert score.dtype == torch.float64
        assert score.tolist() == expected


def test_score_counts_bits_up_to_z() -> None:
    everything = torch.tensor([2**26 - 1])
    assert choice_score(everything, everything).item() == 1.0
    assert choice_score(torch.tensor([1 << 25]), everything).item() == pytest.approx(1 / 26)
    assert choice_score(everything, torch.tensor([1 << 25])).item() == 0.0


def test_options_beyond_g_are_letters_only_where_named() -> None:
    assert choice_mask(["H", "A, H", "J"]).tolist() == [0, 0, 0]
    assert choice_mask(["H", "A, H", "J"], options="ABCDEFGHIJ").tolist() == [bits("H"), bits("AH"), bits("J")]
    assert choice_mask(["I see a cup", "I think B", "Answer: I"], options="ABCDEFGHIJ").tolist() == [0, 2, bits("I")]
    assert choice_mask(["D", "C"], options="ABC").tolist() == [0, 4]


def test_no_texts_make_an_empty_mask() -> None:
    assert choice_mask([]).shape == format_weight([]).shape == (0,)
    assert choice_mask([]).dtype == torch.int64


def test_strict_mask_of_an_absent_answer_is_empty_and_of_other_things_an_error() -> None:
    assert choice_mask([None, "B"]).tolist() == [0, 2]
    with pytest.raises(TypeError, match="got int at row 1"):
        choice_mask(["A", 3])


@pytest.mark.parametrize("options", ["", "abc", "AAB", "A B", "ÄÖ"])
def test_options_that_are_not_distinct_letters_are_refused(options: str) -> None:
    with pytest.raises(ValueError, match="`options`"):
        choice_mask([], options=options)


def test_released_protocol_has_fixed_options_and_protocols_are_two() -> None:
    with pytest.raises(ValueError, match="under protocol 'imug'"):
        choice_mask(["A"], "imug", options="ABCDEFGH")
    with pytest.raises(ValueError, match="`protocol`"):
        choice_mask(["A"], "lenient")  # type: ignore[arg-type]


def test_score_refuses_masks_of_different_shape() -> None:
    with pytest.raises(ValueError, match=r"\(2,\) and \(3,\)"):
        choice_score(torch.zeros(2, dtype=torch.int64), torch.zeros(3, dtype=torch.int64))
