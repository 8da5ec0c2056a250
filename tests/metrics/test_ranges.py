# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Estimates and bounds stay within the range that a metric says of itself, near its ends and with few dialogues too."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor
from torchmetrics import Metric

from imug_metrics import (
    AnswerAccuracy,
    BestOfN,
    ContextDecay,
    MetricAgreement,
    PairedGain,
    PointScore,
    SelfBias,
    TurnDecay,
    TurnOfFlip,
    UnderstandingGenerationGap,
)
from imug_metrics.metrics.description import describe
from imug_metrics.metrics.dialogue_metric import DialogueMetric
from imug_metrics.metrics.options import within
from imug_metrics.suite import ImugSuite, Record
from imug_metrics.suite.named_scores import NamedCost, NamedScore
from tests.metrics.cases import Case, metric_cases, places, present

CASES = metric_cases()
OPTIONS: dict[str, dict[str, Any]] = {"plain": {}, "bootstrap": {"bootstrap": 40}, "dialogue": {"average": "dialogue"}}


@pytest.fixture(params=CASES)
def case(request: pytest.FixtureRequest) -> Case:
    return CASES[request.param]


def as_drawn(columns: dict[str, Any]) -> dict[str, Any]:
    return columns


def near_one_end(columns: dict[str, Any]) -> dict[str, Any]:
    """Nearly all scores equal the highest one, nearly all embeddings are alike, and nearly all labels the same."""
    return {name: _pushed(column) for name, column in columns.items()}


def _pushed(column: Any) -> Any:
    if isinstance(column, dict):
        return near_one_end(column)
    if not isinstance(column, Tensor) or not column.is_floating_point():
        return column
    if column.ndim > 1 and column.shape[-1] > 8:
        return column[:1].expand_as(column) + 0.01 * column
    known = column[~column.isnan()]
    middle = known.quantile(0.2) if len(known) else column
    return torch.where((column > middle) & ~column.isnan(), known.max() if len(known) else column, column)


def keys_of(metric: DialogueMetric) -> dict[str, tuple[float, float]]:
    """The ends of every estimate, by its key."""
    names = metric._estimate_names()
    return {metric.name if name == metric.primary else f"{metric.name}_{name}": metric._ends(name) for name in names}


def assert_within(found: dict[str, Tensor], ends: dict[str, tuple[float, float]]) -> int:
    """Bounds hold their estimate, and both keep to the ends; the number of estimates that have bounds."""
    seen = 0
    for key in (key for key in found if f"{key}_lower" in found):
        value, lower, upper = (float(found[f"{key}{end}"]) for end in ("", "_lower", "_upper"))
        if math.isnan(lower):
            continue
        seen += 1
        assert lower <= value <= upper, key
        low, high = ends.get(key, (-math.inf, math.inf))
        assert low - 1e-6 <= lower, key
        assert upper <= high + 1e-6, key
    return seen


def test_the_range_that_is_described_is_the_one_that_bounds_keep_to(case: Case) -> None:
    metric = case.make(detail=True)
    described, ends = describe(metric), metric._ends(metric.primary)
    if isinstance(metric, MetricAgreement):  # whose intervals are made of Fisher's z
        ends = (math.tanh(ends[0]), math.tanh(ends[1]))
    assert (described.low, described.high) == ends


@pytest.mark.parametrize("options", OPTIONS)
@pytest.mark.parametrize("change", [as_drawn, near_one_end])
def test_bounds_keep_to_their_range_and_hold_their_estimate(
    case: Case, change: Callable[[dict[str, Any]], dict[str, Any]], options: str
) -> None:
    if OPTIONS[options].keys() & set(case.refuses):
        pytest.skip("it has no such option")
    for size, seed in ((2, 0), (3, 1), (3, 2), (6, 3), (6, 4), (30, 5)):
        metric = case.make(detail=True, **OPTIONS[options])
        dialogue, turn = places(size, seed)
        columns = case.columns(dialogue, turn)
        try:
            metric.update(**change(columns), dialogue=dialogue, turn=turn, valid=present(dialogue, turn))
        except ValueError:  # what was pushed is no longer what the metric takes
            metric.update(**columns, dialogue=dialogue, turn=turn, valid=present(dialogue, turn))
        found = metric.compute()
        agreement = isinstance(metric, MetricAgreement)
        assert_within(found, dict.fromkeys(found, (-1.0, 1.0)) if agreement else keys_of(metric))
        described = describe(metric)
        primary = float(found[metric.name])
        assert math.isnan(primary) or described.low - 1e-6 <= primary <= described.high + 1e-6


@pytest.mark.parametrize("wrong", [1, 2, 3])
@pytest.mark.parametrize("protocol", ["strict", "imug"])
def test_a_score_near_its_ceiling_has_no_bound_above_it(protocol: str, wrong: int) -> None:
    """Of many turns a handful is wrong: symmetrical bounds would reach past 1."""
    answers, points = AnswerAccuracy(protocol=protocol, detail=True), PointScore(protocol=protocol, detail=True)
    places = {"dialogue": torch.arange(20).repeat_interleave(2), "turn": torch.tensor([1, 2] * 20)}
    answers.update(["B"] * wrong + ["A"] * (40 - wrong), ["A"] * 40, **places)
    points.update([[1]] * wrong + [[5]] * (40 - wrong), **places)
    for metric in (answers, points):
        found = metric.compute()
        assert assert_within(found, keys_of(metric)) > 3
        assert found[f"{metric.name}_upper"] <= 1


def test_a_value_that_leaves_its_scale_takes_its_bounds_along() -> None:
    """The released rule takes a 9 of 5 as it is: the mean may be above 1, and its bounds are around it."""
    metric = PointScore(protocol="imug", detail=True)
    metric.update([[9], [8], [9], [7]], dialogue=[1, 2, 3, 4], turn=[1, 1, 1, 1])
    found = metric.compute()
    assert 1 < found["point_score_lower"] < found["point_score"] < found["point_score_upper"]


