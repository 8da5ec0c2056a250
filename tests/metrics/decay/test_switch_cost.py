# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""SwitchCost against statsmodels and numbers worked by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest
import statsmodels.api as sm
import torch

from imug_metrics import SwitchCost
from imug_metrics.functional import switch_cost
from imug_metrics.stats.intervals import COLLINEAR, NO_SWITCH
from tests.metrics import cases
from tests.metrics.decay.ragged import found, places
from tests.metrics.interval_reference import bounds_of, student_bounds

CASES = {
    "switch-cost": cases.Case(SwitchCost, cases.scores_and_switches),
}

Data = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]


def switched(image: np.ndarray, dialogue: np.ndarray) -> np.ndarray:
    """1 where the record before, of the same dialogue, asks for the other modality."""
    return np.concatenate([[False], (np.diff(dialogue) == 0) & (np.diff(image.astype(int)) != 0)])


def simulated(seed: int = 0, cost: float = -0.08) -> Data:
    """Scores, modality, dialogue and turn: hard dialogues, late turns and images score lower, as do switches."""
    generator = np.random.default_rng(seed)
    dialogue, turn = places(generator, 40, least=1, most=6)
    image = generator.random(len(turn)) < 0.4
    scores = 0.9 + 0.1 * generator.normal(size=40)[dialogue] - 0.04 * turn - 0.2 * image
    scores += cost * switched(image, dialogue) + 0.05 * generator.normal(size=len(turn))
    scores[generator.random(len(turn)) < 0.1] = math.nan
    return scores, image, dialogue, turn


def design(data: Data, *columns: np.ndarray, last: int = 6) -> np.ndarray:
    """Turns, the modality and more columns, about the means of the scored records of their dialogue."""
    scores, image, dialogue, turn = data
    there = ~np.isnan(scores)
    turns = [np.minimum(turn, last) == k for k in range(2, last + 1)]
    every = np.column_stack([*turns, image, *columns, scores])[there].astype(float)
    means = np.stack([np.bincount(dialogue[there], column, 40) for column in every.T], 1)
    return every - (means / np.bincount(dialogue[there], minlength=40).clip(1)[:, None])[dialogue[there]]


def clustered(data: Data, *columns: np.ndarray, row: int = -1) -> list[float]:
    """The bounds of one coefficient of least squares with fixed effects of dialogues, from statsmodels."""
    scores, _, dialogue, _ = data
    rows, owner = design(data, *columns), dialogue[~np.isnan(scores)]
    x, y = rows[:, :-1], rows[:, -1]
    fit = sm.OLS(y, x).fit(cov_type="cluster", cov_kwds={"groups": owner, "use_correction": False})
    others = np.delete(x, row, 1)
    left = x[:, row] - others @ np.linalg.lstsq(others, x[:, row], rcond=None)[0]
    return student_bounds(fit.params[row], fit.bse[row], np.bincount(owner, left**2), fitted=1 + len(columns))


def test_cost_and_interval_equal_clustered_least_squares_with_fixed_effects() -> None:
    data = simulated()
    scores, image, dialogue, turn = data
    result = found(SwitchCost(detail=True), scores, torch.tensor(image), dialogue=dialogue, turn=turn)
    switch = switched(image, dialogue)
    assert bounds_of(result, "switch_cost") == pytest.approx(clustered(data, switch), abs=1e-9)
    directed = switch & image, switch & ~image
    assert bounds_of(result, "switch_cost_to_image") == pytest.approx(clustered(data, *directed, row=-2), abs=1e-9)
    assert bounds_of(result, "switch_cost_to_text") == pytest.approx(clustered(data, *directed), abs=1e-9)
    assert result["switch_cost_upper"] < 0


def test_cost_equals_least_squares_with_a_column_for_every_dialogue_and_turn() -> None:
    scores, image, dialogue, turn = simulated(1)
    there = ~np.isnan(scores)
    columns = [*(dialogue == d for d in range(40)), *(turn == k for k in range(2, 7)), image, switched(image, dialogue)]
    x = np.column_stack(columns)[there].astype(float)
    expected = np.linalg.lstsq(x, scores[there], rcond=None)[0][-1]
    plain = SwitchCost()
    plain.update(scores, torch.tensor(image), dialogue=dialogue, turn=turn)
    assert float(plain.compute()) == pytest.approx(expected, abs=1e-9)


