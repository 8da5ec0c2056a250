# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""A policy to read: what it chooses at each turn, and what it was worth on dialogues it was not learned from."""

from __future__ import annotations

from collections.abc import Iterator

from imug_metrics._numbers import number
from imug_metrics.inference.strategies.policy import Policy, TurnRule
from imug_metrics.report.estimates import estimate
from imug_metrics.report.tables.cells import estimate_cell
from imug_metrics.report.tables.table import Cell, Table


def policy_tables(policy: Policy) -> list[Table]:
    """The choices, and the evidence of each rule."""
    chosen = [_choices(want, rule) for want, rule in policy.rules.items()]
    tried = [list(_evidence(want, rule)) for want, rule in policy.rules.items()]
    worth = ("Turns", "Choice", "Score", "Cost", "Best\nscore", "Regret")
    return [
        Table(("Turns", "Turn", "Strategy"), chosen, "Policy", name="policy"),
        Table(worth, tried, "On dialogues it was not learned from", name="policy_tested"),
    ]


def _choices(want: str, rule: TurnRule) -> list[list[Cell]]:
    turns = [(str(turn), name) for turn, name in sorted(rule.turns.items())]
    return [[Cell(want), Cell(turn), Cell(name)] for turn, name in [*turns, ("others", rule.otherwise)]]


def _evidence(want: str, rule: TurnRule) -> Iterator[list[Cell]]:
    """The policy itself, then each strategy used everywhere, of which the regret alone is known."""
    tested = rule.evidence["tested"]
    numbers = [Cell(number(tested[name]), value=tested[name]) for name in ("score", "cost", "best")]
    yield [Cell(want), Cell("the policy", "bold"), *numbers, estimate_cell(estimate(tested, "regret"))]
    for name, regret in zip(rule.evidence["strategies"], tested.get("regret_fixed", ()), strict=False):
        yield [Cell(want), Cell(f"always {name}"), *[Cell("")] * 3, Cell(number(regret), value=regret)]
