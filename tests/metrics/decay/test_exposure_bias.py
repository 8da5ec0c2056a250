# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""ExposureBias against numbers worked by hand and statsmodels."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import statsmodels.api as sm
import torch

from imug_metrics import ExposureBias, PairedGain
from imug_metrics.functional import exposure_bias
from imug_metrics.stats import delta_interval, unpack_moments
from tests.metrics import cases
from tests.metrics.decay.ragged import arms, found
from tests.metrics.interval_reference import bounds_of, log_bounds

CASES = {
    "exposure-bias": cases.Case(ExposureBias, cases.arms),
    "exposure-bias-horizon": cases.Case(lambda **k: ExposureBias(horizon=3, **k), cases.arms),
}

NAN = math.nan

OWN = torch.tensor([[0.8, 0.5, 0.2], [0.6, 0.5, 0.4]])

REFERENCE = torch.tensor([[0.8, 0.7, 0.8], [0.6, 0.7, 0.6]])


def test_accumulated_error_algebra_by_hand() -> None:
    # Mean losses: own 0.3, 0.5, 0.7; reference 0.3, 0.3, 0.3. R = 0.3, 0.8, 1.5; E = 0.3, 0.6, 0.9.
    values = found(ExposureBias(detail=True), OWN, REFERENCE)
    expected = {"": 200 / 3, "_excess_1": 0, "_excess_2": 100 / 3, "_excess_3": 200 / 3, "_accumulated": 3 * 1.5 / 0.9}
    expected |= {
        "_mean": 0.2,
        "_turn_1": 0,
        "_turn_2": 0.2,
        "_turn_3": 0.4,
        "_slope": 0.2,
        "_scores": 0.5,
        "_baseline": 0.7,
    }
    for key, value in expected.items():
        assert values[f"exposure_bias{key}"] == pytest.approx(value, abs=1e-5), key


def test_means_by_turn_are_weighed_alike_whatever_number_of_dialogues_reaches_them() -> None:
    own, reference = [[0.5, 0.5], [0.5, NAN], [0.5, NAN]], [[0.5, 1.0], [0.5, NAN], [0.5, NAN]]
    turn = [[1, 2], [1, 0], [1, 0]]
    values = found(ExposureBias(detail=True), own, reference, turn=turn)
    assert values["exposure_bias"] == pytest.approx(100 * (1.0 / 0.5 - 1))  # R = 0.5 + 0.5, E = 0.5 + 0


@pytest.mark.parametrize("horizon", [1, 2, 3])
def test_the_horizon_is_the_turn_at_which_the_excess_is_read(horizon: int) -> None:
    whole = found(ExposureBias(detail=True), OWN, REFERENCE)
    values = found(ExposureBias(horizon=horizon, detail=True), OWN, REFERENCE)
    expected = bounds_of(whole, f"exposure_bias_excess_{horizon}")
    assert bounds_of(values, "exposure_bias") == pytest.approx(expected, nan_ok=True, abs=1e-12)
    assert math.isnan(expected[1]) == (horizon == 1), "at turn 1 both dialogues have no excess at all"
    assert exposure_bias(OWN, REFERENCE, horizon=horizon).item() == pytest.approx(values["exposure_bias"], abs=1e-12)


def test_a_horizon_that_no_pair_reaches_is_undefined() -> None:
    values = found(ExposureBias(horizon=4, detail=True), OWN, REFERENCE)
    assert math.isnan(values["exposure_bias"])
    assert math.isnan(values["exposure_bias_accumulated"])
    assert exposure_bias(OWN, REFERENCE, horizon=4).isnan()


def test_a_reference_arm_without_errors_makes_the_excess_undefined_not_infinite() -> None:
    metric = ExposureBias(detail=True)
    values = found(metric, [[1.0, 0.5]], [[1.0, 1.0]])
    assert all(math.isnan(values[f"exposure_bias{end}"]) for end in ("", "_lower", "_upper", "_accumulated"))
    assert values["exposure_bias_mean"] == 0.25, "the gap is defined all the same"
    assert values["exposure_bias_coverage"] == 1


def test_equal_arms_have_no_excess_and_accumulate_as_many_errors_as_turns() -> None:
    values = found(ExposureBias(detail=True), REFERENCE, REFERENCE)
    assert values["exposure_bias"] == 0
    assert values["exposure_bias_accumulated"] == 3


def test_turns_without_a_pair_are_left_out_of_both_sums() -> None:
    dialogue, turn = [0, 0, 1, 1], [2, 4, 2, 4]
    own = [0.5, 0.375, 0.5, 0.125]
    values = found(ExposureBias(detail=True), own, [0.75, 0.75, 0.5, 1.0], dialogue=dialogue, turn=turn)
    assert values["exposure_bias"] == pytest.approx(100 * (1.25 / 0.5 - 1))
    assert values["exposure_bias_accumulated"] == pytest.approx(2 * 1.25 / 0.5)
    assert math.isnan(values["exposure_bias_excess_3"])
    at_3 = found(ExposureBias(horizon=3, detail=True), own, [0.75, 0.75, 0.5, 1.0], dialogue=dialogue, turn=turn)
    assert at_3["exposure_bias"] == pytest.approx(values["exposure_bias_excess_2"])
    assert at_3["exposure_bias_upper"] == pytest.approx(values["exposure_bias_excess_2_upper"])


def test_turns_beyond_max_turns_count_in_the_gap_but_not_in_the_sums() -> None:
    values = found(ExposureBias(max_turns=2, detail=True), OWN, REFERENCE)
    assert values["exposure_bias"] == pytest.approx(100 / 3, abs=1e-5)
    assert values["exposure_bias_mean"] == pytest.approx(0.2, abs=1e-6)


