# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""A model that gives the recorded replies; Inspect's own mock downloads a table to count tokens."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from inspect_ai.model import ChatMessage, GenerateConfig, ModelAPI, ModelOutput, modelapi


@modelapi(name="replay")
class Replay(ModelAPI):
    """Finds each reply by its question. `-M data=FILE` names the recorded rows."""

    def __init__(self, model_name: str, data: str | None = None, config: GenerateConfig = GenerateConfig(), **_: Any):  # noqa: B008
        super().__init__(model_name, config=config)
        lines = [] if data is None else Path(data).read_text(encoding="utf-8").splitlines()
        self.replies = {row["question"]: row["reply"] for row in map(json.loads, lines)}

    async def generate(self, input: list[ChatMessage], **_: Any) -> ModelOutput:
        return ModelOutput.from_content("replay", self.replies[input[-1].text])

    async def count_text_tokens(self, text: str) -> int:
        return len(text) // 4
