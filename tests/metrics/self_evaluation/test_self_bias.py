# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""SelfBias against numpy and the definition of distance skewness written out over all pairs."""

import numpy as np
import pytest
import torch

from imug_metrics import SelfBias
from imug_metrics.stats.correlation import distance_skewness
from tests.metrics import cases

CASES = {
    "self-bias": cases.Case(SelfBias, cases.self_scores),
    "self-bias-skewness": cases.Case(lambda **k: SelfBias(skewness=True, **k), cases.self_scores, float32=True),
}


def by_pairs(values: np.ndarray) -> float:
    across = np.abs(values[:, None] + values).sum()
    return 1 - np.abs(values[:, None] - values).sum() / across if across else 0.0


@pytest.mark.parametrize("shift", [0.0, 0.4, -3.0])
def test_distance_skewness_equals_the_sum_over_all_pairs(shift: float) -> None:
    values = np.random.default_rng(3).normal(shift, 1, 200).round(1)  # with ties
    assert distance_skewness(torch.tensor(values)).item() == pytest.approx(by_pairs(values), abs=1e-12)


def test_distance_skewness_at_its_ends() -> None:
    assert distance_skewness(torch.tensor([-2.0, -1.0, 1.0, 2.0])).item() == 0
    assert distance_skewness(torch.tensor([0.3, 0.3])).item() == pytest.approx(1)
    assert distance_skewness(torch.zeros(4)).item() == 0, "0 where the denominator is 0"
    assert distance_skewness(torch.zeros(0)).isnan()


def test_bias_by_turn_slope_and_skewness() -> None:
    scores, references = [[0.5, 0.7, 0.9], [0.4, 0.5, 0.6]], [[0.5, 0.6, 0.7], [0.4, 0.4, 0.4]]
    metric = SelfBias(detail=True, skewness=True)
    for row in range(2):
        metric.update([scores[row]], [references[row]], dialogue=[row])
    found = metric.compute()
    values = [found[f"self_bias{key}"].item() for key in ("", "_turn_1", "_turn_3", "_slope")]
    assert values == pytest.approx([0.1, 0, 0.2, 0.1])
    differences = (np.array(scores) - references).flatten()
    assert found["self_bias_distance_skewness"].item() == pytest.approx(by_pairs(differences), abs=1e-6)


def test_a_model_that_grows_fond_of_itself_is_told_from_one_that_is_steady() -> None:
    generator = np.random.default_rng(0)
    reference = generator.random((150, 5))
    for growth, grows in ((0.05, True), (0.0, False)):
        own = reference + 0.1 + growth * np.arange(5) + 0.1 * generator.normal(size=(150, 5))
        metric = SelfBias(detail=True)
        metric.update(torch.tensor(own), torch.tensor(reference))
        found = metric.compute()
        assert found["self_bias_lower"] > 0
        assert bool(found["self_bias_slope_lower"] > 0) == grows


def test_an_unknown_reference_and_an_absent_score_lower_the_coverage() -> None:
    metric = SelfBias(detail=True)
    metric.update([[0.5, float("nan"), 0.9]], [[0.4, 0.5, float("nan")]], turn=[1, 2, 3])
    assert metric.compute()["self_bias_coverage"].item() == pytest.approx(1 / 3)
    assert metric.compute()["self_bias"].item() == pytest.approx(0.1)


@pytest.mark.parametrize("unknown", [float("inf"), -float("inf"), float("nan")])
def test_an_infinite_reference_is_not_known(unknown: float) -> None:
    metric = SelfBias(detail=True)
    metric.update([[0.5, 0.7]], [[0.4, unknown]], turn=[1, 2])
    assert metric.compute()["self_bias"].item() == pytest.approx(0.1)
    assert metric.compute()["self_bias_coverage"].item() == 0.5
