# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""PairedGain against numbers worked by hand and statsmodels."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import statsmodels.api as sm
import torch
from scipy import stats

from imug_metrics import ExposureBias, PairedGain
from imug_metrics.stats import REASONS
from tests.metrics import cases
from tests.metrics.decay.ragged import arms, centred, found
from tests.metrics.interval_reference import (
    bounds_of,
    effective,
    log_bounds,
    ratio_error,
    share_bounds,
    student_bounds,
)

CASES = {
    "paired-gain": cases.Case(PairedGain, cases.arms),
}

NAN = math.nan


def test_gain_of_every_estimate_by_hand() -> None:
    values = found(PairedGain(detail=True), [[0.9, 0.5], [0.25, 0.5]], [[0.4, 0.5], [0.5, 0.0]])
    expected = {"": 0.1875, "_turn_1": 0.125, "_turn_2": 0.25, "_scores": 0.5375, "_baseline": 0.35}
    expected |= {
        "_better": 0.5,
        "_worse": 0.25,
        "_equal": 0.25,
        "_slope": 0.125,
        "_unpaired": 0,
        "_coverage": 1,
        "_n": 4,
    }
    for key, value in expected.items():
        assert values[f"paired_gain{key}"] == pytest.approx(value, abs=1e-7), key


def test_unpaired_records_are_counted_and_change_no_estimate() -> None:
    scores, baseline, dialogue, turn = arms(3)
    for metric, name in ((PairedGain, "paired_gain"), (ExposureBias, "exposure_bias")):
        paired = found(metric(detail=True), scores, baseline, dialogue=dialogue, turn=turn)
        more = [np.r_[scores, [0.9, NAN, NAN]], np.r_[baseline, [NAN, 0.1, NAN]]]
        mixed = found(metric(detail=True), *more, dialogue=np.r_[dialogue, [99] * 3], turn=np.r_[turn, [1, 2, 3]])
        assert mixed.pop(f"{name}_unpaired") == 2
        assert paired.pop(f"{name}_unpaired") == 0
        assert mixed.pop(f"{name}_coverage") == pytest.approx(len(turn) / (len(turn) + 3))
        paired.pop(f"{name}_coverage")
        assert mixed == pytest.approx(paired, nan_ok=True, abs=1e-12)


def test_valid_speaks_of_the_first_arm_and_infinite_scores_are_absent() -> None:
    values = found(
        PairedGain(detail=True), [[0.5, 0.5, math.inf]], [[0.25, 0.25, 0.5]], valid=torch.tensor([[True, False, True]])
    )
    assert (values["paired_gain"], values["paired_gain_unpaired"]) == (0.25, 2)
    values = found(PairedGain(detail=True), [[0.5, 0.5]], [[0.25, -math.inf]])
    assert (values["paired_gain"], values["paired_gain_unpaired"]) == (0.25, 1)


def test_missing_zero_scores_the_arm_that_lacks_a_record_with_0() -> None:
    values = found(PairedGain(missing="zero", detail=True), [[0.5, 0.5, NAN]], [[0.25, NAN, 0.75]])
    assert values["paired_gain"] == pytest.approx((0.25 + 0.5 - 0.75) / 3)
    assert values["paired_gain_coverage"] == pytest.approx(1 / 3)
    assert values["paired_gain_unpaired"] == 2


def test_the_arms_differ_by_the_gain_under_either_average() -> None:
    scores, baseline, dialogue, turn = arms(4)
    scores[::7] = NAN
    by_record, by_dialogue = (
        found(PairedGain(average=average, detail=True), scores, baseline, dialogue=dialogue, turn=turn)
        for average in ("record", "dialogue")
    )
    for values in (by_record, by_dialogue):
        difference = values["paired_gain_scores"] - values["paired_gain_baseline"]
        assert values["paired_gain"] == pytest.approx(difference, abs=1e-12)
        shares = [values[f"paired_gain_{share}"] for share in ("better", "worse", "equal")]
        assert sum(shares) == pytest.approx(1, abs=1e-12)
    gains = scores - baseline
    means = [np.nanmean(gains[dialogue == d]) for d in np.unique(dialogue) if not np.isnan(gains[dialogue == d]).all()]
    assert by_dialogue["paired_gain"] == pytest.approx(np.mean(means), abs=1e-12)
    assert by_dialogue["paired_gain"] != pytest.approx(by_record["paired_gain"], abs=1e-6)


