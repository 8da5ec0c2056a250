# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Reliability: what it averages, what it leaves out, and its interval."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from imug_metrics import Reliability
from imug_metrics.functional import reliability
from tests.metrics import cases

CASES = {
    "reliability": cases.Case(Reliability, cases.runs),
}

NAN = math.nan


def test_metric_averages_items_and_draws_aptitude_and_reliability_by_turn() -> None:
    generator = np.random.default_rng(0)
    scores, turn, dialogue = generator.random((60, 10)), np.tile([1, 2, 3], 20), np.repeat(np.arange(20), 3)
    low, high = np.percentile(scores, [10, 90], axis=1)
    metric = Reliability(detail=True)
    metric.update(torch.tensor(scores), dialogue=dialogue, turn=turn)
    found = metric.compute()
    spread = high - low
    for key, values in (
        ("", 1 - spread),
        ("_aptitude", high),
        ("_unreliability", spread),
        ("_average", scores.mean(1)),
    ):
        assert found[f"reliability{key}"].item() == pytest.approx(values.mean()), key
    for k in (1, 2, 3):
        assert found[f"reliability_turn_{k}"].item() == pytest.approx(1 - spread[turn == k].mean())
        assert found[f"reliability_aptitude_turn_{k}"].item() == pytest.approx(high[turn == k].mean())
    assert found["reliability_aptitude_turn_4"].isnan()


def test_interval_is_that_of_dialogues_means() -> None:
    scores = torch.rand(30, 2, 8, generator=torch.Generator().manual_seed(1))
    metric = Reliability(detail=True)
    metric.update(scores)
    found = metric.compute()
    means = reliability(scores, reduction="none").mean(1)
    half = 2.045229642132703 * means.std() / math.sqrt(30)  # Student's t with 29 degrees of freedom
    assert (found["reliability_upper"] - found["reliability"]).item() == pytest.approx(half.item())


def test_runs_that_failed_are_left_out_and_two_are_needed() -> None:
    runs = [[0.2, NAN, 0.4], [0.9, NAN, NAN], [NAN] * 3]
    metric = Reliability(detail=True)
    metric.update(runs, dialogue=[0, 1, 2], turn=[1, 1, 1])
    found = metric.compute()
    assert found["reliability"].item() == pytest.approx(1 - 0.8 * 0.2)
    assert found["reliability_coverage"].item() == pytest.approx(1 / 3)


def test_missing_zero_counts_failed_runs_and_failed_records_as_zero() -> None:
    metric = Reliability(detail=True, missing="zero")
    metric.update(
        [[1.0, NAN], [0.5, 0.5], [0.7, 0.9]],
        dialogue=[0, 1, 2],
        turn=[1, 1, 1],
        valid=torch.tensor([True, True, False]),
    )
    found = metric.compute()
    assert found["reliability_aptitude"].item() == pytest.approx((0.9 + 0.5 + 0) / 3)
    assert found["reliability"].item() == pytest.approx((0.2 + 1 + 1) / 3), "what always fails does not stray"
    assert found["reliability_coverage"].item() == pytest.approx(2 / 3)
    assert found["reliability_n"].item() == 3


def test_shapes_and_options_are_checked() -> None:
    for scores in ([0.1, 0.2], [[0.1], [0.2]]):
        with pytest.raises(ValueError, match="`scores`"):
            Reliability().update(scores, dialogue=[0, 1], turn=[1, 1])
    with pytest.raises(ValueError, match="`method`"):
        Reliability("cubic")
