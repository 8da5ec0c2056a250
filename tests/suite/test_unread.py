# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""How many answers were read, which could not be, and why."""

from __future__ import annotations

from typing import Any

import pytest

from imug_metrics.reading.choice import UNREAD
from imug_metrics.suite import Record, answers_read, score_records
from imug_metrics.suite.unread import EXAMPLES, LONGEST


def row(turn: int, reading: Any, text: Any = "x", **more: Any) -> dict[str, Any]:
    return {"dialogue": "d", "turn": turn, "modality": "text", "text": text, "target": "B", "reading": reading, **more}


# What is said to "Which? (B)", and the reason why it cannot be read; none where it can.
SAID: list[tuple[str | None, str | None]] = [
    ("B", None),
    ("The answer is C.", None),
    ("正确答案是 B。", None),
    ("Die Antwort ist B.", None),
    ("", "empty"),
    ("   \n", "empty"),
    ("I'm sorry, but I cannot view images.", "declined"),
    ("Es tut mir leid, ich kann das Bild nicht sehen.", "declined"),
    ("A cat sits on the mat.", "unclear"),
    ("It isn't B.", "excluded"),
    ("None of the above.", "above"),
    ("The answer is K.", "outside"),
    (None, None),
    ("ERROR: timeout", None),
]


def test_answers_are_counted_by_how_they_were_read_or_why_not() -> None:
    records = [Record("d", turn, "text", "Which?", text=text, target="B") for turn, (text, _) in enumerate(SAID, 1)]
    found = score_records(records, model="mine", encoder=None).answers_read
    expected: dict[str, int] = {}
    for _, reason in SAID:
        if reason is not None:
            expected[reason] = expected.get(reason, 0) + 1
    assert found.unread == expected
    assert (sum(found.read.values()), found.answers) == (4, 12)
    shown = {one.turn: reason for reason, examples in found.examples.items() for one in examples}
    assert shown == {turn: reason for turn, (_, reason) in enumerate(SAID, 1) if reason is not None}
    assert str(found).startswith("8 of 12 answers could not be read: 2 empty, 2 declined, ")


def test_what_is_kept_does_not_grow_with_the_answers() -> None:
    found = answers_read(row(turn, reason, "long " * 1000) for turn, reason in enumerate([*UNREAD] * 50, 1))
    assert found.unread == dict.fromkeys(UNREAD, 50)
    assert {reason: len(examples) for reason, examples in found.examples.items()} == dict.fromkeys(UNREAD, EXAMPLES)
    assert all(len(one.text) <= LONGEST + 1 for examples in found.examples.values() for one in examples)


@pytest.mark.parametrize("reading", [None, "", "nonsense", 3, ["unclear"], {"unclear": 1}, True])
def test_what_is_no_reading_is_passed_over(reading: Any) -> None:
    rows = [row(1, reading), {"dialogue": "d", "turn": 2}, row(3, "unclear", None, target=None)]
    found = answers_read(rows)
    assert (found.answers, found.unread) == (1, {"unclear": 1})
    assert str(answers_read([row(1, reading)])) == "0 of 0 answers could not be read"
