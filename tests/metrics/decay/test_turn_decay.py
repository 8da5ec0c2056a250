# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""TurnDecay against statsmodels, scipy and numbers worked by hand."""

import math

import numpy as np
import pytest
import statsmodels.api as sm
import torch
from scipy import stats

from imug_metrics import TurnDecay
from tests.metrics import cases
from tests.metrics.decay.ragged import centred, places

CASES = {
    "decay-within": cases.Case(TurnDecay, cases.scores),
    "decay-pooled": cases.Case(lambda **k: TurnDecay("pooled", **k), cases.scores),
    "decay-theil-sen": cases.Case(lambda **k: TurnDecay("theil-sen", **k), cases.scores, float32=True),
}


def ragged(seed: int, dialogues: int = 40) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    generator = np.random.default_rng(seed)
    dialogue, turn = places(generator, dialogues)
    scores = (
        0.8 - 0.05 * turn + 0.2 * generator.normal(size=dialogues)[dialogue] + 0.1 * generator.normal(size=len(turn))
    )
    return scores, dialogue, turn


@pytest.mark.parametrize("seed", range(4))
def test_slope_error_and_interval_equal_clustered_ols_on_within_centred_data(seed: int) -> None:
    scores, dialogue, turn = ragged(seed)
    several = np.bincount(dialogue)[dialogue] > 1
    x, y = centred(turn.astype(float), dialogue), centred(scores, dialogue)
    fit = sm.OLS(y[several], x[several]).fit(cov_type="cluster", cov_kwds={"groups": dialogue[several]}, use_t=True)
    metric = TurnDecay(detail=True)
    for part in np.array_split(np.unique(dialogue), 3):
        rows = np.isin(dialogue, part)
        metric.update(torch.tensor(scores[rows]), dialogue[rows], turn[rows])
    found = metric.compute()
    low, high = fit.conf_int()[0]
    assert found["turn_decay"].item() == pytest.approx(fit.params[0], abs=1e-10)
    assert found["turn_decay_lower"].item() == pytest.approx(low, abs=1e-10)
    assert found["turn_decay_upper"].item() == pytest.approx(high, abs=1e-10)
    clusters = len(np.unique(dialogue[several]))
    error = (found["turn_decay_upper"] - found["turn_decay"]).item() / stats.t.ppf(0.975, clusters - 1)
    assert error == pytest.approx(fit.bse[0], abs=1e-10)


def test_pooled_slope_and_error_equal_clustered_ols() -> None:
    scores, dialogue, turn = ragged(7)
    fit = sm.OLS(scores, sm.add_constant(turn.astype(float))).fit(
        cov_type="cluster", cov_kwds={"groups": dialogue, "use_correction": False}, use_t=True
    )
    metric = TurnDecay(slope="pooled", detail=True)
    metric.update(scores, dialogue, turn)
    found = metric.compute()
    clusters = len(np.unique(dialogue))
    error = (found["turn_decay_upper"] - found["turn_decay"]).item() / stats.t.ppf(0.975, clusters - 1)
    assert found["turn_decay"].item() == pytest.approx(fit.params[1], abs=1e-10)
    assert error == pytest.approx(fit.bse[1] * math.sqrt(clusters / (clusters - 1)), abs=1e-10)


def test_theil_sen_of_one_dialogue_equals_scipy() -> None:
    scores = np.random.default_rng(0).normal(size=9)
    metric = TurnDecay(slope="theil-sen", detail=True)
    metric.update(torch.tensor(scores)[None], dialogue=[3])
    found, reference = metric.compute(), stats.theilslopes(scores, np.arange(1, 10))
    values = [found[f"turn_decay{bound}"].item() for bound in ("", "_lower", "_upper")]
    assert values == pytest.approx([reference.slope, reference.low_slope, reference.high_slope], abs=1e-6)


