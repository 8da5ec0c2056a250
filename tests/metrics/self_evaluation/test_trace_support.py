# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""`TraceSupport` against plain means and statsmodels."""

from __future__ import annotations

import math

import numpy as np
import pytest
import statsmodels.api as sm
import torch

from imug_metrics import PointScore, TraceSupport
from tests.metrics import cases
from tests.metrics.decay.ragged import centred, found, places
from tests.metrics.interval_reference import share_bounds

CASES = {
    "trace-support": cases.Case(TraceSupport, cases.claims),
}


def _drawn(seed: int = 1) -> tuple[list[list[float]], np.ndarray, np.ndarray]:
    """Claims of traces with one to six of them."""
    draw = np.random.default_rng(seed)
    dialogue, turn = places(draw, 40)
    return [draw.random(draw.integers(1, 7)).round(2).tolist() for _ in turn], dialogue, turn


def test_traces_weigh_alike_and_claims_do_not() -> None:
    values = found(TraceSupport(detail=True), [[1] * 9, [0]], dialogue=[1, 2], turn=[1, 1])
    assert (values["trace_support"], values["trace_support_claim"], values["trace_support_full"]) == (0.5, 0.9, 0.5)


def test_every_estimate_against_plain_means_and_a_regression_within_dialogues() -> None:
    claims, dialogue, turn = _drawn()
    values = found(TraceSupport(detail=True), claims, dialogue=dialogue, turn=turn)
    shares = np.array([np.mean(row) for row in claims])
    assert values["trace_support"] == pytest.approx(shares.mean(), abs=1e-12)
    assert values["trace_support_claim"] == pytest.approx(np.mean(np.concatenate(claims)), abs=1e-12)
    assert values["trace_support_full"] == pytest.approx(np.mean(shares == 1), abs=1e-12)
    assert values["trace_support_claims"] == pytest.approx(np.mean([len(row) for row in claims]), abs=1e-12)
    for k in range(1, 7):
        assert values[f"trace_support_turn_{k}"] == pytest.approx(shares[turn == k].mean(), abs=1e-12)
    fitted = sm.OLS(centred(shares, dialogue), centred(turn.astype(float), dialogue)).fit()
    assert values["trace_support_slope"] == pytest.approx(fitted.params[0], abs=1e-12)
    totals, counts = np.bincount(dialogue, shares), np.bincount(dialogue)
    bounds = [values[f"trace_support{end}"] for end in ("", "_lower", "_upper")]
    assert bounds == pytest.approx(share_bounds(totals, counts), abs=1e-9)


def test_traces_without_claims_do_not_count_and_unchecked_ones_lower_the_coverage() -> None:
    arguments = [[1, 0], [], None, [1, math.nan]], [1, 1, 2, 3], [1, 2, 1, 1]
    values = found(TraceSupport(detail=True), arguments[0], dialogue=arguments[1], turn=arguments[2])
    assert (values["trace_support"], values["trace_support_n"]) == (0.5, 1)
    assert values["trace_support_coverage"] == pytest.approx(1 / 3)
    zero = found(TraceSupport(missing="zero", detail=True), arguments[0], dialogue=arguments[1], turn=arguments[2])
    assert zero["trace_support"] == pytest.approx(0.5 / 3)


def test_neither_the_order_of_claims_nor_that_of_traces_matters() -> None:
    claims, dialogue, turn = _drawn(2)
    order = np.random.default_rng(3).permutation(len(turn))
    expected = found(TraceSupport(detail=True), claims, dialogue=dialogue, turn=turn)
    turned = [claims[row][::-1] for row in order]
    values = found(TraceSupport(detail=True), turned, dialogue=dialogue[order], turn=turn[order])
    assert values == pytest.approx(expected, nan_ok=True, abs=1e-12)


def test_masked_claims_do_not_count() -> None:
    masks = [[True, False], [True, True]]
    metric = TraceSupport()
    metric.update(torch.tensor([[1.0, 0.0], [1.0, 0.0]]), torch.tensor(masks), dialogue=[1, 2], turn=[1, 1])
    assert metric.compute() == 0.75


def test_whole_points_of_which_one_is_the_best_give_the_same() -> None:
    claims = [[float(value > 0.5) for value in row] for row in _drawn(4)[0]]
    _, dialogue, turn = _drawn(4)
    points = found(PointScore(best=1, detail=True), claims, dialogue=dialogue, turn=turn)
    values = found(TraceSupport(detail=True), claims, dialogue=dialogue, turn=turn)
    assert values["trace_support"] == points["point_score"]
    assert values["trace_support_claim"] == points["point_score_point"]


@pytest.mark.parametrize("wrong", [1.5, -0.25, math.inf])
def test_a_support_out_of_range_changes_nothing(wrong: float) -> None:
    metric = TraceSupport()
    metric.update([[1]], dialogue=[1], turn=[1])
    with pytest.raises(ValueError, match=f"from 0 to 1, got {wrong} at row 1"):
        metric.update([[1], [0, wrong]], dialogue=[2, 2], turn=[1, 2])
    assert metric.compute() == 1
