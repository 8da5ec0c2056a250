# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""PairedGain against numbers worked by hand and statsmodels."""

from __future__ import annotations

import math

import numpy as np
import pytest
import statsmodels.api as sm
import torch

from imug_metrics import ExposureBias, PairedGain
from tests.metrics import cases
from tests.metrics.decay.ragged import arms, centred, found

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
        paired = found(metric(detail=True), scores, baseline, dialogue, turn)
        more = [np.r_[scores, [0.9, NAN, NAN]], np.r_[baseline, [NAN, 0.1, NAN]], np.r_[dialogue, [99] * 3]]
        mixed = found(metric(detail=True), *more, np.r_[turn, [1, 2, 3]])
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
        found(PairedGain(average=average, detail=True), scores, baseline, dialogue, turn)
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
        PairedGain().update([0.5, 0.5], [0.5], [1, 1], [1, 2])
    with pytest.raises(ValueError, match="`dialogue`"):
        PairedGain(bootstrap=5).update([[0.5]], [[0.5]])


def test_gains_have_any_scale() -> None:
    assert found(PairedGain(detail=True), [[1.5, -2.0]], [[0.5, 0.0]])["paired_gain"] == pytest.approx(-0.5)


@pytest.mark.parametrize("seed", range(3))
def test_gain_and_its_slope_equal_clustered_ols_of_the_differences(seed: int) -> None:
    scores, baseline, dialogue, turn = arms(seed)
    gain = scores - baseline
    values = found(PairedGain(detail=True), scores, baseline, dialogue, turn)
    several = np.bincount(dialogue)[dialogue] > 1
    x, y = centred(turn.astype(float), dialogue)[several], centred(gain, dialogue)[several]
    fits = {
        "": sm.OLS(gain, np.ones_like(gain)).fit(cov_type="cluster", cov_kwds={"groups": dialogue}, use_t=True),
        "_slope": sm.OLS(y, x).fit(cov_type="cluster", cov_kwds={"groups": dialogue[several]}, use_t=True),
    }
    for key, fit in fits.items():
        expected = [fit.params[0], *fit.conf_int()[0]]
        ours = [values[f"paired_gain{key}{end}"] for end in ("", "_lower", "_upper")]
        assert ours == pytest.approx(expected, abs=1e-10), key
