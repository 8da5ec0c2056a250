# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""The mean of rows by dialogue against a metric and statsmodels."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from statsmodels.api import OLS

from imug_metrics import TurnDecay
from imug_metrics.stats.clustered_mean import clustered_mean


def test_against_a_metric_and_the_cluster_robust_error_of_statsmodels() -> None:
    random = np.random.default_rng(0)
    dialogue = np.repeat(np.arange(30), 4)
    values = random.normal(0, 1, 30)[dialogue] + random.normal(0, 0.5, 120)
    found = clustered_mean(torch.tensor(values), torch.tensor(dialogue))
    fit = OLS(values, np.ones((120, 1))).fit(cov_type="cluster", cov_kwds={"groups": dialogue, "df_correction": False})
    assert float(found.value) == pytest.approx(values.mean())
    error = float(fit.bse[0])
    assert float(found.error) == pytest.approx(error * np.sqrt(30 / 29), rel=0.02)
    metric = TurnDecay(detail=True)
    metric.update(torch.tensor(values).view(30, 4))
    told = metric.compute()
    ends = [float(told[f"turn_decay_mean{end}"]) for end in ("", "_lower", "_upper")]
    assert [float(part) for part in (found.value, found.lower, found.upper)] == pytest.approx(ends)


def test_rows_without_a_value_do_not_count() -> None:
    values = torch.tensor([1.0, torch.nan, 0.0, torch.nan])
    assert float(clustered_mean(values, torch.tensor([0, 0, 1, 2]), low=0.0, high=1.0).value) == 0.5
    assert clustered_mean(values[1:2], torch.tensor([0])).value.isnan()
    assert clustered_mean(values[:0], torch.zeros(0, dtype=torch.int64)).value.isnan()
