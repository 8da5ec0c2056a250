# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Which scores trackers are given, under which keys."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch

from imug_metrics import AnswerAccuracy, Breakdown, Comparison, Evaluation, ImugSuite, TurnDecay, compare
from imug_metrics.errors import ArgumentError
from imug_metrics.evaluation.model_result import ModelResult
from imug_metrics.report.trackers.groups import ScoreGroup
from imug_metrics.report.trackers.scores import tracked_scores, tracked_tables
from imug_metrics.report.trackers.trackable import Trackable
from imug_metrics.suite import ModelScores
from tests.metrics.cases import metric_cases

TURNS = [[0.9, 0.8, 0.7], [0.8, 0.4, 0.3], [0.5, 0.5, 0.1]]


def decay(**options: Any) -> dict[str, Any]:
    metric = TurnDecay(detail=True, **options)
    metric.update(TURNS)
    found: dict[str, Any] = metric.compute()
    return found


def finite(scores: dict[str, Any]) -> dict[str, float]:
    return {name: float(value) for name, value in scores.items() if math.isfinite(value)}


def test_a_metric_gives_its_value_interval_and_number() -> None:
    names = ["turn_decay", "turn_decay_lower", "turn_decay_upper", "turn_decay_n"]
    assert tracked_scores(decay()) == {name: float(decay()[name]) for name in names}


def test_primary_is_the_value_alone_and_full_is_all_that_is_finite() -> None:
    scores = decay()
    assert tracked_scores(scores, detail="primary") == {"turn_decay": float(scores["turn_decay"])}
    assert tracked_scores(scores, detail="full") == finite(scores)
    assert len(finite(scores)) < len(scores), "something here is undefined"


def test_what_is_undefined_is_left_out() -> None:
    metric = TurnDecay(detail=True)
    metric.update([[0.9, 0.8]])
    assert [*tracked_scores(metric.compute())] == ["turn_decay", "turn_decay_n"], "one dialogue has no interval"


def test_metrics_of_a_suite_are_told_apart_though_one_name_begins_like_another() -> None:
    suite = ImugSuite(
        {"answer": AnswerAccuracy(detail=True), "answer_imug": AnswerAccuracy(protocol="imug", detail=True)}
    )
    suite.update(preds=[["A", "B"], ["A", "A"], ["B", "A"]], target=[["A", "A"]] * 3)
    scores = suite.compute()
    assert tracked_scores(scores, detail="primary") == {name: scores[name] for name in ("answer", "answer_imug")}


def test_metrics_without_detail_are_all_given_whatever_their_names() -> None:
    scores = {"loss": torch.tensor(0.5), "loss_mean": 0.25, "loss_lower": 1, "top_n": 3.0}
    assert tracked_scores(scores) == finite(scores)


def test_groups_of_a_breakdown_are_metrics_of_their_own() -> None:
    metric = Breakdown(AnswerAccuracy(detail=True), groups=["Physics", "Cooking"])
    metric.update(
        ["A", "B", "A"], ["A", "A", "A"], dialogue=[1, 2, 3], turn=[1, 1, 1], group=["Physics"] * 2 + ["Cooking"]
    )
    keys = {"answer_accuracy", "answer_accuracy--5B-Physics--5D-", "answer_accuracy--5B-Cooking--5D-"}
    assert tracked_scores(metric.compute(), detail="primary").keys() == keys


def test_every_metric_gives_its_primary_score_with_its_interval() -> None:
    for case in metric_cases().values():
        scores = dict.fromkeys(case.whole(detail=True), 0.5)
        name = case.make().name
        assert [*tracked_scores(scores)] == [f"{name}{ending}" for ending in ("", "_lower", "_upper", "_n")]


def test_a_prefix_comes_before_every_key() -> None:
    assert [*tracked_scores(decay(), prefix="val/", detail="primary")] == ["val/turn_decay"]


def test_scores_of_an_evaluation_bear_the_names_of_models(evaluation: Evaluation, expected: dict[str, float]) -> None:
    assert tracked_scores(evaluation) == expected
    full = {f"{model}/{name}": value for model, of in evaluation.scores.items() for name, value in finite(of).items()}
    assert tracked_scores(evaluation, detail="full") == full
    assert [*tracked_scores(evaluation, detail="primary")] == [
        f"{model}/answer_accuracy{protocol}" for model in evaluation.scores for protocol in ("", "_imug")
    ]