@pytest.mark.parametrize(
    ("scores", "baseline", "rows", "message"),
    [
        (
            [0.5, 1.5],
            [0.5, 0.5],
            {"dialogue": [1, 0], "turn": [1, 1]},
            r"`scores` to lie in \[0, 1\], got 1.5 at row 1\.",
        ),
        (
            [0.5, 0.5],
            [0.5, -2],
            {"dialogue": [1, 0], "turn": [1, 1]},
            r"`baseline` to lie in \[0, 1\], got -2 at row 1\.",
        ),
        ([[0, 0, 7], [0, 0, 2]], [[0, 0, 0]] * 2, {"turn": [[1, 2, 3]] * 2}, r"got 7 at row \[0, 2\]\."),
    ],
)
def test_scores_outside_0_to_1_are_refused_by_row_before_anything_changes(
    scores: Any, baseline: Any, rows: dict[str, Any], message: str
) -> None:
    metric = ExposureBias()
    metric.update(OWN, REFERENCE)
    before = metric.moments.clone()
    with pytest.raises(ValueError, match=message):
        metric.update(torch.tensor(scores), torch.tensor(baseline), **rows)
    assert torch.equal(metric.moments, before)
    with pytest.raises(ValueError, match=message):
        exposure_bias(torch.tensor(scores), torch.tensor(baseline), **rows)


def test_rounding_beyond_1_and_absent_outputs_outside_are_no_error() -> None:
    ExposureBias().update([[1 + 1e-7, 0.5]], [[0.5, 0.5]])
    ExposureBias().update([[-1.0, 0.5]], [[0.5, 0.5]], valid=torch.tensor([[False, True]]))


@pytest.mark.parametrize("horizon", [0, 17, 2.5])
def test_a_horizon_outside_the_curve_is_refused(horizon: Any) -> None:
    with pytest.raises(ValueError, match="`horizon` to be from 1 to `max_turns`, 16"):
        ExposureBias(horizon=horizon)


def test_missing_zero_scores_an_absent_own_output_with_0() -> None:
    excess = found(ExposureBias(missing="zero", detail=True), [[0.5, NAN]], [[0.5, 0.75]])["exposure_bias"]
    assert excess == pytest.approx(100 * (1.5 / 0.75 - 1))


def test_excess_and_its_error_equal_the_delta_method_on_clustered_ols() -> None:
    own, reference, dialogue, turn = arms(6, 80)
    last = 4
    # One dummy for every arm and turn: the coefficients are the mean losses, their covariance is clustered by dialogue.
    rows = turn <= last
    column = np.r_[turn[rows] - 1, turn[rows] - 1 + last]
    losses, groups = 1 - np.r_[own[rows], reference[rows]], np.r_[dialogue[rows], dialogue[rows]]
    fit = sm.OLS(losses, np.eye(2 * last)[column]).fit(
        cov_type="cluster", cov_kwds={"groups": groups, "use_correction": False}
    )
    r, e = fit.params[:last].sum(), fit.params[last:].sum()
    gradient = 100 * np.r_[np.full(last, 1 / e), np.full(last, -r / e**2)]
    reached = len(np.unique(dialogue[turn == last]))
    error = math.sqrt(gradient @ fit.cov_params() @ gradient * reached / (reached - 1))

    metric = ExposureBias(horizon=last, detail=True)
    metric.update(own, reference, dialogue=dialogue, turn=turn)
    names = metric._estimate_names()
    ours = delta_interval(metric._estimates, unpack_moments(metric.moments), metric._support(names))
    row = names.index("excess")
    assert ours.value[row].item() == pytest.approx(100 * (r / e - 1), abs=1e-9)
    assert ours.error[row].item() == pytest.approx(error, abs=1e-9)
    # An excess is at least -100: its bounds are symmetric in the logarithm, and those dialogues that reach T count.
    here = np.bincount(dialogue[turn == last], minlength=80)
    expected = log_bounds(100 * (r / e - 1), error * math.sqrt((reached - 1) / reached), here, low=-100)
    assert bounds_of(metric.compute(), "exposure_bias") == pytest.approx(expected, abs=1e-8)


def test_gap_is_the_paired_gain_of_the_reference_over_the_own_arm() -> None:
    own, reference, dialogue, turn = arms(7)
    gain = found(PairedGain(detail=True), reference, own, dialogue=dialogue, turn=turn)
    bias = found(ExposureBias(detail=True), own, reference, dialogue=dialogue, turn=turn)
    for end in ("", "_lower", "_upper"):
        assert bias[f"exposure_bias_mean{end}"] == pytest.approx(gain[f"paired_gain{end}"], abs=1e-12)
        for key in ("_slope", "_turn_4"):
            assert bias[f"exposure_bias{key}{end}"] == pytest.approx(gain[f"paired_gain{key}{end}"], abs=1e-12)


def test_bootstrap_interval_is_close_to_the_formula() -> None:
    own, reference, dialogue, turn = arms(9, 300)
    widths = []
    for bootstrap in (0, 1000):
        values = found(ExposureBias(detail=True, bootstrap=bootstrap), own, reference, dialogue=dialogue, turn=turn)
        widths.append(
            [values[f"exposure_bias{k}_upper"] - values[f"exposure_bias{k}_lower"] for k in ("", "_excess_3")]
        )
    assert widths[1] == pytest.approx(widths[0], rel=0.2)


def test_both_draw_their_curve_over_turns() -> None:
    pyplot = pytest.importorskip("matplotlib.pyplot")
    for metric in (PairedGain(detail=True), ExposureBias(detail=True)):
        metric.update(OWN, REFERENCE)
        figure, axis = metric.plot()
        assert axis.lines[0].get_xdata().tolist() == [1, 2, 3]
        pyplot.close(figure)
