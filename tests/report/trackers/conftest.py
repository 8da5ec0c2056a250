# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Two models scored once, and scripts that log them in processes of their own, away from the network."""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from imug_metrics import Comparison, Evaluation, Record, compare, evaluate

# What a script finds: the evaluation that the test has, a metric's result, and how to say what it read back.
_BEFORE = """
import json, sys
from pathlib import Path
from imug_metrics import AnswerAccuracy, Evaluation, compare
from imug_metrics.report import trackers
evaluation = Evaluation.load("evaluation")
metric = AnswerAccuracy(detail=True)
metric.update([["A", "B"]], [["A", "A"]])
def read_back(found):
    Path("found.json").write_text(json.dumps(found))
"""
_NOWHERE = "http://127.0.0.1:9"  # nobody listens there: what asks the network fails
_ENDINGS = ("", "_lower", "_upper", "_n")


def answers(dialogues: list[str]) -> list[Record]:
    return [
        Record(f"d{place}", turn, "text", "Which?", text=text, target="A")
        for place, texts in enumerate(dialogues)
        for turn, text in enumerate(texts, 1)
    ]


@pytest.fixture(scope="package")
def evaluation() -> Evaluation:
    """Two models, of which the second answers in one dialogue more."""
    steady = ["AAA", "AAB", "AAA", "ABA", "AAA"]
    return evaluate({"steady 2.5": answers(steady), "fading": answers(["AAB", "ABB", "BBA", "AAB", "ABA", "ABB"])})


@pytest.fixture(scope="package")
def comparison(evaluation: Evaluation) -> Comparison:
    return compare(evaluation)


@pytest.fixture(scope="package")
def expected(evaluation: Evaluation) -> dict[str, float]:
    """The numbers that every tracker has to hold: of each model's answers under both protocols."""
    names = [f"answer_accuracy{protocol}{ending}" for protocol in ("", "_imug") for ending in _ENDINGS]
    return {
        f"{model}/{name}": scores[name]
        for model, scores in evaluation.scores.items()
        for name in names
        if math.isfinite(scores[name])
    }


@pytest.fixture
def run_script(evaluation: Evaluation, tmp_path: Path) -> Callable[[str, str], Any]:
    """Run a script for a tracker in `tmp_path`; returns what it read back. It does not end where a process stays."""

    def run(package: str, script: str) -> Any:
        if find_spec(package) is None:
            pytest.skip(f"{package} is not installed")
        evaluation.save(tmp_path / "evaluation")
        environment = {
            **os.environ,
            **{name: str(tmp_path) for name in ("HOME", "TMPDIR", "XDG_CACHE_HOME", "XDG_CONFIG_HOME")},
            **dict.fromkeys(("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"), _NOWHERE),
            "WANDB_MODE": "offline",
            "WANDB_SILENT": "true",
            "MLFLOW_TRACKING_URI": "file:./mlruns",
            "MLFLOW_ALLOW_FILE_STORE": "true",
            "DO_NOT_TRACK": "true",
            "TRACKIO_DIR": str(tmp_path / "trackio"),
            "HF_HUB_OFFLINE": "1",
        }
        # Pipes that a process left behind would hold open, so that this would not end.
        done = subprocess.run(
            [sys.executable, "-c", _BEFORE + script],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
            timeout=240,
            check=False,
        )
        assert done.returncode == 0, done.stderr[-3000:]
        found = tmp_path / "found.json"
        return json.loads(found.read_text()) if found.exists() else None

    return run