def test_what_the_own_history_costs_is_primary_where_it_is_known() -> None:
    scores = {"exposure_bias": 3.0, "exposure_bias_turn_1": 0.5, "exposure_gap_alignment": 0.25}
    found = Evaluation((ModelResult(ModelScores("mine", scores, [])),))
    assert tracked_scores(found) == {"mine/exposure_bias": 3.0, "mine/exposure_gap_alignment": 0.25}


def test_a_comparison_gives_differences_with_the_bounds_of_all_pairs(comparison: Comparison) -> None:
    row = next(row for row in comparison.rows() if row["metric"] == "answer_accuracy")
    key = "steady 2.5/minus/fading/answer_accuracy"
    found = tracked_scores(comparison)
    assert found[key] == row["value"] == pytest.approx(5 / 15)
    assert (found[f"{key}_lower"], found[f"{key}_upper"]) == (row["joint_lower"], row["joint_upper"])
    assert found[f"{key}_n"] == row["records"] == 15
    assert f"{key}_p" not in found
    assert tracked_scores(comparison, detail="full")[f"{key}_p"] == row["p"]


def test_a_difference_of_states_tells_no_number_of_records() -> None:
    metrics = {name: AnswerAccuracy(bootstrap=200) for name in "ab"}
    for wrong, metric in enumerate(metrics.values(), 2):
        metric.update([["B"]] * wrong * 2 + [["A"]] * (12 - wrong * 2), [["A"]] * 12, dialogue=[*range(12)])
    found = tracked_scores(compare(metrics))
    assert found["a/minus/b/answer_accuracy"] == pytest.approx(1 / 6)
    assert "a/minus/b/answer_accuracy_n" not in found


class Twice(Trackable):
    def _score_groups(self) -> list[ScoreGroup]:
        return [ScoreGroup(("a",), {"b/c": 1.0}, ["b/c"]), ScoreGroup(("a/b",), {"c": 2.0}, ["c"])]

    def _tracked_tables(self) -> list[Any]:
        return []


def test_two_scores_never_end_under_one_key() -> None:
    with pytest.raises(ArgumentError, match="'a/b/c' twice"):
        tracked_scores(Twice())


@pytest.mark.parametrize("scores", [torch.tensor(0.5), 0.5, ["a"], None])
def test_what_holds_no_names_is_refused(scores: Any) -> None:
    with pytest.raises(ArgumentError, match="expected a dict of scores"):
        tracked_scores(scores)


def test_an_unknown_detail_is_refused() -> None:
    with pytest.raises(ArgumentError, match="primary, interval, full, got 'all'"):
        tracked_scores(decay(), detail="all")  # type: ignore[arg-type]


def test_tables_hold_the_numbers_of_the_evaluation(evaluation: Evaluation) -> None:
    tables = tracked_tables(evaluation, prefix="val/")
    assert [*tables] == ["val/leaderboard", "val/per_turn"]
    rows = tables["val/leaderboard"].records()
    assert [row["model"] for row in rows] == [*evaluation.scores]
    for row, scores in zip(rows, evaluation.scores.values()):
        assert {name: value for name, value in row.items() if name != "model"} == {
            name: None if math.isnan(scores[name]) else scores[name] for name in row if name != "model"
        }
        assert {"answer_accuracy", "answer_accuracy_lower", "answer_accuracy_imug_n"} <= row.keys()
    points = [row for row in tables["val/per_turn"].records() if row["metric"] == "answer_accuracy"]
    assert [(row["model"], row["turn"], row["n"]) for row in points] == [
        (model, turn, n) for model, n in (("steady 2.5", 5), ("fading", 6)) for turn in (1, 2, 3)
    ]
    for row in points:
        assert row["value"] == evaluation.scores[str(row["model"])][f"answer_accuracy_turn_{row['turn']}"]


def test_a_dict_has_no_tables() -> None:
    assert tracked_tables(decay()) == {}


def test_the_table_of_a_comparison_has_its_rows(comparison: Comparison) -> None:
    [(key, table)] = tracked_tables(comparison).items()
    assert key == "differences"
    assert [(row["metric"], row["value"]) for row in table.records()] == [
        (row["metric"], row["value"]) for row in comparison.rows()
    ]
