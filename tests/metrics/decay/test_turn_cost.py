# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""TurnCost against numpy and statsmodels, and on models that differ in what is no growth."""

from __future__ import annotations

import inspect
import math
from typing import Any

import numpy as np
import pytest
import statsmodels.api as sm
import torch
from torch import Tensor

from imug_metrics import TurnCost
from imug_metrics.errors import InputError
from imug_metrics.functional import turn_cost
from imug_metrics.suite.named_scores import NamedCost
from tests.metrics import cases
from tests.metrics.decay.ragged import centred, places
from tests.metrics.interval_reference import bounds_of, ratio_error, student_bounds


def _costs(dialogue: Tensor, turn: Tensor) -> cases.Batch:
    """Costs that fall, so that there is a turn at which half of them is left."""
    return {"costs": 30 * 0.9**turn * (1 + 0.01 * cases.noise(dialogue, turn, 70, 1)[:, 0])}


def _scored(dialogue: Tensor, turn: Tensor) -> cases.Batch:
    return {**_costs(dialogue, turn), **cases.scores(dialogue, turn)}


CASES = {
    "cost": cases.Case(TurnCost, _costs),
    "cost-scored": cases.Case(lambda **k: TurnCost("tokens", scored=True, **k), _scored),
}

NAME = "turn_cost"


def spent(seed: int, growth: float = 0.1, dialogues: int = 40) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Costs that grow by a share of each dialogue's own level, with noise; dialogues of 1 to 6 turns."""
    generator = np.random.default_rng(seed)
    dialogue, turn = places(generator, dialogues)
    level = generator.gamma(4, 50, dialogues)[dialogue]
    return level * (1 + growth * (turn - 1)) * generator.uniform(0.7, 1.3, len(turn)), dialogue, turn


def computed(costs: np.ndarray, dialogue: np.ndarray, turn: np.ndarray, **options: Any) -> dict[str, Tensor]:
    metric = TurnCost(detail=True, **options)
    metric.update(costs, dialogue=dialogue, turn=turn)
    return metric.compute()


@pytest.mark.parametrize("seed", range(3))
def test_growth_and_its_interval_equal_the_ratio_of_sums_over_dialogues(seed: int) -> None:
    costs, dialogue, turn = spent(seed)
    several = np.unique(dialogue[np.bincount(dialogue)[dialogue] > 1])
    above, below = [], []
    for d in several:
        x, y = turn[dialogue == d], costs[dialogue == d]
        above.append(np.polyfit(x, y, 1)[0] * x.var() * len(x))
        below.append(x.var() * len(x) * y[x.argmin()])
    value = sum(above) / sum(below)
    found = computed(costs, dialogue, turn)
    expected = student_bounds(value, ratio_error(np.array(above), np.array(below)), np.array(below))
    assert bounds_of(found, NAME) == pytest.approx(expected, abs=1e-9)
    assert turn_cost(costs, dialogue=dialogue, turn=turn).item() == pytest.approx(value, abs=1e-9)


def test_the_slope_equals_clustered_ols_on_within_centred_data() -> None:
    costs, dialogue, turn = spent(1)
    several = np.bincount(dialogue)[dialogue] > 1
    x, y = centred(turn, dialogue)[several], centred(costs, dialogue)[several]
    fit = sm.OLS(y, x).fit(cov_type="cluster", cov_kwds={"groups": dialogue[several], "use_correction": False})
    weights = np.bincount(dialogue[several], x * x)
    found = computed(costs, dialogue, turn)
    assert bounds_of(found, f"{NAME}_slope") == pytest.approx(
        student_bounds(fit.params[0], fit.bse[0], weights[weights > 0]), abs=1e-9
    )


def test_every_dialogue_that_grows_by_a_share_of_its_own_first_cost_has_that_growth_together() -> None:
    """However dear or long they are, and although the dear ones are the long ones."""
    costs = [[100.0, 125.0], [1000.0, 1250.0, 1500.0, 1750.0], [1.0, 1.25, 1.5], [7.0]]
    assert turn_cost(costs).item() == pytest.approx(0.25, abs=1e-12)
    assert turn_cost(costs, reduction="none")[:3].tolist() == pytest.approx([0.25] * 3)
    assert turn_cost(costs, reduction="none")[3].isnan()


def test_neither_the_price_nor_the_length_of_dialogues_is_growth() -> None:
    costs, dialogue, turn = spent(0, growth=0.0, dialogues=300)
    dearer = costs * (1 + 3.0 * (np.bincount(dialogue)[dialogue] > 3))  # long dialogues are dear from the start
    found = computed(dearer, dialogue, turn)
    assert found[f"{NAME}_lower"] < 0 < found[f"{NAME}_upper"]
    assert found[f"{NAME}_turn_6"] > 1.5 * found[f"{NAME}_turn_1"], "which the curve takes for growth"


def test_a_model_that_slows_down_is_told_from_an_honest_one_of_the_same_first_turn() -> None:
    honest, slower = spent(2, growth=0.0), spent(2, growth=0.15)
    first = [float(computed(*arm)[f"{NAME}_turn_1"]) for arm in (honest, slower)]
    assert first[0] == pytest.approx(first[1])
    assert computed(*honest)[f"{NAME}_upper"] < computed(*slower)[f"{NAME}_lower"]


