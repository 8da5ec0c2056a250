# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Effects of features on judges against statsmodels."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from scipy import stats
from statsmodels.api import OLS

from imug_metrics.stats.judge_contrasts import contrast, feature_effects, middle_judges


def test_contrasts_against_least_squares_of_the_difference_of_two_judges() -> None:
    random = np.random.default_rng(0)
    dialogue = np.repeat(np.arange(25), 4)
    features = np.stack([np.ones(100), random.normal(0, 1, 100), random.random(100)], 1)
    scores = (
        features @ random.normal(0, 1, (3, 2))
        + random.normal(0, 0.4, (100, 2))
        + random.normal(0, 1, 25)[dialogue, None]
    )
    effects = feature_effects(*map(torch.tensor, (scores, features, dialogue)))
    fit = OLS(scores[:, 0] - scores[:, 1], features)
    groups = {"groups": dialogue, "use_correction": False}
    fit = fit.fit(cov_type="cluster", cov_kwds=groups)
    for place in range(3):
        found = contrast(effects, place, 0, torch.tensor([0.0, 1.0]), 0.95)
        assert found.value == pytest.approx(fit.params[place])
        reach = stats.t.ppf(0.975, 25 - 3) * fit.bse[place] * math.sqrt(25 / 24)
        assert (found.lower, found.upper) == pytest.approx((found.value - reach, found.value + reach))
        assert (found.outputs, found.dialogues) == (100, 25)


def test_features_that_do_not_vary_or_are_made_up_of_others_have_no_effect() -> None:
    ones, length = torch.ones(20), torch.arange(20.0)
    features = torch.stack([ones, length, 2 * length + 3, torch.zeros(20)], 1)
    effects = feature_effects(torch.rand(20, 2), features, torch.arange(20))
    assert effects.values.isnan().all(1).tolist() == [False, False, True, True]
    assert math.isnan(contrast(effects, 2, 0, torch.tensor([0.0, 1.0]), 0.95).value)


def test_outputs_that_a_judge_lacks_do_not_count() -> None:
    scores = torch.rand(20, 3)
    scores[:15, 2] = torch.nan
    assert feature_effects(scores, torch.ones(20, 1), torch.arange(20)).outputs == 5
    nothing = feature_effects(torch.full((4, 2), torch.nan), torch.ones(4, 1), torch.arange(4))
    assert nothing.outputs == 0
    assert nothing.values.isnan().all()


def test_the_middle_judge_is_found_and_unknown_ones_are_left_out() -> None:
    assert middle_judges(torch.tensor([0.3, torch.nan, 0.1, 0.2])).tolist() == [0, 0, 0, 1]
    assert middle_judges(torch.tensor([torch.nan, torch.nan])).tolist() == [0, 0]
