# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""A policy: its file, what it chooses, and how it is learned."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch

from imug_metrics import AdaptivePolicy, PairedGain
from imug_metrics.errors import ArgumentError
from imug_metrics.inference.strategies.adaptive import Adaptive
from imug_metrics.inference.strategies.chain_of_thought import ChainOfThought
from imug_metrics.inference.strategies.direct import Direct
from imug_metrics.inference.strategies.policy import Policy, TurnRule, read_policy
from imug_metrics.inference.strategies.policy_learning import Outcomes, learn_policy
from imug_metrics.inference.strategies.spec import parse_strategy
from imug_metrics.suite import metric_scores
from tests.inference.strategies.simulated import KnownRates, Simulation, answered, holds, replies, simulate, turn_of

POLICY = Policy({"text": TurnRule({1: "direct", 2: "cot"}, "direct", {"budget": 1.5})})


def test_a_policy_is_written_and_read_back(tmp_path: Path) -> None:
    assert read_policy(POLICY.write(tmp_path / "policy.json")) == POLICY


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "expected JSON"),
        ("[]", "expected `rules`"),
        ('{"rules": {}}', "expected `rules`"),
        ('{"rules": {"sound": {}}}', "expected `rules`"),
        ('{"rules": {"text": []}}', "rules.text: expected strategies"),
        ('{"rules": {"text": {"turns": {}}}}', "`otherwise`"),
        ('{"rules": {"text": {"turns": {"0": "cot"}, "otherwise": "cot"}}}', "by number of the turn"),
        ('{"rules": {"text": {"turns": {"x": "cot"}, "otherwise": "cot"}}}', "by number of the turn"),
        ('{"rules": {"text": {"turns": {"1": 3}, "otherwise": "cot"}}}', "names of strategies"),
    ],
)
def test_what_is_no_policy_is_refused(tmp_path: Path, content: str, message: str) -> None:
    (tmp_path / "policy.json").write_text(content)
    with pytest.raises(ArgumentError, match=message):
        read_policy(tmp_path / "policy.json")


def test_each_turn_is_answered_by_the_strategy_of_its_rule() -> None:
    strategy = Adaptive(POLICY, {"direct": Direct(), "cot": ChainOfThought()})
    first, second = replies("B"), replies("Hm.", "B")
    assert answered(strategy, turn_of(first)).log == {"strategy": "direct"}
    assert answered(strategy, turn_of(second, number=2)).log == {"strategy": "cot", "answer": {"thoughts": "Hm."}}
    assert (len(first.requests), len(second.requests)) == (1, 2)


def test_requests_are_those_of_the_strategy_alone() -> None:
    ask, alone = replies("Hm.", "B"), replies("Hm.", "B")
    answered(Adaptive(POLICY, {"direct": Direct(), "cot": ChainOfThought()}), turn_of(ask, number=2))
    answered(ChainOfThought(), turn_of(alone, number=2))
    assert ask.requests == alone.requests


def test_a_kind_without_a_rule_is_answered_directly() -> None:
    strategy = Adaptive(POLICY, {"direct": Direct(), "cot": ChainOfThought()})
    assert answered(strategy, turn_of(replies(b"a"), want="image", number=2)).log == {"strategy": "direct"}


def test_strategies_that_are_not_there_are_refused() -> None:
    with pytest.raises(ArgumentError, match="names 'cot'"):
        Adaptive(POLICY, {"direct": Direct()})


def test_another_policy_has_other_settings() -> None:
    strategies = {"direct": Direct(), "cot": ChainOfThought()}
    other = Policy({"text": TurnRule({1: "cot"}, "direct")})
    assert Adaptive(POLICY, strategies).settings != Adaptive(other, strategies).settings


PLAIN = {1: 0.8, 2: 0.6, 3: 0.4, 4: 0.3}
THOUGHTFUL = 0.7
SPECS = ("direct", "cot")


@pytest.fixture(scope="module")
def runs() -> dict[str, Simulation]:
    """Thoughts help at all turns but the first, and the more the later."""
    model = KnownRates(thoughtful=THOUGHTFUL, by_turn=PLAIN.__getitem__)
    return {spec: simulate(parse_strategy(spec), model, dialogues=800, turns=4) for spec in SPECS}


