# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""The best policy against every policy there is, its fast bound, and rules on dialogues they have not seen."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
import torch
from scipy.optimize import Bounds, LinearConstraint, milp
from torch import Tensor

from imug_metrics.functional import adaptive_policy, best_policy, learn_rule
from imug_metrics.functional.scaling import adaptive_policy as policy
from imug_metrics.functional.scaling import choice_knapsack


def problem(records: int, strategies: int, seed: int, whole: bool = False) -> tuple[Tensor, Tensor]:
    """Scores and costs; with `whole` numbers there are ties among scores and costs."""
    generator = torch.Generator().manual_seed(seed)
    scores = torch.rand(records, strategies, generator=generator, dtype=torch.float64)
    costs = torch.rand(records, strategies, generator=generator, dtype=torch.float64) * torch.arange(1, strategies + 1)
    if whole:
        return (scores * 4).round(), (costs * 3).round()
    return scores, costs


def every_policy(scores: Tensor, costs: Tensor, budget: float) -> float:
    best = -1.0
    for choice in product(range(scores.shape[1]), repeat=len(scores)):
        cost = sum(costs[row, column].item() for row, column in enumerate(choice))
        score = sum(scores[row, column].item() for row, column in enumerate(choice))
        if cost <= budget * len(scores) + 1e-9 and score == score:
            best = max(best, score / len(scores))
    return best


@pytest.mark.parametrize("whole", [False, True])
@pytest.mark.parametrize("seed", range(6))
def test_exact_is_the_best_of_every_policy(seed: int, whole: bool) -> None:
    scores, costs = problem(6, 3, seed, whole)
    scores[0, 1] = torch.nan
    least = costs.masked_fill(scores.isnan(), torch.inf).amin(1).mean().item()
    for budget in (least, least + 0.2, least + 0.6, 9.0):
        found = best_policy(scores, costs, budget)
        assert found.score.item() == pytest.approx(every_policy(scores, costs, budget), abs=1e-9)
        assert found.cost.item() <= budget + 1e-9
        hull = best_policy(scores, costs, budget, method="hull")
        assert hull.cost.item() <= budget + 1e-9
        assert hull.score.item() <= found.score.item() + 1e-9 <= hull.bound.item() + 2e-9


def test_hull_is_short_of_the_optimum_by_less_than_one_step() -> None:
    scores, costs = problem(3000, 4, 7)
    hull = best_policy(scores, costs, 1.0, method="hull")
    assert hull.score <= hull.bound <= hull.score + 1 / 3000
    taken = scores.gather(1, hull.choice[:, None]).mean(), costs.gather(1, hull.choice[:, None]).mean()
    torch.testing.assert_close(torch.stack(taken), torch.stack([hull.score, hull.cost]))


def test_hull_bound_holds_for_the_exact_optimum_of_hundreds_of_records() -> None:
    scores, costs = problem(300, 3, 8)
    exact, hull = (best_policy(scores, costs, 0.8, method=method) for method in ("exact", "hull"))
    assert hull.score - 1e-9 <= exact.score <= hull.bound + 1e-9


def test_a_budget_below_the_cheapest_policy_is_refused() -> None:
    with pytest.raises(ValueError, match=r"`budget` to be at least 1, got 0\.5"):
        best_policy([[0.1, 0.2]], [[1.0, 2.0]], 0.5)


@pytest.mark.parametrize("unit", [1e-9, 1e-7, 1e9])
def test_the_units_of_scores_and_costs_do_not_matter(unit: float) -> None:
    """Dollars for a turn are small numbers, and a solver's tolerances are absolute."""
    scores, costs = problem(40, 3, 11)
    expected = best_policy(scores, costs, 0.7).choice
    assert torch.equal(best_policy(scores, costs * unit, 0.7 * unit).choice, expected)
    assert torch.equal(best_policy(scores * unit, costs, 0.7).choice, expected)


@pytest.mark.parametrize("widths", [(1,), (8, 2)])
def test_a_search_cut_short_gives_a_policy_within_the_budget_with_a_bound(monkeypatch, widths: tuple[int, ...]) -> None:
    """Costs in proportion to scores: many policies come close to the best."""
    scores = problem(1000, 4, 12)[0]
    costs = 1 + 3 * scores + 0.01 * problem(1000, 4, 13)[0]
    best = best_policy(scores, costs, 2.5)
    assert best.bound == best.score
    monkeypatch.setattr(choice_knapsack, "_WIDTHS", widths)
    found = best_policy(scores, costs, 2.5)
    taken = scores.gather(1, found.choice[:, None]).mean()
    assert found.score.item() == pytest.approx(taken.item())
    assert found.cost <= 2.5 + 1e-9
    assert found.score <= best.score <= found.bound < found.score + 1 / 1000
    assert found.score < found.bound
    assert adaptive_policy(scores, costs, found.choice, budget=2.5) == pytest.approx(found.bound - found.score)


