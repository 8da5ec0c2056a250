# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""`RepairGain` against `PairedGain`, numbers worked by hand and statsmodels."""

from __future__ import annotations

import math

import numpy as np
import pytest
import statsmodels.api as sm

from imug_metrics import PairedGain, RepairGain
from tests.metrics import cases
from tests.metrics.decay.ragged import arms, centred, found

CASES = {
    "repair-gain": cases.Case(RepairGain, cases.repairs),
}
NAN = math.nan


def _drawn(seed: int = 3) -> tuple[np.ndarray, ...]:
    """Scores after and before, costs, dialogue and turn; two of three records are made again."""
    after, before, dialogue, turn = arms(seed)
    again = np.arange(len(turn)) % 3 > 0
    costs = np.where(again, np.random.default_rng(seed).integers(1, 9, len(turn)), 0).astype(float)
    return np.where(again, after, before), before, costs, dialogue, turn


def test_every_estimate_by_hand() -> None:
    values = found(RepairGain(detail=True), [[1, 1, 0], [1, 0, 1]], [[0, 1, 1], [0, 0, 1]], [[2, 0, 4], [3, 3, 0]])
    expected = {"": 1 / 6, "_scores": 4 / 6, "_baseline": 0.5, "_better": 2 / 6, "_worse": 1 / 6, "_equal": 3 / 6}
    expected |= {"_cost": 2, "_rerun": 4 / 6, "_gain_per_cost": 1 / 12, "_turn_1": 1, "_turn_3": -0.5, "_slope": -0.75}
    for key, value in expected.items():
        assert values[f"repair_gain{key}"] == pytest.approx(value, abs=1e-12), key


def test_the_gain_is_that_of_pairs() -> None:
    after, before, costs, dialogue, turn = _drawn()
    values = found(RepairGain(detail=True), after, before, costs, dialogue=dialogue, turn=turn)
    paired = found(PairedGain(detail=True), after, before, dialogue=dialogue, turn=turn)
    shared = {key.replace("paired_gain", "repair_gain"): value for key, value in paired.items() if "ratio" not in key}
    assert {key: values[key] for key in shared} == pytest.approx(shared, nan_ok=True, abs=1e-12)


def test_the_gain_for_its_cost_is_a_regression_without_an_intercept_in_its_slope() -> None:
    after, before, costs, dialogue, turn = _drawn()
    values = found(RepairGain(detail=True), after, before, costs, dialogue=dialogue, turn=turn)
    gain = after - before
    # A ratio of sums is the slope of least squares weighed by 1 / cost, over the records that cost anything.
    paid = costs > 0
    fitted = sm.WLS(gain[paid], costs[paid], weights=1 / costs[paid]).fit(
        cov_type="cluster", cov_kwds={"groups": dialogue[paid], "use_correction": False}
    )
    assert values["repair_gain_gain_per_cost"] == pytest.approx(fitted.params[0], abs=1e-12)
    lower, upper = (values[f"repair_gain_gain_per_cost_{end}"] for end in ("lower", "upper"))
    assert (upper - lower) / 2 == pytest.approx(1.96 * fitted.bse[0], rel=0.15)
    assert (upper + lower) / 2 == pytest.approx(fitted.params[0], abs=1e-9)
    slope = sm.OLS(centred(gain, dialogue), centred(turn.astype(float), dialogue)).fit()
    assert values["repair_gain_slope"] == pytest.approx(slope.params[0], abs=1e-12)


def test_what_costs_nothing_has_no_gain_for_its_cost() -> None:
    values = found(RepairGain(detail=True), [[1, 1]], [[0, 1]], [[0, 0]])
    assert (values["repair_gain"], values["repair_gain_cost"], values["repair_gain_rerun"]) == (0.5, 0, 0)
    assert math.isnan(values["repair_gain_gain_per_cost"])


def test_an_unknown_cost_takes_its_record_out_of_the_costs_alone() -> None:
    values = found(RepairGain(detail=True), [[1, 1, 1]], [[0, 0, 1]], [[NAN, 2, 0]])
    assert values["repair_gain"] == pytest.approx(2 / 3)
    assert (values["repair_gain_cost"], values["repair_gain_rerun"], values["repair_gain_gain_per_cost"]) == (
        1,
        0.5,
        0.5,
    )


def test_records_with_one_score_are_unpaired_and_their_cost_is_not_counted() -> None:
    values = found(RepairGain(detail=True), [[1, NAN, 1]], [[0, 0, NAN]], [[2, 9, 9]])
    assert (values["repair_gain"], values["repair_gain_unpaired"], values["repair_gain_cost"]) == (1, 2, 2)
    assert values["repair_gain_coverage"] == pytest.approx(1 / 3)
    zero = found(RepairGain(missing="zero", detail=True), [[1, NAN, 1]], [[0, 0, NAN]], [[2, 9, 9]])
    assert zero["repair_gain"] == pytest.approx(2 / 3)


def test_another_unit_of_cost_moves_only_what_is_measured_in_it() -> None:
    after, before, costs, dialogue, turn = _drawn(4)
    one = found(RepairGain(detail=True), after, before, costs, dialogue=dialogue, turn=turn)
    thousand = found(RepairGain(detail=True), after, before, 1000 * costs, dialogue=dialogue, turn=turn)
    for key, value in one.items():
        factor = 1 / 1000 if "per_cost" in key else 1000 if "_cost" in key else 1
        assert thousand[key] == pytest.approx(factor * value, nan_ok=True, rel=1e-9, abs=1e-15), key


def test_bounds_keep_to_the_range_of_scores() -> None:
    metric = RepairGain(detail=True, score_range=(0, 1))
    values = found(metric, np.ones((20, 1)), np.r_[np.zeros((19, 1)), [[1.0]]], np.ones((20, 1)))
    assert values["repair_gain_upper"] <= 1
    assert metric.describe().range == "-1 to 1"


@pytest.mark.parametrize(
    ("costs", "message"),
    [([[-1, 0]], r"`costs` to lie in \[0, inf\], got -1"), ([[1]], "`costs` to have one entry for each")],
)
def test_costs_that_are_none_change_nothing(costs: list[list[float]], message: str) -> None:
    metric = RepairGain()
    metric.update([[1]], [[0]], [[1]])
    with pytest.raises(ValueError, match=message):
        metric.update([[1, 1]], [[0, 1]], costs)
    assert metric.compute() == 1


def test_scores_outside_their_range_are_refused() -> None:
    with pytest.raises(ValueError, match=r"`baseline` to lie in \[0, 1\], got 2"):
        RepairGain(score_range=(0, 1)).update([[1]], [[2]], [[1]])
