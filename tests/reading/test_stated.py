# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Where a reply states its answer."""

from __future__ import annotations

import pytest

from imug_metrics.reading.stated import marked_passage, worded_passages


@pytest.mark.parametrize(
    ("text", "passage"),
    [
        (r"so \boxed{72} it is", "72"),
        (r"\boxed{\frac{1}{2}}", r"\frac{1}{2}"),
        (r"\boxed{1} and \boxed{2}", "2"),
        (r"\boxed{1}, not \boxed{}", "1"),
        (r"\boxed{7", "7"),
        (r"\boxed 7 it is", "7"),
        ("<answer>x</answer> y", "x"),
        ("<ANSWER>x", "x"),
        ("[answer]x[/answer]", "x"),
        ("<|begin_of_box|>x<|end_of_box|>", "x"),
        ("#### 72\nmore", " 72"),
        ("#### Heading 2", None),
        ("##### 72", None),
        ("the answer is 72", None),
        ("", None),
    ],
)
def test_marked_answers(text: str, passage: str | None) -> None:
    assert marked_passage(text) == passage


@pytest.mark.parametrize(
    ("text", "passages"),
    [
        ("The answer is 5. My final answer: 7", ["7", "5. My final answer: 7"]),
        ("**Answer**: 72", ["72"]),
        ("Final answer\n\n72", ["72"]),
        ("the answer is not 5", []),
        ("if the answer is 5", []),
        ("to answer: 5", []),
        ("the right side is 5", []),
        ("答案是5", ["5"]),
        ("答案不是5", []),
        ("답: 5", ["5"]),
        ("Die Antwort lautet 5", ["5"]),
        ("जवाब 5 है", ["5 है"]),
    ],
)
def test_answers_in_words(text: str, passages: list[str]) -> None:
    assert [passage.text for passage in worded_passages(text) if not passage.denied] == passages
