# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""The command line of lmms-eval with one model more, `replay`: it says what was recorded to the question it is asked.

In rounds it asks the task for the next one until that says that all are over, as models of the harness do.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import imug_metrics  # noqa: F401  # lets a torchvision that is built for CUDA be imported beside a CPU torch

# isort: split
from lmms_eval.api.model import lmms
from lmms_eval.cli.dispatch import main
from lmms_eval.models import MODEL_REGISTRY_V2
from lmms_eval.models.registry_v2 import ModelManifest


class Replay(lmms):
    def __init__(self, data: str, **kwargs: Any) -> None:
        super().__init__()
        rows = map(json.loads, Path(data).read_text(encoding="utf-8").splitlines())
        self.replies = {row["question"]: row["reply"] for row in rows}

    def generate_until(self, requests: list[Any]) -> list[str]:
        return [self.replies[request.args[0]] for request in requests]

    def generate_until_multi_round(self, requests: list[Any]) -> list[list[str]]:
        return [self._rounds(*request.args) for request in requests]

    def loglikelihood(self, requests: list[Any]) -> list[tuple[float, bool]]:
        raise NotImplementedError

    def _rounds(
        self, text: str, kwargs: Any, doc_to_visual: Any, doc_to_text: Any, doc_id: int, task: str, split: str
    ) -> list[str]:
        doc, replies, ended = self.task_dict[task][split][doc_id], [], False
        while not ended:
            question = text.rpartition("User: ")[2]
            replies.append(self.replies[question])
            _, text, ended, replies, _ = doc_to_text(doc, round_idx=len(replies), previous_output=replies)
        return replies


if __name__ == "__main__":
    MODEL_REGISTRY_V2.register_manifest(ModelManifest(model_id="replay", simple_class_path="replay.Replay"))
    sys.exit(main())