def test_the_margin_makes_small_gains_equal() -> None:
    scores, baseline = [[0.5, 0.75, 0.25]], [[0.5, 0.5, 0.5]]
    for margin, equal in ((0.0, 1 / 3), (0.25, 1.0)):
        assert found(PairedGain(margin, detail=True), scores, baseline)["paired_gain_equal"] == pytest.approx(equal)


def test_subjects_of_one_dialogue_pair_by_subject_and_form_one_cluster() -> None:
    rows = {"dialogue": [1, 1, 1, 1], "turn": [1, 1, 2, 2], "subject": [0, 1, 0, 1]}
    values = found(PairedGain(detail=True), [0.5, 1.0, 0.5, 0.0], [0.25, 0.5, 0.5, 0.5], **rows)
    assert values["paired_gain"] == pytest.approx(0.0625)
    assert values["paired_gain_slope"] == pytest.approx((-0.25 - 1.0) / 2)
    assert values["paired_gain_dialogues"] == 1


def test_wrong_arguments_of_a_gain_are_refused_by_name() -> None:
    with pytest.raises(ValueError, match="`margin`"):
        PairedGain(margin=-0.1)
    with pytest.raises(ValueError, match="`baseline` to have one entry for each of `scores`"):
        PairedGain().update([0.5, 0.5], [0.5], dialogue=[1, 1], turn=[1, 2])
    with pytest.raises(ValueError, match="`dialogue`"):
        PairedGain(bootstrap=5).update([[0.5]], [[0.5]])


def test_gains_have_any_scale() -> None:
    assert found(PairedGain(detail=True), [[1.5, -2.0]], [[0.5, 0.0]])["paired_gain"] == pytest.approx(-0.5)


@pytest.mark.parametrize("seed", range(3))
def test_gain_and_its_slope_equal_clustered_ols_of_the_differences(seed: int) -> None:
    scores, baseline, dialogue, turn = arms(seed)
    gain = scores - baseline
    values = found(PairedGain(detail=True), scores, baseline, dialogue=dialogue, turn=turn)
    several = np.bincount(dialogue)[dialogue] > 1
    x, y = centred(turn.astype(float), dialogue)[several], centred(gain, dialogue)[several]
    for key, groups, design, target in (
        ("", dialogue, np.ones_like(gain), gain),
        ("_slope", dialogue[several], x, y),
    ):
        fit = sm.OLS(target, design).fit(cov_type="cluster", cov_kwds={"groups": groups, "use_correction": False})
        varies = np.bincount(groups, design * target) != 0
        expected = student_bounds(fit.params[0], fit.bse[0], np.bincount(groups, design**2), varies)
        assert bounds_of(values, f"paired_gain{key}") == pytest.approx(expected, abs=1e-10), key


def test_where_few_dialogues_gain_or_lose_they_alone_tell_how_well_a_gain_is_known() -> None:
    baseline = np.full((40, 2), 0.5)
    scores = baseline.copy()
    scores[[3, 9, 17, 24, 31], 0] += 0.25
    values = found(PairedGain(detail=True), torch.tensor(scores), torch.tensor(baseline))
    gain = (scores - baseline).sum(1)
    expected = student_bounds(gain.sum() / 80, ratio_error(gain, np.full(40, 2)), np.full(40, 2), gain != 0)
    assert bounds_of(values, "paired_gain") == pytest.approx(expected, abs=1e-12)
    assert expected[1] < 0, "five dialogues that gain do not show one, as 40 that differ would"
    assert student_bounds(gain.sum() / 80, ratio_error(gain, np.full(40, 2)), np.full(40, 2))[1] > 0


def test_a_gain_in_one_dialogue_alone_has_no_interval() -> None:
    baseline = torch.full((40, 2), 0.5)
    scores = baseline.clone()
    scores[3, 0] = 1.0
    metric = PairedGain(detail=True)
    values = found(metric, scores, baseline)
    assert values["paired_gain"] == pytest.approx(0.5 / 80)
    assert math.isnan(values["paired_gain_lower"])
    assert "differs from 0 in fewer than 2 effective ones" in metric.reasons["paired_gain"]


