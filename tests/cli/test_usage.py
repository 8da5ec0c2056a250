# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Outputs with files of usage beside them, as `imug-metrics infer` leaves them, in the commands that read outputs."""

from __future__ import annotations

from pathlib import Path

import pytest

from imug_metrics.protocols import imug
from imug_metrics.protocols.imug.usage import TurnUsage, usage_content, usage_file


@pytest.fixture
def used(command):
    """Writes usage beside a model's outputs: one request a turn, and tokens that grow by `growth` a turn."""
    samples = imug.read_benchmark(command.benchmark, imug.Problems())

    def used(model: Path, growth: float = 0.0) -> Path:
        for place, sample in enumerate(samples):
            path = usage_file(model, sample.key)
            path.parent.mkdir(parents=True, exist_ok=True)
            tokens = {task.turn: 100 + (growth + (-1) ** place) * task.turn for task in sample.tasks}
            path.write_bytes(usage_content({t: TurnUsage({"requests": 1, "tokens": n}) for t, n in tokens.items()}))
        return model

    return used


def test_score_shows_what_turns_cost_and_how_that_changes(command, used) -> None:
    command.mend("steady")
    used(command.outputs / "steady", growth=7)
    assert command.score("--model", "steady") == 0
    scores = command.json("summary.json")["models"]["steady"]
    assert scores["cost_tokens_slope_lower"] < scores["cost_tokens_slope"] < scores["cost_tokens_slope_upper"]
    assert 6 < scores["cost_tokens_slope"] < 8
    curve = [scores[f"cost_tokens_turn_{turn}"] for turn in (1, 2, 3)]
    assert curve == sorted(curve)
    assert "Costs by model" in command.said
    page = (command.out / "report.html").read_text()
    assert 'id="costs"' in page


def test_hidden_folders_are_no_models(command, used) -> None:
    used(command.outputs / "steady")
    assert command.score() in (0, 1)
    assert set(command.json("summary.json")["models"]) == {"copying", "fading", "steady"}
    command.run("check", "--benchmark", command.benchmark, "--outputs", command.outputs)
    assert "3 models looked at" in command.said + command.warned


def test_check_tells_of_usage_that_cannot_be_read(command, used) -> None:
    command.mend("copying", "fading", "steady")
    used(command.outputs / "steady")
    assert command.run("check", "--benchmark", command.benchmark, "--outputs", command.outputs) == 0
    path = next((command.outputs / ".steady").rglob("question_*.json"))
    path.write_text('{"turns": [{"turn": 1, "costs": {"tokens": "many"}}]}')
    assert command.run("check", "--benchmark", command.benchmark, "--outputs", command.outputs) == 1
    assert f"{path}: turn 1: costs.tokens: expected a number" in command.said


def test_scaling_compares_what_runs_cost(command, used) -> None:
    command.mend("steady", "fading")
    plain, more = (used(command.outputs / model, growth) for model, growth in (("fading", 0), ("steady", 50)))
    (command.outputs / ".steady" / "run.json").write_text('{"strategy": "best-of:4"}')
    arguments = ("--benchmark", command.benchmark, "--out", command.out, "--runs", f"plain={plain}", f"more={more}")
    assert command.run("scaling", *arguments) == 0
    written = command.json("scaling.json")
    assert [run.get("made") for run in written["runs"].values()] == [None, {"strategy": "best-of:4"}]
    found = written["answers"]["overall"]["all"]
    for name in ("plain", "more"):
        assert found[f"strategy_comparison_cost_requests_{name}"] == 1
    assert found["strategy_comparison_cost_tokens_more"] > found["strategy_comparison_cost_tokens_plain"] + 50