def test_retention_half_life_and_effective_turns_by_hand() -> None:
    metric = TurnDecay(detail=True)
    metric.update(torch.tensor([[0.8, 0.4, 0.2], [0.4, 0.2, 0.1]]), dialogue=[0, 1])
    found = metric.compute()
    assert found["turn_decay_retention"].item() == pytest.approx(0.25)
    assert found["turn_decay_half_life"].item() == pytest.approx(1.0)
    assert found["turn_decay_effective_turns"].item() == 1
    assert found["turn_decay_turn_2"].item() == pytest.approx(0.3)


def test_retention_leaves_out_dialogues_without_a_first_or_a_later_score() -> None:
    metric = TurnDecay(detail=True)
    metric.update([0.8, 0.4, 0.1, 0.9, 0.7], dialogue=[0, 0, 1, 2, 2], turn=[1, 2, 1, 2, 3])
    assert metric.compute()["turn_decay_retention"].item() == pytest.approx(0.5)


def test_effective_turns_longest_takes_the_latest_turn_that_passes() -> None:
    scores = torch.tensor([[1.0, 0.5, 0.9, 0.2]] * 2)
    for longest, expected in ((False, 1), (True, 3)):
        metric = TurnDecay(detail=True, longest=longest)
        metric.update(scores)
        assert metric.compute()["turn_decay_effective_turns"].item() == expected


def test_effective_turns_get_an_interval_from_the_bootstrap_only() -> None:
    scores, dialogue, turn = ragged(1, dialogues=80)
    for bootstrap in (0, 200):
        metric = TurnDecay(detail=True, bootstrap=bootstrap)
        metric.update(scores, dialogue, turn)
        found = metric.compute()
        lower, upper = found["turn_decay_effective_turns_lower"], found["turn_decay_effective_turns_upper"]
        assert (lower <= found["turn_decay_effective_turns"] <= upper) if bootstrap else lower.isnan() and upper.isnan()


def test_bootstrap_interval_is_close_to_the_formula() -> None:
    scores, dialogue, turn = ragged(5, dialogues=300)
    found = {}
    for bootstrap in (0, 1000):
        metric = TurnDecay(detail=True, bootstrap=bootstrap)
        metric.update(scores, dialogue, turn)
        found[bootstrap] = metric.compute()
    for key in ("turn_decay", "turn_decay_mean", "turn_decay_retention", "turn_decay_half_life", "turn_decay_turn_3"):
        widths = [(found[b][f"{key}_upper"] - found[b][f"{key}_lower"]).item() for b in (0, 1000)]
        assert widths[1] == pytest.approx(widths[0], rel=0.2), key


def test_half_life_is_infinite_without_decay_and_undefined_for_means_of_zero() -> None:
    rising, failing = TurnDecay(detail=True), TurnDecay(detail=True)
    rising.update([[0.2, 0.4], [0.3, 0.4]])
    failing.update([[0.5, 0.0], [0.3, 0.0]])
    assert rising.compute()["turn_decay_half_life"].item() == math.inf
    assert failing.compute()["turn_decay_half_life"].isnan()


def test_perfect_scores_have_slope_zero_with_an_interval_of_zero() -> None:
    metric = TurnDecay(detail=True)
    metric.update(torch.ones(3, 4))
    found = metric.compute()
    assert [found[f"turn_decay{bound}"].item() for bound in ("", "_lower", "_upper")] == [0, 0, 0]


def test_missing_scores_are_skipped_or_zero() -> None:
    scores = [[1.0, math.nan, 0.8], [0.9, 0.5, 0.7]]
    skip, zero = TurnDecay(detail=True), TurnDecay(detail=True, missing="zero")
    for metric in (skip, zero):
        metric.update(scores)
    assert skip.compute()["turn_decay_turn_2"].item() == pytest.approx(0.5)
    assert zero.compute()["turn_decay_turn_2"].item() == pytest.approx(0.25)
    for metric in (skip, zero):
        assert metric.compute()["turn_decay_coverage"].item() == pytest.approx(5 / 6)