@pytest.mark.parametrize("slope", ["within", "pooled", "theil-sen"])
def test_a_slope_is_no_steeper_than_its_scores_lie_apart(slope: str) -> None:
    metric = TurnDecay(slope=slope, score_range=(0, 1), detail=True)
    scores = torch.tensor([[0.0, 1.0]] * 5 + [[0.9, 0.1]])
    metric.update(scores, dialogue=torch.arange(6))
    assert (describe(metric).low, describe(metric).high) == (-1.0, 1.0)
    assert_within(metric.compute(), keys_of(metric))
    assert metric.compute()["turn_decay_upper"] <= 1


def test_turns_held_are_no_more_than_there_are() -> None:
    metric = TurnOfFlip(detail=True, max_turns=3)
    metric.update([[1, 1, 1]] * 6 + [[1, 1, 0]] * 2, dialogue=torch.arange(8))
    found = metric.compute()
    assert found["turn_of_flip"] < found["turn_of_flip_upper"] <= 3


class Own(DialogueMetric):
    """A metric of a user, whose scores are shares."""

    name = "own"
    ranges = within((0.0, 1.0), "mean", "turn_")

    def update(self, scores: Any, *, dialogue: Any = None, turn: Any = None) -> None:
        """Add scores."""
        from imug_metrics.dialogues.columns import score_column

        inputs = self._pack({"scores": score_column("scores", scores)}, dialogue, turn)
        self._add(inputs.batch, inputs.columns["scores"])


CEILING = [0.6] + [1.0] * 11


def own_metrics() -> dict[str, Metric]:
    return {"own": Own(detail=True), "judge": NamedScore("judge", score_range=(0.0, 1.0))}


@pytest.mark.parametrize("name", own_metrics())
def test_metrics_of_ones_own_with_a_range_keep_to_it(name: str) -> None:
    metric = own_metrics()[name]
    metric.update(CEILING, dialogue=list(range(12)), turn=[1] * 12)
    found = metric.compute()
    assert found[name] < found[f"{name}_upper"] <= 1
    assert (describe(metric).low, describe(metric).high) == (0.0, 1.0)


def test_a_score_of_records_has_the_range_of_the_metric_that_is_given_for_it() -> None:
    records = [
        Record(f"d{n}", 1, "text", "Which?", text="A", scores={"judge": value, "other": value})
        for n, value in enumerate(CEILING)
    ]
    suite = ImugSuite({"judge": NamedScore("judge", score_range=(0.0, 1.0))})
    suite.update(records)
    found = suite.compute()
    assert found["judge_upper"] <= 1 < found["other_upper"]
    assert suite.descriptions()["judge"].range == "0 to 1"


def test_a_range_holds_the_zero_that_an_absent_score_counts_as() -> None:
    metric = NamedScore("judge", score_range=(1.0, 5.0), missing="zero")
    metric.update([1.0, float("nan"), 2.0, 1.0] * 3, dialogue=list(range(12)), turn=[1] * 12)
    found = metric.compute()
    assert found["judge"] == 1.0
    assert 0 <= found["judge_lower"] < 1 < found["judge_upper"]
    assert (describe(metric).low, describe(metric).high) == (0.0, 5.0)


def test_costs_are_no_less_than_nothing() -> None:
    metric = NamedCost("tokens")
    metric.update([0.0] * 11 + [900.0, 800.0], dialogue=list(range(13)), turn=[1] * 13)
    found = metric.compute()
    assert 0 <= found["cost_tokens_lower"] < found["cost_tokens"]


RANGED: dict[str, tuple[Callable[..., DialogueMetric], dict[str, Any]]] = {
    "best of n": (BestOfN, {"scores": torch.tensor([[1.0, 1.0], [1.0, 1.0], [1.0, 0.9], [0.4, 1.0]])}),
    "gap": (
        UnderstandingGenerationGap,
        {"scores": torch.tensor([1.0, 1.0, 0.0, 0.3]), "modality": ["text", "text", "image", "image"]},
    ),
    "self-bias": (SelfBias, {"scores": torch.tensor([1.0, 1.0, 1.0, 0.9]), "references": torch.zeros(4)}),
    "paired gain": (PairedGain, {"scores": torch.tensor([1.0, 1.0, 1.0, 0.9]), "baseline": torch.zeros(4)}),
    "decay": (TurnDecay, {"scores": torch.tensor([1.0, 1.0, 1.0, 0.9])}),
    "context": (
        ContextDecay,
        {
            "scores": torch.tensor([1.0, 0.9, 1.0, 0.2]),
            "context_lengths": torch.tensor([1000.0, 2000.0, 1000.0, 2000.0]),
        },
    ),
}


@pytest.mark.parametrize("name", RANGED)
def test_bounds_keep_to_a_range_that_is_told_and_scores_outside_are_refused(name: str) -> None:
    make, columns = RANGED[name]
    count = len(next(iter(columns.values())))
    at = {"dialogue": [place // 2 for place in range(count)], "turn": [place % 2 + 1 for place in range(count)]}
    metric = make(score_range=(0.0, 1.0), detail=True)
    with pytest.raises(ValueError, match=r"\[0, 1\]"):
        metric.update(**{key: 2 * value if key == "scores" else value for key, value in columns.items()}, **at)
    assert not metric.update_called
    metric.update(**columns, **at)
    ends = keys_of(metric)
    assert assert_within(metric.compute(), ends)
    assert sum(math.isfinite(low) and math.isfinite(high) for low, high in ends.values()) > len(ends) // 2
