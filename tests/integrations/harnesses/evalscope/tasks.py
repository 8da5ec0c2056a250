# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Two benchmarks of the same dialogues, a sample a turn and a sample a dialogue, and a model that replays replies."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from evalscope.api.benchmark import BenchmarkMeta, DefaultDataAdapter, MultiTurnAdapter
from evalscope.api.dataset import Sample
from evalscope.api.messages import ChatMessage, ChatMessageUser
from evalscope.api.model import GenerateConfig, ModelAPI, ModelOutput
from evalscope.api.registry import register_benchmark, register_model_api

from imug_metrics.integrations.evalscope import DialogueMixin

SHARED: dict[str, Any] = {
    "description": "Rooms and the colours of their cups.",
    "dataset_id": "imug_rooms",  # replaced by `local_path` in the arguments of the run
    "eval_split": "test",
    "aggregation": "imug",
    "prompt_template": "{question}",
}


@register_benchmark(BenchmarkMeta(name="imug_turns", pretty_name="Rooms, turn by turn", **SHARED))
class TurnsAdapter(DialogueMixin, DefaultDataAdapter):
    """A sample is a turn."""

    def load(self) -> Any:
        return self.load_from_disk(use_local_loader=True)

    def record_to_sample(self, record: dict[str, Any]) -> Sample:
        return Sample(
            input=[ChatMessageUser(content=record["question"])],
            target=record["answer"],
            metadata={"dialogue": record["dialogue"], "turn": record["turn"]},
        )


@register_benchmark(BenchmarkMeta(name="imug_dialogues", pretty_name="Rooms, whole dialogues", **SHARED))
class DialoguesAdapter(DialogueMixin, MultiTurnAdapter):
    """A sample is a dialogue, in which the model sees its own earlier replies."""

    def load(self) -> Any:
        return self.load_from_disk(use_local_loader=True)

    def record_to_sample(self, record: dict[str, Any]) -> Sample:
        return Sample(
            input=record["questions"][0],
            metadata={
                "dialogue": record["dialogue"],
                "target": record["answers"],
                "questions": record["questions"],
            },
        )

    def get_max_turns(self, sample: Sample) -> int:
        return len(sample.metadata["questions"])

    def build_turn_prompt(self, sample: Sample, history: list[ChatMessage], turn_index: int) -> str:
        return sample.metadata["questions"][turn_index]


@register_model_api(name="replay")
class Replay(ModelAPI):
    """Replies as they were recorded, found by the question."""

    def __init__(
        self,
        model_name: str,
        base_url: str | None = None,
        api_key: str | None = None,
        config: GenerateConfig | None = None,
        **options: Any,
    ) -> None:
        super().__init__(model_name, base_url, api_key, config or GenerateConfig())
        rows = map(json.loads, Path(os.environ["REPLAYED"]).read_text(encoding="utf-8").splitlines())
        self.replies = {row["question"]: row["reply"] for row in rows}

    def generate(self, input: list[ChatMessage], tools: Any, tool_choice: Any, config: GenerateConfig) -> ModelOutput:
        return ModelOutput.from_content(self.model_name, self.replies[input[-1].text])
