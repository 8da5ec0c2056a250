# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Repeated runs: means over them, where the variance is, and what they are worth."""

from __future__ import annotations

import json
import random
import re
from pathlib import Path

import numpy as np
import pytest

from imug_metrics import Record, compare, evaluate
from imug_metrics.cli import main
from imug_metrics.errors import ArgumentError
from imug_metrics.evaluation import Evaluation, repeated_runs


def one_run(seed: int, models: dict[str, float], absent: tuple[str, int] | None = None) -> Evaluation:
    """Answers to 40 dialogues of 3 turns: hard dialogues are hard in every run, the rest is luck."""
    records = {}
    for model, skill in models.items():
        luck, fixed = random.Random(f"{seed}{model}"), random.Random("dialogues")
        records[model] = []
        for dialogue in range(40):
            ease = skill + fixed.uniform(-0.35, 0.35)
            for turn in (1, 2, 3):
                key, wrong = fixed.sample("ABCD", 2)
                said = key if luck.random() < ease else wrong
                text = None if absent == (str(dialogue), turn) else said
                records[model].append(Record(str(dialogue), turn, "text", "Which?", text=text, target=key))
    return evaluate(records)


MODELS = {"good": 0.8, "poor": 0.5}


@pytest.fixture(scope="module")
def runs() -> list[Evaluation]:
    return [one_run(seed, MODELS) for seed in range(3)]


def test_the_mean_is_that_over_runs_and_its_interval_is_narrower_than_that_of_one(runs: list[Evaluation]) -> None:
    found = {score.model: score for score in repeated_runs(*runs, metrics=["answer_accuracy"]).scores}
    assert list(found) == ["good", "poor"]
    for model, score in found.items():
        single = [run.scores[model] for run in runs]
        assert score.value == pytest.approx(np.mean([scores["answer_accuracy"] for scores in single]), abs=1e-12)
        widths = [scores["answer_accuracy_upper"] - scores["answer_accuracy_lower"] for scores in single]
        assert score.upper - score.lower < min(widths)
        assert score.runs == 3
        assert score.variance["repeat"] > score.variance["record"]
        assert 0.5 < score.widths[float("inf")] < score.widths[2] < 1


def test_runs_without_luck_have_no_variance_of_their_own(runs: list[Evaluation]) -> None:
    for score in repeated_runs(runs[0], runs[0], metrics=["answer_accuracy"]).scores:
        assert score.variance["repeat"] == 0
        assert score.widths[float("inf")] == pytest.approx(1)


def test_means_over_runs_are_compared_as_models_and_tell_more_than_one_run(runs: list[Evaluation]) -> None:
    [pair] = compare(*runs, metrics=["answer_accuracy"], repeats=True).rows()
    [single] = compare(runs[0], metrics=["answer_accuracy"]).rows()
    each = [compare(run, metrics=["answer_accuracy"]).rows()[0]["value"] for run in runs]
    assert pair["value"] == pytest.approx(np.mean(each), abs=1e-12)
    assert pair["error"] < single["error"]


def test_an_answer_that_one_run_lacks_is_averaged_over_the_others_and_lowers_the_coverage() -> None:
    runs = [one_run(0, MODELS, absent=("7", 2)), one_run(1, MODELS)]
    [good, _] = repeated_runs(*runs, metrics=["answer_accuracy"]).scores
    other = next(item for item in runs[1].items["good"] if (item["dialogue"], item["turn"]) == ("7", 2))
    values = [[item["answer_strict"] for item in run.items["good"]] for run in runs]
    rows = [[v for v in pair if v is not None] for pair in zip(*values, strict=True)]
    assert good.value == pytest.approx(np.mean([np.mean(row) for row in rows]), abs=1e-12)
    assert other["answer_strict"] in (0.0, 1.0)


def test_what_is_no_repeat_is_refused(runs: list[Evaluation]) -> None:
    with pytest.raises(ArgumentError, match="two repeated runs or more, got 1"):
        repeated_runs(runs[0])
    with pytest.raises(ArgumentError, match="no model is in all of them"):
        repeated_runs(runs[0], one_run(1, {"other": 0.5}))
    with pytest.raises(ArgumentError, match="'absent'"):
        repeated_runs(*runs, models=["absent"])


def test_the_command_prints_a_table_and_writes_strict_json(
    runs: list[Evaluation], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folders = [tmp_path / str(place) for place in range(len(runs))]
    for run, folder in zip(runs, folders, strict=True):
        run.save(folder)
    out = tmp_path / "out"
    arguments = ["--metric", "answer_accuracy", "--out", str(out)]
    assert main(["repeats", *map(str, folders), *arguments]) == 0
    assert "good, 3 runs" in capsys.readouterr().out
    text = (out / "repeats.json").read_text(encoding="utf-8")
    written = json.loads(text, parse_constant=pytest.fail)
    assert [score["model"] for score in written["scores"]] == ["good", "poor"]
    assert main(["compare", *map(str, folders), "--repeats", "--metric", "answer_accuracy"]) == 0
    assert re.search(r"good +poor +\+", capsys.readouterr().out)
    assert main(["repeats", str(folders[0])]) == 2
    assert "DIR: expected two repeated runs" in capsys.readouterr().err