def test_a_dialogue_that_is_stopped_costs_what_its_turns_so_far_cost() -> None:
    found = computed(
        np.array([1.0, 2, 4, 10, 3, np.nan, 5]), np.array([0, 0, 0, 1, 2, 2, 2]), np.array([1, 2, 3, 1, 1, 2, 3])
    )
    curve = [float(found[f"{NAME}_cumulative_turn_{k}"]) for k in (1, 2, 3, 4)]
    assert curve == pytest.approx([(1 + 10 + 3) / 3, (3 + 10) / 2, (7 + 10) / 2, (7 + 10) / 2])
    assert found[f"{NAME}_per_dialogue"] == pytest.approx((7 + 10) / 2)
    assert found[f"{NAME}_sum"] == 25
    assert found[f"{NAME}_coverage"] == pytest.approx(6 / 7)


def test_scores_stand_against_what_they_cost() -> None:
    metric = TurnCost("tokens", detail=True, scored=True, max_turns=3)
    costs, scores = [[10, 20, 30], [10, 20, math.nan]], [[1.0, 0.5, 0.0], [1.0, math.nan, 0.5]]
    metric.update(costs, scores=scores, lengths=[3, 3])
    found = metric.compute()
    assert found[f"{NAME}_score"] == pytest.approx(2.5 / 4)
    assert found[f"{NAME}_per_point"] == pytest.approx(70 / 2.5)
    front = [float(found[f"{NAME}_score_until_turn_{k}"]) for k in (1, 2, 3)]
    assert front == pytest.approx([1.0, 2.5 / 3, 3 / 5])


def test_the_sum_is_of_records_however_dialogues_are_weighed() -> None:
    found = computed(np.array([1.0, 2, 9]), np.array([0, 0, 1]), np.array([1, 2, 1]), average="dialogue")
    assert found[f"{NAME}_mean"] == pytest.approx((1.5 + 9) / 2)
    assert found[f"{NAME}_sum"] == 12


def test_what_an_absent_output_costs_is_not_known_or_nothing() -> None:
    costs, valid = torch.tensor([[10.0, 20.0, 30.0]]), torch.tensor([[True, True, False]])
    for missing, mean in (("skip", 15.0), ("zero", 10.0)):
        metric = TurnCost(detail=True, missing=missing)
        metric.update(costs, valid=valid, lengths=[3])
        assert metric.compute()[f"{NAME}_mean"] == pytest.approx(mean)


def test_free_first_turns_leave_growth_undefined() -> None:
    assert turn_cost([[0.0, 5.0], [0.0, 9.0]]).isnan()
    assert computed(np.zeros(4), np.array([0, 0, 1, 1]), np.array([1, 2, 1, 2]))[NAME].isnan()


@pytest.mark.parametrize("cost", [TurnCost, NamedCost])
@pytest.mark.parametrize("option", [{"slope": "pooled"}, {"keep": 0.5}, {"longest": True}, {"score_range": (0, 1)}])
def test_what_is_an_option_of_scores_is_refused_by_name(cost: Any, option: dict[str, Any]) -> None:
    (name,) = option
    with pytest.raises(ValueError, match=f"`{name}`"):
        cost("tokens", **option)
    assert name not in inspect.signature(cost).parameters


def test_costs_that_rise_from_nothing_are_no_less_than_nothing_and_have_no_half_life() -> None:
    found = computed(np.array([1.0, 200, 0, 900]), np.array([0, 0, 1, 1]), np.array([1, 2, 1, 2]))
    assert found[f"{NAME}_mean_lower"] >= 0
    assert not [key for key in found if key.startswith((f"{NAME}_half_life", f"{NAME}_effective_turns"))]


@pytest.mark.parametrize("scored", [True, False])
def test_scores_are_there_where_they_were_promised_and_nowhere_else(scored: bool) -> None:
    metric = TurnCost(scored=scored)
    with pytest.raises(
        InputError,
        match=r"`scores` to be (given with|None without) `scored=True`",
    ):
        metric.update([[1.0, 2.0]], **({} if scored else {"scores": [[1.0, 2.0]]}))
    assert metric.update_count == 0


def test_a_cost_below_nothing_is_refused() -> None:
    with pytest.raises(InputError, match=r"`costs` to lie in \[0, inf\], got -1 at row \[0, 1\]"):
        TurnCost().update([[1.0, -1.0]])


def test_what_records_carry_is_the_same_metric_with_its_mean_first() -> None:
    costs, dialogue, turn = spent(0)
    named, own = NamedCost("tokens"), TurnCost("tokens", detail=True)
    for metric in (named, own):
        metric.update(costs, dialogue=dialogue, turn=turn)
    found, expected = named.compute(), own.compute()
    assert found["cost_tokens"] == expected[f"{NAME}_mean"]
    for key, value in expected.items():
        if key.count("_") > 1 and key not in (f"{NAME}_lower", f"{NAME}_upper"):
            torch.testing.assert_close(found[key.replace(NAME, "cost_tokens", 1)], value, equal_nan=True)
