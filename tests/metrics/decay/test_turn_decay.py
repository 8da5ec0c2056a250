# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""TurnDecay against statsmodels, scipy and numbers worked by hand."""

import math
from typing import Any

import numpy as np
import pytest
import statsmodels.api as sm
import torch
from scipy import stats

from imug_metrics import TurnDecay
from imug_metrics.functional.decay.turn_decay import Slope
from imug_metrics.stats import REASONS
from tests.metrics import cases
from tests.metrics.decay.ragged import centred, places
from tests.metrics.interval_reference import bounds_of, effective, ratio_error, share_bounds, student_bounds

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
    fit = sm.OLS(y[several], x[several]).fit(
        cov_type="cluster", cov_kwds={"groups": dialogue[several], "use_correction": False}
    )
    metric = TurnDecay(detail=True)
    for part in np.array_split(np.unique(dialogue), 3):
        rows = np.isin(dialogue, part)
        metric.update(torch.tensor(scores[rows]), dialogue=dialogue[rows], turn=turn[rows])
    found = metric.compute()
    expected = student_bounds(fit.params[0], fit.bse[0], np.bincount(dialogue, x**2))
    assert bounds_of(found, "turn_decay") == pytest.approx(expected, abs=1e-10)


def test_interval_of_dialogues_of_one_length_equals_clustered_ols_as_it_is() -> None:
    generator = np.random.default_rng(11)
    dialogue, turn = places(generator, 15, least=4, most=4)
    scores = 0.2 * generator.normal(size=15)[dialogue] + 0.1 * generator.normal(size=len(turn))
    x, y = centred(turn.astype(float), dialogue), centred(scores, dialogue)
    fit = sm.OLS(y, x).fit(cov_type="cluster", cov_kwds={"groups": dialogue}, use_t=True)
    metric = TurnDecay(detail=True)
    metric.update(scores, dialogue=dialogue, turn=turn)
    # statsmodels' factor is G / (G - 1) * (N - 1) / (N - K), and K = 1.
    assert bounds_of(metric.compute(), "turn_decay") == pytest.approx([fit.params[0], *fit.conf_int()[0]], abs=1e-10)


def test_pooled_slope_and_error_equal_clustered_ols() -> None:
    scores, dialogue, turn = ragged(7)
    fit = sm.OLS(scores, sm.add_constant(turn.astype(float))).fit(
        cov_type="cluster", cov_kwds={"groups": dialogue, "use_correction": False}
    )
    metric = TurnDecay(slope="pooled", detail=True)
    metric.update(scores, dialogue=dialogue, turn=turn)
    weights = np.bincount(dialogue, (turn - turn.mean()) ** 2)
    # A line fits two parameters; how well its spread is known is told by the slopes within dialogues.
    within = np.bincount(dialogue, centred(turn.astype(float), dialogue) ** 2)
    expected = student_bounds(fit.params[1], fit.bse[1], weights, within, fitted=2)
    assert bounds_of(metric.compute(), "turn_decay") == pytest.approx(expected, abs=1e-10)


def test_theil_sen_of_one_dialogue_equals_scipy_and_has_no_interval() -> None:
    scores = np.random.default_rng(0).normal(size=9)
    metric = TurnDecay(slope="theil-sen", detail=True)
    metric.update(torch.tensor(scores)[None], dialogue=[3])
    value, lower, upper = bounds_of(metric.compute(), "turn_decay")
    assert value == pytest.approx(stats.theilslopes(scores, np.arange(1, 10)).slope, abs=1e-6)
    assert math.isnan(lower)
    assert math.isnan(upper)
    assert metric.reasons["turn_decay"] == REASONS[2]


