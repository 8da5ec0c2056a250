# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Numeric answers: how close is close."""

from __future__ import annotations

import math

import numpy as np
import pytest

from imug_metrics.functional.answers.numeric_match import numeric_match


def test_tolerances_are_relative_to_the_reference_or_absolute() -> None:
    preds, targets = ["104.9", "105.1", "0.001", "0.001"], [100, 100, 0, 0]
    assert numeric_match(preds, targets, rel_tol=0.05).tolist() == [1.0, 0.0, 0.0, 0.0]
    assert numeric_match(preds, targets, abs_tol=0.001).tolist() == [0.0, 0.0, 1.0, 1.0]
    assert numeric_match(["105"], ["100"], rel_tol=0.05).tolist() == [1.0]
    assert (
        numeric_match(["100"], ["105.2"], rel_tol=0.05).tolist()
        == numeric_match(["100"], [105.2], rel_tol=0.05).tolist()
    )


def test_numbers_themselves_and_several_references_are_taken() -> None:
    assert numeric_match([3, 0.5, np.float32(2), "4 or 5"], ["3", "1/2", 2, [4, "5"]]).tolist() == [1.0] * 4


def test_the_stated_number_counts_and_thinking_does_not() -> None:
    replies = [
        "The answer is 72. I took 3 steps.",
        "<think>3</think>72",
        r"\boxed{$9{,}500} 3",
        "–5",
        "3–5",
        "3 or 1e400",
    ]
    assert numeric_match(replies, [72, 72, 9500, -5, -5, 3]).tolist() == [1.0, 1.0, 1.0, 1.0, 0.0, 0.0]
    assert numeric_match(["3"] * 4, ["#### 3", "3.0", r"\boxed{3}", "3 cups"]).tolist() == [1.0] * 4


def test_reply_without_a_number_scores_zero_and_an_absent_one_nan() -> None:
    values = numeric_match(["none", float("nan"), float("inf"), None], [1, 1, 1, 1]).tolist()
    assert values[0] == 0.0
    assert all(math.isnan(value) for value in values[1:]), "what a table holds where nothing is, is no reply"


def test_bad_rows_are_named() -> None:
    with pytest.raises(ValueError, match="'none' at row 1"):
        numeric_match(["1", "1"], ["1", "none"])
    with pytest.raises(ValueError, match="'3,14' at row 0"):
        numeric_match(["3"], ["3,14"])
    with pytest.raises(ValueError, match="nan at row 0"):
        numeric_match(["1"], [float("nan")])
    with pytest.raises(TypeError, match="got bool at row 0"):
        numeric_match([True], [1])
    with pytest.raises(ValueError, match="`rel_tol` to be >= 0"):
        numeric_match(["1"], ["1"], rel_tol=-1)
    with pytest.raises(ValueError, match=r"`preds`, \[0\], got \[1\]"):
        numeric_match([], [1])
