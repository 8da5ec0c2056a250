# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""The whole path: demo benchmark, embedded encoder, every metric, report. Do the metrics see what was built in?"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from imug_metrics.demo import DemoPaths, write_demo_benchmark
from imug_metrics.encoders import load_encoder
from imug_metrics.protocols import imug
from imug_metrics.report import find, write_report
from imug_metrics.suite import ModelScores, score_records

SEEDS = (0, 1, 2)


def scored(paths: DemoPaths) -> dict[str, ModelScores]:
    problems = imug.Problems()
    samples = imug.read_benchmark(paths.benchmark, problems)
    encoder = load_encoder("scene")
    assert len(problems) == 0, "the benchmark itself must be flawless"
    return {
        model: score_records(
            list(imug.read_records(samples, paths.outputs / model, problems)), model=model, encoder=encoder
        )
        for model in paths.models
    }


@pytest.fixture(scope="module", params=SEEDS)
def models(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> dict[str, ModelScores]:
    return scored(write_demo_benchmark(tmp_path_factory.mktemp("demo"), seed=request.param))


@pytest.mark.parametrize("metric", ["answer_accuracy", "turn_alignment"])
def test_fading_declines_and_steady_does_not(models: dict[str, ModelScores], metric: str) -> None:
    assert models["fading"].scores[f"{metric}_slope_upper"] < 0
    steady = models["steady"].scores
    assert steady[f"{metric}_slope_lower"] <= 0 <= steady[f"{metric}_slope_upper"]


def test_copying_has_the_highest_consistency_and_is_found_out(models: dict[str, ModelScores]) -> None:
    consistency = {name: model.scores["turn_consistency"] for name, model in models.items()}
    assert max(consistency, key=consistency.__getitem__) == "copying"
    assert models["copying"].scores["turn_consistency_copy_rate"] > 0.9
    assert models["steady"].scores["turn_consistency_copy_rate"] < 0.1
    warned = [finding for finding in find(list(models.values())) if finding.tone == "warn"]
    assert [finding.model for finding in warned] == ["copying", "copying"]
    assert "(the highest)" in warned[0].text
    assert "guessing in retrieval" in warned[1].text, "one image for all prompts fits each as well as any other"


def test_the_official_rule_costs_wrapped_answers_that_the_strict_reading_understands(
    models: dict[str, ModelScores],
) -> None:
    scores = models["steady"].scores
    assert 0.9 < scores["answer_accuracy"] < 0.98, "six in a hundred are wrong by design"
    assert scores["answer_accuracy_imug"] < scores["answer_accuracy"] - 0.1


def test_missing_outputs_show_in_coverage(models: dict[str, ModelScores]) -> None:
    for model in models.values():
        assert 0.95 < model.scores["answer_accuracy_coverage"] < 1
        assert 0.95 < model.scores["turn_alignment_coverage"] < 1


def test_the_report_of_the_demo_is_small_and_whole(models: dict[str, ModelScores], tmp_path: Path) -> None:
    path = write_report(list(models.values()), tmp_path, manifest={"encoder": {"name": "scene"}})
    text = path.read_text(encoding="utf-8")
    assert len(text) < 2_000_000
    assert text.count("data:image/jpeg;base64,") >= 18, "at least two images in each of three dialogues of three models"
    assert "NaN" not in re.sub(r'data:[^"]*', "", text.partition("<script>")[0])
