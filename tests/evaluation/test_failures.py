# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""The profile of failures as one call, from records, evaluations, folders and scores."""

from __future__ import annotations

from pathlib import Path

import pytest

import imug_metrics
from imug_metrics import Evaluation, ImugSuite, Record
from imug_metrics.errors import ArgumentError


def records(share: float) -> list[Record]:
    """Forty dialogues, in a share of whose turns there is an object that nobody asked for."""
    return [
        Record(
            f"d{d}",
            turn,
            "text",
            "What is there?",
            text="A",
            target="A" if (d + turn) % 3 else "B",
            objects=["dog"] if (7 * d + turn) % 10 >= 10 * share else ["dog", "cat"],
            target_objects=["dog"],
            costs={"tokens": 10.0 + d + turn},
        )
        for d in range(40)
        for turn in (1, 2, 3)
    ]


@pytest.fixture(scope="module")
def evaluation() -> Evaluation:
    return imug_metrics.evaluate({"steady": records(0.1), "dreamy": records(0.6), "calm": records(0.1)})


def test_the_model_with_the_failure_stands_out(evaluation: Evaluation) -> None:
    found = imug_metrics.failure_profile(evaluation)
    assert found.models == ("steady", "dreamy", "calm")
    named = {figure.failure.key: figure.worst for figure in found.figures if figure.worst is not None}
    assert named == {"object_hallucination": 1}
    rows = {(row["key"], row["model"]): row for row in found.rows()}
    dreamy = rows["object_hallucination", "dreamy"]
    assert dreamy["stands_out"]
    assert dreamy["p"].keys() == {"steady", "calm"}
    assert max(dreamy["p"].values()) < 0.01
    assert rows["modality_compliance", "calm"]["paired"]
    assert rows["cost_tokens_growth", "calm"]["healthy"] == 0
    assert "▲" in found.table()


def test_folders_scores_and_records_give_the_same(evaluation: Evaluation, tmp_path: Path) -> None:
    expected = imug_metrics.failure_profile(evaluation).rows()
    evaluation.save(tmp_path / "kept")
    by_scores = imug_metrics.failure_profile(*(result.scores for result in evaluation.results))
    by_folder = imug_metrics.failure_profile(tmp_path / "kept")
    assert repr(by_scores.rows()) == repr(expected)
    assert repr(by_folder.rows()) == repr(expected)
    suite = ImugSuite(keep_rows=True)
    suite.update(records(0.6))
    alone = imug_metrics.failure_profile(suite.scores("dreamy"))
    assert {row["stands_out"] for row in alone.rows()} == {False}


def test_records_of_images_are_taken_without_an_encoder() -> None:
    given = [Record("a", 1, "image", "Draw it."), Record("a", 2, "text", "Which?", text="A", target="A")]
    found = imug_metrics.failure_profile({"mine": given})
    assert "modality_compliance" in {figure.failure.key for figure in found.figures}


def test_models_are_chosen_by_name(evaluation: Evaluation) -> None:
    assert imug_metrics.failure_profile(evaluation, models=["calm"]).models == ("calm",)
    with pytest.raises(ArgumentError, match="one of those compared"):
        imug_metrics.failure_profile(evaluation, models=["other"])


def test_scores_beside_evaluations_are_refused(evaluation: Evaluation) -> None:
    with pytest.raises(ArgumentError, match="either `ModelScores` or evaluations, got both"):
        imug_metrics.failure_profile(evaluation, evaluation.results[0].scores)


@pytest.mark.parametrize("runs", [(), (1,)])
def test_anything_else_is_refused(runs: tuple[int, ...]) -> None:
    with pytest.raises(ArgumentError, match="runs"):
        imug_metrics.failure_profile(*runs)  # type: ignore[arg-type]
