# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Regret of a policy over a stream, and its tie to the optimum under a budget."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from imug_metrics import AdaptivePolicy
from imug_metrics.functional import adaptive_policy, best_policy
from tests.metrics import cases

CASES = {
    "policy": cases.Case(lambda **k: AdaptivePolicy(3, price=0.05, **k), cases.policy),
}


def data(records: int = 200, seed: int = 0) -> tuple[Tensor, Tensor, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    scores = torch.rand(records, 3, generator=generator, dtype=torch.float64)
    costs = torch.rand(records, 3, generator=generator, dtype=torch.float64) + torch.tensor([0.0, 0.5, 1.0])
    return scores, costs, torch.randint(0, 3, (records,), generator=generator)


def compute(scores: Tensor, costs: Tensor, choice: Tensor, price: float) -> dict[str, float]:
    metric = AdaptivePolicy(3, price=price, detail=True)
    metric.update(scores, costs, choice, dialogue=torch.arange(len(choice)), turn=torch.ones(len(choice)).long())
    return {key.removeprefix("adaptive_policy"): float(value) for key, value in metric.compute().items()}


def test_the_best_choice_at_a_price_has_no_regret() -> None:
    scores, costs, choice = data()
    best = (scores - 0.3 * costs).argmax(1)
    found = compute(scores, costs, best, 0.3)
    assert found[""] == 0
    assert found["_agreement"] == 1
    assert found["_score"] == found["_best_score"]
    other = compute(scores, costs, choice, 0.3)
    assert other[""] > 0.1
    utility = scores - 0.3 * costs
    fixed = (utility.amax(1) - utility[:, 2]).mean().item()
    assert other["_fixed_2"] == pytest.approx(fixed)


def test_regret_at_a_price_bounds_the_loss_under_the_budget_it_spends() -> None:
    scores, costs, _ = data()
    price = 0.4
    best = (scores - price * costs).argmax(1)
    budget = costs.gather(1, best[:, None]).mean().item()
    optimum = best_policy(scores, costs, budget + 1e-12)
    assert optimum.score.item() == pytest.approx(scores.gather(1, best[:, None]).mean().item(), abs=1e-9)
    worse = best.clone()
    worse[:40] = costs[:40].argmin(1)  # never dearer than the best choices
    assert adaptive_policy(scores, costs, worse, budget=budget + 1e-12).item() >= -1e-9
    at_price = compute(scores, costs, worse, price)
    spared = price * (budget - at_price["_cost"])
    assert adaptive_policy(scores, costs, worse, budget=budget + 1e-12).item() <= at_price[""] + spared + 1e-9


def test_choices_that_are_not_there_are_undefined() -> None:
    scores, costs, choice = data(4)
    choice[0] = -1
    scores[1, choice[1]] = torch.nan
    found = compute(scores, costs, choice, 0.0)
    assert found["_n"] == 2
    assert found["_coverage"] == 0.5


@pytest.mark.parametrize(
    "arguments", [{"strategies": 1}, {"strategies": 2, "price": -1.0}, {"strategies": 2, "price": torch.inf}]
)
def test_wrong_arguments_are_refused(arguments: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=f"`{list(arguments)[-1]}`"):
        AdaptivePolicy(**arguments)


def test_wrong_shapes_are_refused() -> None:
    with pytest.raises(ValueError, match="`costs` to have the shape of"):
        AdaptivePolicy(2).update([[0.1, 0.2]], [[1.0]], [0], dialogue=[0], turn=[1])