def outcomes(runs: dict[str, Simulation]) -> Outcomes:
    found = runs["direct"]
    scores = torch.tensor([run.right() for run in runs.values()]).double().mT
    costs = torch.tensor([run.requests for run in runs.values()]).double().mT
    return Outcomes(found.dialogue, found.turn, scores, costs)


def evidence_of(rule: TurnRule) -> dict[str, Any]:
    return dict(rule.evidence["tested"])


def test_the_budget_goes_to_the_turns_at_which_thoughts_help_most(runs: dict[str, Simulation]) -> None:
    rule = learn_policy({"text": outcomes(runs)}, SPECS, {"text": 1.5}).rules["text"]
    assert rule.turns == {1: "direct", 2: "direct", 3: "cot", 4: "cot"}
    assert rule.otherwise == "direct"
    assert evidence_of(rule)["cost"] == 1.5


def test_a_learned_policy_reaches_the_best_of_its_table(runs: dict[str, Simulation], tmp_path: Path) -> None:
    policy = learn_policy({"text": outcomes(runs)}, SPECS, {"text": 1.75})
    path = policy.write(tmp_path / "policy.json")
    assert policy.rules["text"].turns == {1: "direct", 2: "cot", 3: "cot", 4: "cot"}
    model = KnownRates(thoughtful=THOUGHTFUL, by_turn=PLAIN.__getitem__)
    adaptive = simulate(parse_strategy(f"adaptive:{path}"), model, dialogues=800, turns=4)
    gain = PairedGain(detail=True)
    gain.update(adaptive.right(), runs["direct"].right(), **adaptive.places)
    best = (PLAIN[1] + 3 * THOUGHTFUL) / 4
    assert holds(gain.compute(), "paired_gain", best - sum(PLAIN.values()) / 4)
    assert holds(gain.compute(), "paired_gain_scores", best)
    assert sum(adaptive.requests) / len(adaptive.requests) == 1.75


def test_the_regret_of_the_held_out_half_is_that_of_the_metric(runs: dict[str, Simulation]) -> None:
    found = outcomes(runs)
    rule = learn_policy({"text": found}, SPECS, {"text": 1.5}, seed=3).rules["text"]
    evidence = evidence_of(rule)
    metric = AdaptivePolicy(2, price=evidence["price"], detail=True)
    chosen = [SPECS.index(rule.turns[turn]) for turn in found.turn]
    metric.update(found.scores, found.costs, chosen, dialogue=found.dialogue, turn=found.turn)
    everywhere = metric_scores(metric)  # both halves: the held-out one estimates the same
    assert evidence["regret_lower"] <= everywhere["adaptive_policy"] <= evidence["regret_upper"]
    assert evidence["regret"] < min(evidence["regret_fixed"])
    assert evidence["score"] <= evidence["best"]


def test_what_cannot_be_learned_is_said(runs: dict[str, Simulation]) -> None:
    found = outcomes(runs)
    with pytest.raises(ArgumentError, match="budget"):
        learn_policy({"text": found}, SPECS, {"text": 0.5})
    with pytest.raises(ArgumentError, match="expected one for image turns"):
        learn_policy({"image": found}, SPECS, {"text": 2.0})
    with pytest.raises(ArgumentError, match="expected 2 names"):
        learn_policy({"text": found}, ["direct"], {"text": 2.0})
    with pytest.raises(ArgumentError, match="turns that all strategies have"):
        learn_policy({}, SPECS, {})


def test_the_file_holds_what_is_known_of_the_rule(runs: dict[str, Simulation], tmp_path: Path) -> None:
    path = learn_policy({"text": outcomes(runs)}, SPECS, {"text": 1.5}).write(tmp_path / "policy.json")
    evidence = json.loads(path.read_text())["rules"]["text"]["evidence"]
    assert evidence["strategies"] == ["direct", "cot"]
    assert set(evidence["tested"]) >= {"score", "cost", "best", "regret", "regret_lower", "regret_upper"}
