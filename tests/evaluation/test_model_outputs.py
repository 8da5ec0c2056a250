# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Outputs of a run, evaluated: as a value in place of folders, with what they cost, and on two histories."""

from __future__ import annotations

import json
import math
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch

from imug_metrics.demo import write_demo_benchmark
from imug_metrics.encoders import CallableEncoder
from imug_metrics.errors import ArgumentError
from imug_metrics.evaluation import compare, evaluate, failure_profile, repeated_runs
from imug_metrics.evaluation.model_outputs import ModelOutputs
from imug_metrics.inference import Reply, infer
from imug_metrics.protocols import imug
from imug_metrics.protocols.imug.usage import TurnUsage, usage_content, usage_file, usage_folder


def colours() -> CallableEncoder:
    return CallableEncoder(
        lambda images: torch.stack([image.float().mean((1, 2)) / 255 for image in images]),
        lambda texts: torch.tensor([[float(text.count(letter) + 1) for letter in "aeo"] for text in texts]),
        name="colours",
        fingerprint="colours",
        dim=3,
    )


@pytest.fixture
def demo(tmp_path: Path) -> Path:
    write_demo_benchmark(tmp_path, dialogues=4, seed=3)
    return tmp_path


def outputs_of(demo: Path, *models: str) -> ModelOutputs:
    return ModelOutputs(demo / "benchmark", demo / "outputs", models or ("steady", "fading"))


def write_usage(demo: Path, model: str, growth: float) -> dict[str, list[float]]:
    """Tokens that grow by `growth` a turn, or one more or less, and one request a turn; returns tokens by dialogue."""
    tokens = {}
    for row, sample in enumerate(imug.read_benchmark(demo / "benchmark", imug.Problems())):
        costs = {task.turn: 100.0 + row + (growth + (-1) ** row) * task.turn for task in sample.tasks}
        path = usage_file(demo / "outputs" / model, sample.key)
        path.parent.mkdir(parents=True, exist_ok=True)
        turns = {turn: TurnUsage({"tokens": cost, "requests": 1}) for turn, cost in costs.items()}
        path.write_bytes(usage_content(turns))
        tokens[sample.dialogue] = list(costs.values())
    return tokens


def write_settings(model: Path, **settings: Any) -> None:
    usage_folder(model).mkdir(exist_ok=True)
    (usage_folder(model) / "run.json").write_text(json.dumps(settings))


def test_outputs_stand_for_their_folders_and_models(demo: Path) -> None:
    found = evaluate(outputs_of(demo, "steady"), encoder=colours())
    named = evaluate(benchmark=demo / "benchmark", outputs=demo / "outputs", models=["steady"], encoder=colours())
    assert list(found.scores) == ["steady"]
    assert json.dumps(found.scores["steady"]) == json.dumps(named.scores["steady"])


@pytest.mark.parametrize("more", [{"benchmark": "."}, {"outputs": "."}, {"models": ["steady"]}], ids=str)
def test_outputs_and_folders_are_not_given_together(demo: Path, more: dict[str, Any]) -> None:
    with pytest.raises(ArgumentError, match="expected one of them") as caught:
        evaluate(outputs_of(demo), encoder=colours(), **more)
    assert caught.value.arguments == ("records", "benchmark")


def test_costs_of_a_run_become_means_curves_and_slopes_with_intervals(demo: Path) -> None:
    tokens = write_usage(demo, "steady", growth=7)
    scores = evaluate(outputs_of(demo, "steady"), encoder=colours()).scores["steady"]
    everything = [cost for dialogue in tokens.values() for cost in dialogue]
    assert scores["cost_tokens"] == pytest.approx(sum(everything) / len(everything))
    assert scores["cost_tokens_sum"] == sum(everything)
    assert scores["cost_tokens_slope_lower"] < scores["cost_tokens_slope"] < scores["cost_tokens_slope_upper"]
    assert 6 < scores["cost_tokens_slope"] < 8
    first = [dialogue[0] for dialogue in tokens.values()]
    assert scores["cost_tokens_turn_1"] == pytest.approx(sum(first) / len(first))
    assert scores["cost_tokens_coverage"] == scores["cost_requests"] == 1
    assert scores["cost_requests_slope"] == 0


def test_costs_change_no_other_score_and_are_not_compared(demo: Path) -> None:
    before = evaluate(outputs_of(demo), encoder=colours())
    for model, growth in (("steady", 0), ("fading", 50)):
        write_usage(demo, model, growth)
    after = evaluate(outputs_of(demo), encoder=colours())
    for model, scores in before.scores.items():
        others = {name: value for name, value in after.scores[model].items() if not name.startswith("cost_")}
        assert json.dumps(others) == json.dumps(scores)
    assert str(after.tables()[0]) == str(before.tables()[0])
    assert json.dumps(compare(after).rows()) == json.dumps(compare(before).rows())
    assert repr(repeated_runs(after, after)) == repr(repeated_runs(before, before))