def test_later_turns_share_one_effect() -> None:
    data = simulated(2)
    scores, image, dialogue, turn = data
    rows = design(data, switched(image, dialogue), last=4)
    expected = np.linalg.lstsq(rows[:, :-1], rows[:, -1], rcond=None)[0][-1]
    assert float(switch_cost(scores, image, dialogue=dialogue, turn=turn, max_turns=3)) == pytest.approx(expected)


def test_hard_dialogues_late_turns_and_weak_images_do_not_move_the_cost() -> None:
    scores, image, dialogue, turn = simulated(3)
    moved = scores + np.random.default_rng(4).normal(size=40)[dialogue] + np.sin(turn) + 2.0 * image
    costs = [found(SwitchCost(detail=True), s, image, dialogue=dialogue, turn=turn) for s in (scores, moved)]
    for end in ("", "_lower", "_upper", "_to_image", "_to_text"):
        assert costs[0][f"switch_cost{end}"] == pytest.approx(costs[1][f"switch_cost{end}"], abs=1e-9)


def test_a_model_without_a_cost_has_an_interval_around_zero() -> None:
    scores, image, dialogue, turn = simulated(5, cost=0.0)
    result = found(SwitchCost(detail="interval"), scores, image, dialogue=dialogue, turn=turn)
    assert result["switch_cost_lower"] < 0 < result["switch_cost_upper"]


def test_where_all_dialogues_switch_at_the_same_turns_there_is_no_cost_and_a_reason() -> None:
    scores = torch.rand(8, 4, generator=torch.Generator().manual_seed(6))
    alternating = torch.tensor([False, True, False, True]).expand(8, 4)
    from_either = torch.cat([alternating[:4], ~alternating[:4]])
    for modality in (alternating, from_either):
        metric = SwitchCost(detail=True)
        metric.update(scores, modality)
        assert metric.compute()["switch_cost"].isnan()
        assert metric.reasons["switch_cost"] == COLLINEAR
    metric = SwitchCost(detail=True)
    metric.update(scores, torch.zeros(8, 4, dtype=torch.bool))
    assert metric.compute()["switch_cost"].isnan()
    assert metric.reasons["switch_cost"] == NO_SWITCH


def test_steps_are_changes_from_the_record_before() -> None:
    modality = [["text", "text", "image", "text"], ["image", "image", "image", "text"]]
    result = found(SwitchCost(detail=True), [[0.9, 0.8, 0.5, 0.6], [0.7, math.nan, 0.6, 0.8]], modality)
    ends = ("step_to_image", "step_to_text", "step_same", "step_switch", "step", "switches", "switch_n", "n")
    expected = [-0.3, (0.1 + 0.2) / 2, -0.1, (-0.3 + 0.15) / 2, -0.075 + 0.1, 3 / 5, 3, 7]
    assert [result[f"switch_cost_{end}"] for end in ends] == pytest.approx(expected)


def test_a_record_without_a_score_says_what_the_next_one_follows() -> None:
    for before, share in (("image", 1.0), ("text", 0.0)):
        metric = SwitchCost(detail=True)
        metric.update([[math.nan, 0.5]], [[before, "text"]])
        assert float(metric.compute()["switch_cost_switches"]) == share


def test_what_follows_a_record_of_no_known_modality_is_not_scored() -> None:
    result = found(SwitchCost(detail=True), [[0.5, math.nan, 0.7, 0.8]], [["text", None, "image", "image"]])
    assert (result["switch_cost_n"], result["switch_cost_coverage"]) == (2, 0.5)
    assert math.isnan(result["switch_cost_switches"]) is False
    assert result["switch_cost_switches"] == 0


def test_scores_that_are_the_same_everywhere_cost_exactly_nothing() -> None:
    _, image, dialogue, turn = simulated(7)
    metric = SwitchCost(detail=True)
    metric.update(np.full(len(turn), 0.1), image, dialogue=dialogue, turn=turn)
    result = metric.compute()
    assert result["switch_cost"] == 0
    assert result["switch_cost_lower"].isnan()


def test_ranges_of_steps_follow_from_that_of_scores() -> None:
    metric = SwitchCost(detail=True, score_range=(0, 1))
    metric.update([[1.0, 0.0, 0.0], [1.0, 0.1, 0.0], [0.9, 0.0, 0.0]], [["text", "image", "text"]] * 3)
    result = metric.compute()
    assert result["switch_cost_step_to_image_lower"] >= -1
    with pytest.raises(ValueError, match=r"`scores` to lie in \[0, 1\]"):
        metric.update([[1.5, 0.5]], [["text", "image"]])
