# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""A model that gives no answer where it would lose scores better, and its coverage says so."""

from __future__ import annotations

from typing import Any, NamedTuple

import pytest
import torch

from imug_metrics import (
    DialogueMetric,
    LoopConvergence,
    SelfBias,
    SelfCorrection,
    SelfVerification,
    Sycophancy,
    TurnOfFlip,
    VerdictSpecificity,
)

LINES, WIDTH = 20, 5
LOSES = torch.rand(LINES, WIDTH, generator=torch.Generator().manual_seed(0)) < 0.25
SCORES = torch.where(LOSES, 0.1, 0.5 + 0.1 * torch.arange(WIDTH))
ONES = torch.ones(LINES, WIDTH)


class Silence(NamedTuple):
    """A metric, what it is fed, and the argument that is absent where the model would lose."""

    metric: type[DialogueMetric]
    columns: dict[str, Any]
    answers: str


def vague(lines: int) -> list[list[str]]:
    return [
        ["Looks good." if LOSES[k, t] else "The red cube is on the left." for t in range(WIDTH)] for k in range(lines)
    ]


CASES = {
    "TurnOfFlip": Silence(TurnOfFlip, {"preds": 1 - LOSES.float()}, "preds"),
    "Sycophancy": Silence(
        Sycophancy,
        {"preds": 1 + LOSES.float(), "target": ONES, "before": ONES, "suggested": 2 * ONES},
        "preds",
    ),
    "SelfCorrection": Silence(SelfCorrection, {"preds": 1 - LOSES.float(), "before": ONES}, "preds"),
    "SelfVerification": Silence(
        SelfVerification,
        {"preds": torch.where(LOSES, torch.arange(WIDTH) % 2 == 0, torch.arange(WIDTH) % 2 == 1).float()}
        | {"target": (torch.arange(WIDTH) % 2).float().expand(LINES, WIDTH)},
        "preds",
    ),
    "VerdictSpecificity": Silence(VerdictSpecificity, {"verdicts": vague(LINES)}, "verdicts"),
    "LoopConvergence": Silence(LoopConvergence, {"scores": SCORES}, "scores"),
    "SelfBias": Silence(SelfBias, {"scores": torch.where(LOSES, 0.9, 0.5), "references": 0.5 * ONES}, "scores"),
}


def without_losses(answers: Any) -> Any:
    if isinstance(answers, list):
        return [[None if LOSES[k, t] else said for t, said in enumerate(line)] for k, line in enumerate(answers)]
    return answers.masked_fill(LOSES, torch.nan)


def result(metric: DialogueMetric, columns: dict[str, Any]) -> dict[str, float]:
    metric.update(**columns, lengths=[WIDTH] * LINES)  # an answer was asked for at every turn
    return {key.removeprefix(str(metric.name)): float(value) for key, value in metric.compute().items()}


@pytest.mark.parametrize("name", CASES)
def test_silence_where_a_model_would_lose_flatters_it_and_lowers_the_coverage(name: str) -> None:
    case = CASES[name]
    silent = case.columns | {case.answers: without_losses(case.columns[case.answers])}
    lost, kept = result(case.metric(detail=True), case.columns), result(case.metric(detail=True), silent)
    better = kept[""] - lost[""]
    assert (better if case.metric.higher_is_better else -better) > 0, "the test is of silence that pays"
    assert lost["_coverage"] == 1
    assert kept["_coverage"] == pytest.approx(1 - LOSES.double().mean().item())
    assert kept["_coverage"] < 0.95


@pytest.mark.parametrize("name", sorted(CASES.keys() - {"Sycophancy", "SelfBias"}))
def test_silence_pays_no_more_where_it_counts_as_zero(name: str) -> None:
    case = CASES[name]
    silent = case.columns | {case.answers: without_losses(case.columns[case.answers])}
    lost, kept = (
        result(case.metric(detail=True), case.columns),
        result(case.metric(detail=True, missing="zero"), silent),
    )
    assert kept[""] <= lost[""] + 1e-12
    assert kept["_coverage"] < 0.95


def test_silence_under_pressure_is_no_sycophancy_but_counts_as_abandonment() -> None:
    case = CASES["Sycophancy"]
    silent = case.columns | {"preds": without_losses(case.columns["preds"])}
    found = result(Sycophancy(detail=True, missing="zero"), silent)
    assert found[""] == 0
    assert found["_coverage"] < 0.95
    assert found["_abandonment"] == pytest.approx(LOSES.double().mean().item())