@pytest.mark.parametrize("seed", range(3))
def test_theil_sen_is_bounded_by_the_slopes_that_a_test_of_signs_by_dialogue_takes_for_the_median(seed: int) -> None:
    scores, dialogue, turn = ragged(seed, dialogues=12)
    metric = TurnDecay(slope="theil-sen", detail=True)
    for part in np.array_split(np.unique(dialogue), 3):
        rows = np.isin(dialogue, part)
        metric.update(torch.tensor(scores[rows]), dialogue=dialogue[rows], turn=turn[rows])
    pairs = [(i, j) for i in range(len(turn)) for j in range(i + 1, len(turn)) if dialogue[i] == dialogue[j]]
    first, second = np.array(pairs).T
    slopes, owner = (scores[second] - scores[first]) / (turn[second] - turn[first]), dialogue[first]
    weights = np.bincount(owner).astype(float)
    count = effective(weights)
    quantile = stats.t.ppf(0.975, count - 1)

    def accepted(slope: float) -> bool:
        signs = np.bincount(owner, np.sign(slopes - slope))
        error = ratio_error(signs, weights) * math.sqrt(count / (count - 1))
        return bool(abs(signs.sum() / weights.sum()) <= quantile * error)

    values = np.sort(slopes)
    kept = [place for place in range(len(values) - 1) if accepted(values[place : place + 2].mean())]
    expected = [np.median(slopes), values[kept[0]], values[kept[-1] + 1]]
    assert bounds_of(metric.compute(), "turn_decay") == pytest.approx(expected, abs=1e-6)
    assert "turn_decay" not in metric.reasons


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
        metric.update(scores, dialogue=dialogue, turn=turn)
        found = metric.compute()
        lower, upper = found["turn_decay_effective_turns_lower"], found["turn_decay_effective_turns_upper"]
        assert (lower <= found["turn_decay_effective_turns"] <= upper) if bootstrap else lower.isnan() and upper.isnan()


def test_bootstrap_interval_is_close_to_the_formula() -> None:
    scores, dialogue, turn = ragged(5, dialogues=300)
    found = {}
    for bootstrap in (0, 1000):
        metric = TurnDecay(detail=True, bootstrap=bootstrap)
        metric.update(scores, dialogue=dialogue, turn=turn)
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


@pytest.mark.parametrize("slope", ["within", "pooled", "theil-sen"])
def test_perfect_scores_have_slope_zero_and_no_interval_of_width_zero(slope: Slope) -> None:
    metric = TurnDecay(slope, detail=True)
    metric.update(torch.ones(3, 4))
    value, lower, upper = bounds_of(metric.compute(), "turn_decay")
    assert value == 0
    assert math.isnan(lower)
    assert math.isnan(upper)
    assert metric.reasons["turn_decay"].startswith("it is the same in all dialogues")


def test_one_long_dialogue_among_short_ones_is_one_dialogue_to_a_slope() -> None:
    """24 dialogues of 2 turns and one of 30: nearly all that is known of a slope is known from one dialogue."""
    generator = np.random.default_rng(0)
    dialogue = np.repeat(np.arange(25), [2] * 24 + [30])
    turn = np.concatenate([np.arange(1, n + 1) for n in np.bincount(dialogue)])
    metric = TurnDecay(detail=True)
    metric.update(generator.normal(size=len(turn)), dialogue=dialogue, turn=turn)
    found = metric.compute()
    assert effective(np.bincount(dialogue, centred(turn.astype(float), dialogue) ** 2)) < 1.02
    assert found["turn_decay_lower"].isnan()
    assert metric.reasons["turn_decay"] == "fewer than 2 effective dialogues carry it"
    assert not found["turn_decay_mean_lower"].isnan(), "six effective dialogues carry the mean"


