# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Messages whose content is a list: text is joined, thinking left out, and anything else refused by its name."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from imug_metrics.judges import JudgeRequest, ReplyError
from imug_metrics.judges.content import message_text
from imug_metrics.judges.journal import Answer, Journal, address_of


def text(part: str) -> dict[str, str]:
    return {"type": "text", "text": part}


@pytest.mark.parametrize(
    ("content", "found"),
    [
        ("B", "B"),
        ("", ""),
        (None, None),
        ([], None),
        ([text("B")], "B"),
        ([text("A, "), text("和"), text("C")], "A, 和C"),
        (["A", text("C")], "AC"),
        ([{"type": "output_text", "text": "B", "annotations": []}], "B"),
        ([{"type": "thinking", "thinking": [text("A?")]}, text("B")], "B"),
        ([{"type": "thinking", "thinking": "A?", "signature": "x"}, text("B")], "B"),
        ([{"type": "redacted_thinking", "data": "x"}, text("B")], "B"),
        ([{"type": "reasoning", "summary": []}, {"type": "reasoning_content", "text": "A"}, text("B")], "B"),
        ([{"type": "thinking", "thinking": "A?"}], None),
    ],
)
def test_text_is_joined_and_thinking_left_out(content: Any, found: str | None):
    assert message_text(content) == found


@pytest.mark.parametrize(
    ("content", "name"),
    [
        ({"type": "text", "text": "B"}, "an object"),
        (4, "a number"),
        (True, "true or false"),
        ([4], "a number as chunk"),
        ([[text("B")]], "a list as chunk"),
        ([None], "null as chunk"),
        ([{"type": "image_url", "image_url": {"url": "x"}}], "'image_url'"),
        ([text("B"), {"type": "tool_use", "name": "f"}], "'tool_use'"),
        ([{"type": "refusal", "refusal": "no"}], "'refusal'"),
        ([{"text": "B"}], "'None'"),
        ([{"type": "text"}], "null as text"),
        ([{"type": "text", "text": ["B"]}], "a list as text"),
    ],
)
def test_anything_else_is_refused_by_its_name(content: Any, name: str):
    with pytest.raises(ReplyError, match=name) as caught:
        message_text(content)
    assert caught.value.kind == "content"


def test_a_recorded_list_is_its_text(tmp_path: Path):
    path, address = tmp_path / "judge.jsonl", address_of(("m", 1), JudgeRequest(None, ("Which?",)), "judge", 0)
    row = {**address._asdict(), "asked": 1, "reply": [{"type": "thinking", "thinking": "A?"}, text("B")], "error": None}
    path.write_text(json.dumps(row) + "\n")
    with Journal(path) as journal:
        assert journal.find(address) == Answer(1, "B", None)
