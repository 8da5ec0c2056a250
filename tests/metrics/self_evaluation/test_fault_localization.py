# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""`FaultLocalization` against plain loops, and checks that look at nothing."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import statsmodels.api as sm
import torch

from imug_metrics import FaultLocalization
from tests.metrics import cases
from tests.metrics.decay.ragged import centred, found, places
from tests.metrics.interval_reference import share_bounds

CASES = {
    "fault-localization": cases.Case(FaultLocalization, cases.named_steps, rows="lists"),
}


def _drawn(seed: int = 5) -> tuple[list[list[int]], np.ndarray, np.ndarray, np.ndarray]:
    """Up to three named steps of four, the faulty one (0: none), dialogue and turn."""
    draw = np.random.default_rng(seed)
    dialogue, turn = places(draw, 50)
    named = [draw.permutation(4)[: draw.integers(0, 4)] + 1 for _ in turn]
    return [row.tolist() for row in named], draw.integers(0, 5, len(turn)), dialogue, turn


def test_every_estimate_against_a_plain_recount() -> None:
    named, faulty, dialogue, turn = _drawn()
    values = found(FaultLocalization(detail=True), named, faulty, dialogue=dialogue, turn=turn)
    right = np.array([float(row[:1] == [fault]) for row, fault in zip(named, faulty)])
    ranks = np.array([1 / (row.index(fault) + 1) if fault in row else 0 for row, fault in zip(named, faulty)])
    some = np.array([float(bool(row)) for row in named])
    is_faulty = faulty > 0
    expected = {
        "": right[is_faulty].mean(),
        "_reciprocal_rank": ranks[is_faulty].mean(),
        "_missed": 1 - some[is_faulty].mean(),
        "_false_alarm": some[~is_faulty].mean(),
        "_n": is_faulty.sum(),
        "_coverage": 1,
    }
    for key, value in expected.items():
        assert values[f"fault_localization{key}"] == pytest.approx(value, abs=1e-12), key
    of = dialogue[is_faulty]
    fitted = sm.OLS(_within(right[is_faulty], of), _within(turn[is_faulty].astype(float), of)).fit()
    assert values["fault_localization_slope"] == pytest.approx(fitted.params[0], abs=1e-12)
    totals, counts = (np.bincount(of, weights, minlength=50) for weights in (right[is_faulty], np.ones(len(of))))
    bounds = [values[f"fault_localization{end}"] for end in ("", "_lower", "_upper")]
    assert bounds == pytest.approx(share_bounds(totals[counts > 0], counts[counts > 0]), abs=1e-9)


def _within(values: np.ndarray, dialogue: np.ndarray) -> np.ndarray:
    """Values about the mean of their dialogue, of which some have none."""
    _, rows = np.unique(dialogue, return_inverse=True)
    return centred(values, rows)


@pytest.mark.parametrize(("named", "missed", "alarm"), [([], 1, 0), ([1, 2, 3, 4], 0, 1)])
def test_a_check_that_looks_at_nothing_is_exposed(named: list[int], missed: float, alarm: float) -> None:
    faulty = [3, 0, 2, 0, 4]
    values = found(FaultLocalization(detail=True), [named] * 5, faulty, dialogue=range(5), turn=[1] * 5)
    assert values["fault_localization"] == 0
    assert (values["fault_localization_missed"], values["fault_localization_false_alarm"]) == (missed, alarm)


def test_sound_traces_alone_leave_the_share_undefined() -> None:
    values = found(FaultLocalization(detail=True), [[], [1]], [0, 0], dialogue=[1, 2], turn=[1, 1])
    assert math.isnan(values["fault_localization"])
    assert math.isnan(values["fault_localization_missed"])
    assert values["fault_localization_false_alarm"] == 0.5


def test_absent_checks_and_unknown_faults_lower_the_coverage() -> None:
    arguments: list[Any] = [[[1], None, [1], [2]], [1, 1, math.nan, 1]]
    places_of = {"dialogue": [1, 2, 3, 4], "turn": [1] * 4}
    values = found(FaultLocalization(detail=True), *arguments, **places_of)
    assert (values["fault_localization"], values["fault_localization_n"]) == (0.5, 2)
    assert values["fault_localization_coverage"] == 0.5
    zero = found(FaultLocalization(missing="zero", detail=True), *arguments, **places_of)
    assert zero["fault_localization"] == pytest.approx(1 / 3)


def test_tensors_are_filled_up_with_nothing() -> None:
    named, faulty, dialogue, turn = _drawn(6)
    filled = torch.zeros(len(named), 3)
    for row, steps in enumerate(named):
        filled[row, : len(steps)] = torch.tensor(steps)
    expected = found(FaultLocalization(detail=True), named, faulty, dialogue=dialogue, turn=turn)
    for nothing in (0, math.nan):
        tensor = filled.masked_fill(filled == 0, nothing)
        values = found(FaultLocalization(detail=True), tensor, faulty, dialogue=dialogue, turn=turn)
        assert values == pytest.approx(expected, nan_ok=True, abs=1e-12)


def test_a_step_that_is_named_behind_nothing_is_named_first() -> None:
    values = found(FaultLocalization(detail=True), torch.tensor([[0, 3]]), [3], dialogue=[1], turn=[1])
    assert (values["fault_localization"], values["fault_localization_reciprocal_rank"]) == (1, 1)


def test_a_step_that_is_named_twice_counts_where_it_is_named_first() -> None:
    values = found(FaultLocalization(detail=True), [[2, 3, 3]], [3], dialogue=[1], turn=[1])
    assert values["fault_localization_reciprocal_rank"] == 0.5


@pytest.mark.parametrize(
    ("preds", "target", "message"),
    [
        ([[1], [1.5]], [1, 1], "`preds` to hold numbers of steps, whole and from 0, got 1.5 at row 1"),
        ([[1], [-1]], [1, 1], "`preds` .* got -1.0 at row 1"),
        ([[1], [2]], [1, 0.5], "`target` .* got 0.5 at row 1"),
        ([["task"], [2]], [1, 1], "`preds` to hold real numbers, got 'task' at row 0"),
    ],
)
def test_what_is_no_step_changes_nothing(preds: Any, target: Any, message: str) -> None:
    metric = FaultLocalization()
    metric.update([[1]], [1], dialogue=[1], turn=[1])
    with pytest.raises(ValueError, match=message):
        metric.update(preds, target, dialogue=[2, 2], turn=[1, 2])
    assert metric.compute() == 1