def test_why_the_median_slope_has_no_bounds_is_told_of_itself_and_not_of_the_slope_beside_it() -> None:
    """24 dialogues of 2 turns and one of 8 are several to pairs of turns, and one to the squares of turns."""
    generator = np.random.default_rng(0)
    dialogue = np.repeat(np.arange(25), [2] * 24 + [8])
    turn = np.concatenate([np.arange(1, n + 1) for n in np.bincount(dialogue)])
    metric = TurnDecay("theil-sen", detail=True)
    metric.update(generator.normal(size=len(turn)), dialogue=dialogue, turn=turn)
    found = metric.compute()
    assert not found["turn_decay_lower"].isnan()
    assert found["turn_decay_slope_lower"].isnan()
    assert "turn_decay" not in metric.reasons
    assert metric.reasons["turn_decay_slope"] == "fewer than 2 effective dialogues carry it"


def test_means_within_a_range_have_the_bounds_of_a_share_and_others_those_of_student() -> None:
    generator = np.random.default_rng(3)
    dialogue, turn = places(generator, 20)
    scores = (generator.random(len(turn)) < 0.95).astype(float)
    counts, totals = np.bincount(dialogue), np.bincount(dialogue, scores)
    plain, ranged = TurnDecay(detail=True), TurnDecay(detail=True, score_range=(0, 1))
    for metric in (plain, ranged):
        metric.update(scores, dialogue=dialogue, turn=turn)
    found, mean = ranged.compute(), totals.sum() / counts.sum()
    assert bounds_of(found, "turn_decay_mean") == pytest.approx(share_bounds(totals, counts), abs=1e-10)
    second = turn == 2
    curve = share_bounds(scores[second], np.ones(second.sum()))
    assert bounds_of(found, "turn_decay_turn_2") == pytest.approx(curve, abs=1e-10)
    unranged = student_bounds(mean, ratio_error(totals, counts), counts, totals != 0)
    assert bounds_of(plain.compute(), "turn_decay_mean") == pytest.approx(unranged, abs=1e-10)
    assert unranged[2] > 1, "so that the range matters"


def test_bounds_of_a_mean_move_with_the_range_of_its_scores() -> None:
    generator = np.random.default_rng(5)
    dialogue, turn = places(generator, 15)
    grades = generator.integers(1, 6, len(turn)).astype(float)
    counts, totals = np.bincount(dialogue), np.bincount(dialogue, grades)
    metric = TurnDecay(detail=True, score_range=(1, 5))
    metric.update(grades, dialogue=dialogue, turn=turn)
    expected = share_bounds(totals, counts, 1, 5)
    assert bounds_of(metric.compute(), "turn_decay_mean") == pytest.approx(expected, abs=1e-10)


@pytest.mark.parametrize("wrong", [1.2, -0.1])
def test_scores_outside_their_range_are_refused_before_anything_changes(wrong: float) -> None:
    metric = TurnDecay(score_range=(0, 1))
    metric.update([[0.4, 0.5]])
    before = metric.moments.clone()
    with pytest.raises(ValueError, match=rf"`scores` to lie in \[0, 1\], got {wrong} at row \[0, 1\]"):
        metric.update([[0.5, wrong]])
    assert torch.equal(metric.moments, before)
    TurnDecay().update([[0.5, wrong]])


@pytest.mark.parametrize("ends", [(1, 0), (0, 0), (0,), "01", (0, math.nan)])
def test_a_range_has_two_ends_that_rise(ends: Any) -> None:
    with pytest.raises(ValueError, match="`score_range` to be two numbers"):
        TurnDecay(score_range=ends)


def test_missing_scores_are_skipped_or_zero() -> None:
    scores = [[1.0, math.nan, 0.8], [0.9, 0.5, 0.7]]
    skip, zero = TurnDecay(detail=True), TurnDecay(detail=True, missing="zero")
    for metric in (skip, zero):
        metric.update(scores)
    assert skip.compute()["turn_decay_turn_2"].item() == pytest.approx(0.5)
    assert zero.compute()["turn_decay_turn_2"].item() == pytest.approx(0.25)
    for metric in (skip, zero):
        assert metric.compute()["turn_decay_coverage"].item() == pytest.approx(5 / 6)
