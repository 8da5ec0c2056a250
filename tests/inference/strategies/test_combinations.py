# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Strategies around strategies, with costs and accuracies of closed form."""

from __future__ import annotations

import pytest
import torch

from imug_metrics import StrategyComparison
from imug_metrics.functional import verified_accuracy
from imug_metrics.inference.strategies.spec import parse_strategy
from tests.inference.strategies.simulated import KnownRates, holds, simulate

BASE, THOUGHTFUL, Q, T, F = 0.4, 0.6, 0.5, 0.8, 0.4
GRADES = {2: 0.2, 8: 0.8}, {2: 0.7, 8: 0.3}
MODEL = KnownRates(
    base=BASE, thoughtful=THOUGHTFUL, repaired=Q, accept_right=T, accept_wrong=F, grades=GRADES, tokens=(20, 3)
)


def verified(base: float, repaired: float) -> float:
    accepted = base * T + (1 - base) * F
    return base * T + (1 - accepted) * repaired


def picked(base: float, n: int) -> float:
    right, wrong = ([0.0, chances[8], 1.0] for chances in GRADES)
    return float(verified_accuracy(base, torch.tensor(right), torch.tensor(wrong), n))


def rejected(base: float) -> float:
    return 1 - (base * T + (1 - base) * F)


SPECS = {
    "direct": (BASE, 1, 3),
    "cot": (THOUGHTFUL, 2, 23),
    "best-of:3:own": (picked(BASE, 3), 6, 18),
    "cot+best-of:3:own": (picked(THOUGHTFUL, 3), 3 * 3, 3 * 26),
    "best-of:3:own+cot": (picked(THOUGHTFUL, 3), 1 + 6, 20 + 18),
    "verify:1": (verified(BASE, Q), 2 + rejected(BASE), 3 * (2 + rejected(BASE))),
    "cot+verify:1": (
        verified(THOUGHTFUL, THOUGHTFUL),
        3 + 2 * rejected(THOUGHTFUL),
        26 + 23 * rejected(THOUGHTFUL),
    ),
    "best-of:2:majority": (BASE, 2, 6),
}
"""Accuracy, requests and tokens of a turn."""


@pytest.fixture(scope="module")
def comparison() -> dict[str, float]:
    found = {spec: simulate(parse_strategy(spec), MODEL, dialogues=500) for spec in SPECS}
    names = {spec: f"s{place}" for place, spec in enumerate(SPECS)}
    metric = StrategyComparison(list(names.values()), costs=["requests", "tokens"], detail=True)
    places = next(iter(found.values())).places
    scores = {names[spec]: each.right() for spec, each in found.items()}
    costs = {
        "requests": {names[spec]: [float(count) for count in each.requests] for spec, each in found.items()},
        "tokens": {names[spec]: each.tokens for spec, each in found.items()},
    }
    metric.update(scores, costs, **places)
    return {key: float(value) for key, value in metric.compute().items()}


@pytest.mark.parametrize("spec", SPECS)
def test_gains_are_those_of_the_closed_form(spec: str, comparison: dict[str, float]) -> None:
    name = f"s{list(SPECS).index(spec)}"
    if spec == "direct":
        assert holds(comparison, f"strategy_comparison_score_{name}", BASE)
    else:
        assert holds(comparison, f"strategy_comparison_gain_{name}", SPECS[spec][0] - BASE)


@pytest.mark.parametrize("spec", SPECS)
def test_costs_are_those_of_the_closed_form(spec: str, comparison: dict[str, float]) -> None:
    name, (_, requests, tokens) = f"s{list(SPECS).index(spec)}", SPECS[spec]
    for kind, expected in (("requests", requests), ("tokens", tokens)):
        key = f"strategy_comparison_cost_{kind}_{name}"
        if "verify" in spec:
            assert holds(comparison, key, expected)
        else:
            assert comparison[key] == pytest.approx(expected)
