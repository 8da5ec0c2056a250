# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""The recorded judge: every request of an official run with the reply it got, without instructions and images."""

from __future__ import annotations

import base64
import hashlib
import json
from collections import Counter
from pathlib import Path
from typing import Any

from imug_metrics.judges import JudgeError, JudgeRequest, chat_body

RUNS = [
    ("judge_requests.jsonl", "model_outputs", "official"),
    ("judge_requests_gaps.jsonl", "model_outputs_gaps", "official_gaps"),
]


def load_rows(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").split("\n") if line]


def outline(body: dict[str, Any]) -> str:
    """A request body with its instructions left out and each image as its media type and hash."""
    system, user = body["messages"]
    assert (system["role"], user["role"]) == ("system", "user")
    parts = [_part(part) for part in user["content"]]
    rest = {name: value for name, value in body.items() if name not in ("messages", "model")}
    return json.dumps([sorted(body), parts, rest], sort_keys=True)


def _part(part: dict[str, Any]) -> Any:
    if part["type"] == "text":
        assert set(part) == {"type", "text"}
        return part
    assert set(part) == {"type", "image_url"}
    image = part["image_url"]
    if "url" not in image:
        return image["prefix"], image["sha256"]
    assert set(image) == {"url"}
    prefix, comma, data = image["url"].partition(",")
    return prefix + comma, hashlib.sha256(base64.b64decode(data)).hexdigest()


class RecordedJudge:
    """Answers as the recorded run was answered; refuses what was not asked there."""

    name = "recorded"
    concurrency = 8

    def __init__(self, requests: Path) -> None:
        self.replies = {outline(row["body"]): row["judge_reply"] for row in load_rows(requests)}
        self.asked: Counter[str] = Counter()

    def reply(self, body: dict[str, Any]) -> str | None:
        self.asked[outline(body)] += 1
        return self.replies.get(outline(body))

    async def ask(self, request: JudgeRequest) -> str:
        reply = self.reply(chat_body(request, "any"))
        if reply is None:
            raise JudgeError("refused", "was not asked in the recorded run")
        return reply