def test_a_search_out_of_steps_gives_a_bound_too(monkeypatch) -> None:
    scores = problem(300, 4, 15)[0]
    costs = 1 + 3 * scores + 0.01 * problem(300, 4, 16)[0]
    best = best_policy(scores, costs, 2.5)
    monkeypatch.setattr(choice_knapsack, "_STEPS", 100)
    found = best_policy(scores, costs, 2.5)
    assert found.score <= best.score <= found.bound
    assert found.score < found.bound < found.score + 1 / 300


def likeness(kind: str, records: int, strategies: int, seed: int) -> tuple[Tensor, Tensor]:
    """Problems of the kinds that evaluations make."""
    scores, costs = problem(records, strategies, seed)
    if kind == "right or wrong":
        return (scores > 0.5).double(), costs
    if kind == "one price a strategy":
        return scores, (0.1 * 2.0 ** torch.arange(strategies)).expand(records, -1).contiguous()
    if kind == "both":
        return (scores > 0.5).double(), 4.0 ** torch.arange(strategies).expand(records, -1).double()
    if kind == "tokens":
        return (scores * 4).round() / 4, (costs * 1000).round()
    if kind == "proportional":
        return scores * 10 - 5, 1 + 3 * scores
    scores[:, 1:][problem(records, strategies - 1, seed + 1)[0] < 0.3] = torch.nan
    return scores, costs.index_fill(1, torch.tensor([0]), 0.5)


KINDS = ("right or wrong", "one price a strategy", "both", "tokens", "proportional", "holes")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("seed", range(5))
def test_exact_is_the_best_of_every_policy_of_all_kinds(kind: str, seed: int) -> None:
    scores, costs = likeness(kind, 6, 3, seed)
    low, high = costs.masked_fill(scores.isnan(), torch.inf).amin(1).mean(), costs.amax(1).mean()
    for share in (0.0, 0.1, 0.3, 0.6, 1.0):
        budget = float(low + share * (high - low))
        found = best_policy(scores, costs, budget)
        best = every_policy(scores + 5, costs, budget) - 5
        assert found.score.item() == pytest.approx(best, abs=1e-9)
        assert found.bound.item() == pytest.approx(best, abs=1e-9)
        assert found.cost.item() <= budget * (1 + 1e-11)


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "proportional"])  # which is out of its reach
def test_exact_is_what_a_solver_of_integer_programs_finds(kind: str) -> None:
    scores, costs = likeness(kind, 60, 4, 3)
    low, high = costs.masked_fill(scores.isnan(), torch.inf).amin(1).mean(), costs.amax(1).mean()
    budget = float(low + 0.3 * (high - low))
    found = best_policy(scores, costs, budget)
    row, column = (~scores.isnan()).nonzero(as_tuple=True)
    one_each = (row == torch.arange(60)[:, None]).double().numpy()
    prices = costs[row, column].numpy()[None]
    solved = milp(
        -scores[row, column].numpy(),
        constraints=[LinearConstraint(one_each, 1, 1), LinearConstraint(prices, ub=budget * 60)],
        integrality=np.ones(len(row)),
        bounds=Bounds(0, 1),
        options={"mip_rel_gap": 0.0},
    )
    assert found.score.item() * 60 == pytest.approx(-solved.fun, abs=1e-5)  # its tolerance is 1e-6
    assert found.bound.item() == pytest.approx(found.score.item(), abs=1e-9)


def test_a_budget_that_is_no_number_is_refused() -> None:
    with pytest.raises(ValueError, match="`budget`"):
        best_policy([[0.1, 0.2]], [[1.0, 2.0]], float("nan"))


def test_records_that_no_strategy_has_are_left_out() -> None:
    found = best_policy([[torch.nan, torch.nan], [0.2, 0.4]], [[1.0, 1.0], [1.0, 2.0]], 2.0)
    assert found.choice.tolist() == [-1, 1]
    assert found.score.item() == pytest.approx(0.4)
    assert best_policy(torch.zeros(0, 2), torch.zeros(0, 2), 1.0).score.isnan()


@pytest.mark.parametrize("method", ["exact", "hull"])
def test_regret_of_the_best_policy_is_nothing_and_of_others_something(method: str) -> None:
    scores, costs = problem(40, 3, 9)
    best = best_policy(scores, costs, 0.7)
    assert adaptive_policy(scores, costs, best.choice, budget=0.7).item() == pytest.approx(0, abs=1e-9)
    worst = adaptive_policy(scores, costs, torch.zeros(40).long(), method=method)
    assert worst > 0.05
    assert adaptive_policy(scores, costs, best.choice, method=method) > -1e-9