def test_what_gets_dearer_is_a_failure_of_its_own(demo: Path) -> None:
    write_usage(demo, "fading", growth=50)
    rows = failure_profile(evaluate(outputs_of(demo), encoder=colours())).rows()
    fails = {row["model"]: row["fails"] for row in rows if row["failure"] == "costs ever more tokens"}
    assert fails["fading"] is True
    assert fails.get("steady") is not True


def test_a_finished_model_is_scored_again_when_its_usage_has_changed(demo: Path) -> None:
    def tokens() -> float:
        found = evaluate(outputs_of(demo, "steady"), encoder=colours(), resume=demo / "kept")
        return found.scores["steady"].get("cost_tokens_slope", math.nan)

    assert math.isnan(tokens())
    write_usage(demo, "steady", growth=7)
    assert 6 < tokens() < 8


def test_costs_stand_on_the_page_and_in_the_curves(demo: Path) -> None:
    write_usage(demo, "steady", growth=7)
    found = evaluate(outputs_of(demo, "steady"), encoder=colours())
    page = found.report(demo / "report").read_text("utf-8")
    assert "What it cost" in page
    assert "tokens" in page
    table = (demo / "report" / "per_turn.csv").read_text("utf-8")
    assert "steady,cost_tokens,1," in table


def test_the_manifest_says_how_outputs_were_made_where_they_say_it(demo: Path) -> None:
    write_settings(demo / "outputs" / "steady", strategy="best-of:4", seed=3, more=[1], long="x" * 999)
    manifest = evaluate(outputs_of(demo), encoder=colours()).manifest
    assert manifest["runs"] == {"steady": {"strategy": "best-of:4", "seed": 3, "long": "x" * 200}}
    shutil.rmtree(usage_folder(demo / "outputs" / "steady"))
    assert "runs" not in evaluate(outputs_of(demo), encoder=colours()).manifest


def histories(demo: Path) -> list[str]:
    """What is said of the histories of outputs and of reference outputs."""
    found = evaluate(outputs_of(demo, "steady"), encoder=colours(), reference_history=demo / "reference")
    said = [p for p in found.problems if "history" in p.message]
    assert {problem.level for problem in said} <= {"warning"}
    return [f"{Path(problem.file).parent.name}: {problem.message}" for problem in said]


def test_runs_that_say_what_they_are_given_as_are_compared_without_a_word(demo: Path) -> None:
    shutil.copytree(demo / "outputs", demo / "reference")
    assert histories(demo) == []
    write_settings(demo / "outputs" / "steady", history="own", isolated=False)
    write_settings(demo / "reference" / "steady", history="reference", isolated=False)
    assert histories(demo) == []


@pytest.mark.parametrize(
    ("settings", "said"),
    [({"history": "own"}, "'own'"), ({"history": "mixed:0.5"}, "'mixed:0.5'"), ({"isolated": True}, "none")],
)
def test_a_reference_that_was_run_on_another_history_is_told(demo: Path, settings: dict[str, Any], said: str) -> None:
    shutil.copytree(demo / "outputs", demo / "reference")
    write_settings(demo / "reference" / "steady", **settings)
    assert histories(demo) == [f"reference: expected a run on the reference history, its own settings say {said}"]


def test_what_infer_returns_is_evaluated_with_its_costs_and_its_history(demo: Path) -> None:
    def answer(history: Any, *, want: str, seed: int) -> Reply:
        usage = {"tokens": float(len(history))}
        return Reply("A", usage=usage) if want == "text" else Reply(image=torch.zeros(3, 8, 8), usage=usage)

    own, reference = (
        infer(answer, demo / "benchmark", demo / name, name="mine", history=name, references=references)
        for name, references in (("own", None), ("reference", demo / "outputs" / "steady"))
    )
    found = evaluate(own, encoder=colours(), reference_history=reference.outputs)
    assert found.scores["mine"]["cost_requests_sum"] == own.spent["requests"]
    # Of turn t the model is shown t prompts and t - 1 outputs.
    assert found.scores["mine"]["cost_tokens_slope"] == pytest.approx(2)
    assert found.scores["mine"]["cost_tokens_turn_1"] == 1
    assert found.manifest["runs"]["mine"]["history"] == "own"
    assert not [problem for problem in found.problems if "history" in problem.message]
    swapped = evaluate(reference, encoder=colours(), reference_history=own.outputs)
    assert sum("history" in problem.message for problem in swapped.problems) == 2


def test_outputs_that_were_run_on_the_reference_are_told(demo: Path) -> None:
    shutil.copytree(demo / "outputs", demo / "reference")
    write_settings(demo / "outputs" / "steady", history="reference")
    (told,) = histories(demo)
    assert told.startswith("outputs: was run on the reference history")
