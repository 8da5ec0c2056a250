# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""The command line of lm-evaluation-harness with one model more, `replay`: it says what was recorded to a question."""

from __future__ import annotations

import json
from pathlib import Path

from lm_eval.__main__ import cli_evaluate
from lm_eval.api.instance import Instance
from lm_eval.api.model import LM
from lm_eval.api.registry import register_model


@register_model("replay")
class Replay(LM):
    def __init__(self, data: str, **kwargs: object) -> None:
        super().__init__()
        rows = map(json.loads, Path(data).read_text(encoding="utf-8").splitlines())
        self.replies = {row["question"]: row["reply"] for row in rows}

    def generate_until(self, requests: list[Instance], disable_tqdm: bool = False) -> list[str]:
        return [self.replies[request.args[0]] for request in requests]

    def loglikelihood(self, requests: list[Instance], disable_tqdm: bool = False) -> list[tuple[float, bool]]:
        raise NotImplementedError

    def loglikelihood_rolling(self, requests: list[Instance], disable_tqdm: bool = False) -> list[float]:
        raise NotImplementedError


if __name__ == "__main__":
    cli_evaluate()