def test_choices_that_are_no_strategy_are_refused() -> None:
    with pytest.raises(ValueError, match="`preds`"):
        adaptive_policy([[0.1, 0.2]], [[1.0, 2.0]], [2])
    with pytest.raises(ValueError, match="`preds`"):
        adaptive_policy([[0.1, torch.nan]], [[1.0, 2.0]], [1])


def _dialogues() -> tuple[Tensor, Tensor]:
    return torch.arange(200).repeat_interleave(4), torch.arange(1, 5).repeat(200)


def test_a_rule_by_turn_beats_one_strategy_for_all_on_dialogues_it_has_not_seen() -> None:
    """The costly strategy helps at turns 3 and 4 alone, and the budget is enough for half of the turns."""
    dialogue, turn = _dialogues()
    noise = torch.rand(800, 2, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    scores = 0.5 + 0.2 * noise + torch.stack([torch.zeros(800), 0.3 * (turn >= 3)], 1)
    costs = torch.tensor([[1.0, 3.0]]).expand(800, 2)
    rule = learn_rule(turn, scores, costs, 2.0, dialogue)
    assert rule.choose(torch.arange(1, 6)).tolist() == [0, 0, 1, 1, 0]
    assert rule.tested["cost"] == pytest.approx(2.0)
    assert rule.tested["score"] == pytest.approx(0.75, abs=0.02)
    assert rule.tested["score"] <= rule.tested["best"]


def test_a_threshold_on_a_cheap_score_finds_where_the_costly_strategy_pays() -> None:
    dialogue, _ = _dialogues()
    generator = torch.Generator().manual_seed(1)
    sure = torch.rand(800, generator=generator)
    scores = torch.stack([sure, torch.full((800,), 0.8)], 1) + 0.05 * torch.randn(800, 2, generator=generator)
    costs = torch.tensor([[1.0, 5.0]]).expand(800, 2)
    rule = learn_rule(sure, scores, costs, 3.0, dialogue, kind="threshold")
    assert rule.choose(torch.tensor([0.1, 0.45, 0.55, 0.9])).tolist() == [1, 1, 0, 0]
    assert rule.tested["score"] > 0.65
    assert rule.tested["cost"] == pytest.approx(3.0, abs=0.25), "kept on the half it was learned on"
    assert rule.learned["cost"] <= 3.0 + 1e-9


def test_a_feature_without_meaning_brings_nothing_on_new_dialogues() -> None:
    """Two hundred groups of four records each fit noise on one half; the other half shows it."""
    dialogue, _ = _dialogues()
    generator = torch.Generator().manual_seed(2)
    scores = torch.rand(800, 2, generator=generator)
    feature = torch.randint(0, 200, (800,), generator=generator)
    rule = learn_rule(feature, scores, torch.ones(800, 2), 1.0, dialogue)
    assert rule.learned["score"] > 0.56
    assert abs(rule.tested["score"] - 0.5) < 0.04


def test_rules_need_a_budget_that_fits_and_two_dialogues() -> None:
    scores, costs = problem(4, 2, 0)
    with pytest.raises(ValueError, match="`budget`"):
        learn_rule([1, 2, 3, 4], scores, costs + 1, 0.5, [0, 0, 1, 1], kind="threshold")
    with pytest.raises(ValueError, match="two dialogues"):
        learn_rule([1, 2, 3, 4], scores, costs, 5.0, [0, 0, 0, 0])


@pytest.mark.parametrize("kind", ["group", "threshold"])
@pytest.mark.parametrize("feature", [[1.0, 2.0, torch.nan, 3.0], [1.0, 2.0]])
def test_features_that_say_nothing_are_refused(kind: str, feature: list[float]) -> None:
    scores, costs = problem(4, 2, 0)
    with pytest.raises(ValueError, match="`feature`"):
        learn_rule(feature, scores, costs, 5.0, [0, 0, 1, 1], kind=kind)


@pytest.mark.parametrize("kind", ["group", "threshold"])
def test_a_rule_does_not_depend_on_the_half_it_is_tested_on(kind: str) -> None:
    dialogue, turn = _dialogues()
    scores, costs = problem(800, 3, 14)
    tested = ~policy.split_dialogues(dialogue)
    other = scores.masked_scatter(tested[:, None], torch.rand(int(tested.sum()) * 3, dtype=torch.float64))
    first, second = (learn_rule(turn, each, costs, 1.0, dialogue, kind=kind) for each in (scores, other))
    assert torch.equal(first.choose(turn), second.choose(turn))
    assert first.learned == second.learned
    assert first.tested != second.tested