@pytest.mark.parametrize("average", ["record", "dialogue"])
@pytest.mark.parametrize("score_range", [None, (0, 1)])
def test_the_ratio_has_the_delta_method_of_its_logarithm(average: str, score_range: Any) -> None:
    scores, baseline, dialogue, turn = arms(8)
    values = found(
        PairedGain(detail=True, average=average, score_range=score_range),
        scores,
        baseline,
        dialogue=dialogue,
        turn=turn,
    )
    weight = 1 / np.bincount(dialogue)[dialogue] if average == "dialogue" else np.ones(len(turn))
    weights = np.bincount(dialogue, weight)
    above, below = np.bincount(dialogue, weight * scores), np.bincount(dialogue, weight * baseline)
    parts = above / above.sum() - below / below.sum()  # of d log (sum above / sum below)
    count = effective(weights)
    half = stats.t.ppf(0.975, count - 1) * math.sqrt((parts**2).sum() * count / (count - 1))
    ratio = above.sum() / below.sum()
    expected = [ratio, ratio * math.exp(-half), ratio * math.exp(half)]
    assert bounds_of(values, "paired_gain_ratio") == pytest.approx(expected, abs=1e-10)


def test_the_arm_with_fewer_dialogues_above_0_tells_how_well_a_ratio_is_known() -> None:
    baseline = np.zeros(30)
    baseline[:4] = 1.0
    scores = np.zeros(30)
    scores[:12] = 1.0
    values = found(PairedGain(detail=True), torch.tensor(scores)[:, None], torch.tensor(baseline)[:, None])
    parts = scores / scores.sum() - baseline / baseline.sum()
    error = 3 * math.sqrt((parts**2).sum())
    expected = log_bounds(3.0, error, np.ones(30), baseline != 0)
    assert bounds_of(values, "paired_gain_ratio") == pytest.approx(expected, abs=1e-10)


def test_a_ratio_is_undefined_over_nothing_and_for_scores_below_0_and_0_where_nothing_is_left() -> None:
    for scores, baseline, ratio in (
        ([[0.5], [0.25]], [[0.0], [0.0]], NAN),
        ([[-0.5], [-0.25]], [[0.5], [0.5]], NAN),
        ([[0.0], [0.0]], [[0.5], [0.25]], 0.0),
    ):
        metric = PairedGain(detail=True)
        values = found(metric, scores, baseline)
        assert values["paired_gain_ratio"] == pytest.approx(ratio, nan_ok=True)
        assert math.isnan(values["paired_gain_ratio_lower"])
        assert metric.reasons["paired_gain_ratio"] == REASONS[3 if ratio == 0 else 1]


def test_a_range_of_scores_bounds_both_arms_and_their_difference() -> None:
    scores, baseline = [[1.0, 1.0], [1.0, 1.0], [1.0, 0.5]], [[0.0, 0.0], [0.0, 0.0], [0.0, 0.25]]
    free, ranged = PairedGain(detail=True), PairedGain(detail=True, score_range=(0, 1))
    wide, kept = found(free, scores, baseline), found(ranged, scores, baseline)
    assert wide["paired_gain_upper"] > 1
    assert kept["paired_gain_upper"] == 1
    assert kept["paired_gain_lower"] == wide["paired_gain_lower"]
    for arm, rows in (("scores", scores), ("baseline", baseline)):
        expected = share_bounds(np.sum(rows, 1), np.full(3, 2))
        assert bounds_of(kept, f"paired_gain_{arm}") == pytest.approx(expected, abs=1e-10)


def test_shares_of_pairs_have_the_bounds_of_a_share() -> None:
    scores, baseline, dialogue, turn = arms(10)
    values = found(PairedGain(0.02, detail=True), scores, baseline, dialogue=dialogue, turn=turn)
    gain = scores - baseline
    for share, rows in (("better", gain > 0.02), ("worse", gain < -0.02), ("equal", abs(gain) <= 0.02)):
        expected = share_bounds(np.bincount(dialogue, rows), np.bincount(dialogue))
        assert bounds_of(values, f"paired_gain_{share}") == pytest.approx(expected, abs=1e-10)


@pytest.mark.parametrize("arm", ["scores", "baseline"])
def test_scores_of_either_arm_outside_their_range_are_refused_before_anything_changes(arm: str) -> None:
    metric = PairedGain(score_range=(0, 1))
    metric.update([[0.5]], [[0.5]])
    before = metric.moments.clone()
    with pytest.raises(ValueError, match=rf"`{arm}` to lie in \[0, 1\], got 1.5 at row"):
        metric.update(**{"scores": [[0.5]], "baseline": [[0.5]], arm: [[1.5]]})
    assert torch.equal(metric.moments, before)
    with pytest.raises(ValueError, match="`score_range`"):
        PairedGain(score_range=(1, 1))
