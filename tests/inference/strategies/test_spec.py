# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Strategies by how they are written."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from imug_metrics.errors import ArgumentError
from imug_metrics.inference.strategies.policy import Policy, TurnRule
from imug_metrics.inference.strategies.spec import parse_strategy


class NoJudge:
    name, concurrency = "nobody", 1

    async def ask(self, request: Any) -> str:
        raise AssertionError

    async def aclose(self) -> None:
        self.name = "closed"


@pytest.mark.parametrize(
    ("spec", "name"),
    [
        ("direct", "direct"),
        ("cot", "cot"),
        ("direct+cot", "cot"),
        ("evidence", "evidence:1"),
        ("cot+evidence:3+best-of:2:own", "cot+evidence:3+best-of:2:own"),
        ("best-of:2:own+evidence+verify", "best-of:2:own+evidence:1+verify:1"),
        ("verify", "verify:1"),
        ("verify:3", "verify:3"),
        ("best-of:4:own", "best-of:4:own"),
        ("best-of:4:majority,alignment", "best-of:4:majority,alignment"),
        ("cot+verify:2+best-of:4:judge", "cot+verify:2+best-of:4:judge"),
        ("best-of:2:own+cot", "best-of:2:own+cot"),
    ],
)
def test_names_are_read_back_as_the_same_strategy(spec: str, name: str) -> None:
    needs: dict[str, Any] = {"judge": NoJudge(), "encoder": "scene"}
    assert parse_strategy(spec, **needs).name == name
    assert parse_strategy(name, **needs).name == name


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("", "expected direct, cot, evidence"),
        ("best_of:4:own", "did you mean best-of"),
        ("cot:2", "got 'cot:2'"),
        ("cot+direct", "direct before all other parts"),
        ("cot+adaptive:p.json", "adaptive before all other parts"),
        ("evidnce", "did you mean evidence"),
        ("evidence:x", "number of rounds, as in evidence:2, got 'x'"),
        ("evidence:", "number of rounds"),
        ("evidence:0", "rounds from 1 to 100, got 0"),
        ("evidence+cot+evidence", "expected one chain of evidence, evidence:1.cot holds another"),
        ("verify:x", "number of rounds, as in verify:2, got 'x'"),
        ("verify:", "number of rounds"),
        ("verify:0", "rounds from 1, got 0"),
        ("best-of:4", "expected best-of:N:SELECTOR"),
        ("best-of", "expected best-of:N:SELECTOR"),
        ("best-of:1:own", "2 to 4096 candidates"),
        ("best-of:²:own", "number of candidates"),
        ("best-of:4:majorty", "did you mean majority"),
        ("best-of:4:python:none.py:f", "cannot be read"),
        ("best-of:4:judge", "the selector judge needs a judge"),
        ("best-of:4:alignment", "the selector alignment needs an encoder"),
        ("adaptive:", "the file of a policy"),
        ("adaptive:/none.json", "could not be opened"),
    ],
)
def test_what_is_no_strategy_is_refused(spec: str, message: str) -> None:
    with pytest.raises(ArgumentError, match=message) as raised:
        parse_strategy(spec)
    assert raised.value.arguments[0] == "strategy"


def test_an_encoder_that_there_is_not_is_told_as_encoder() -> None:
    with pytest.raises(ArgumentError) as raised:
        parse_strategy("best-of:4:alignment", encoder="open_clp:x")
    assert raised.value.arguments == ("encoder",)


def test_settings_tell_what_the_name_does_not(tmp_path: Path) -> None:
    file = tmp_path / "score.py"
    file.write_text("def score(prompt, output):\n    return 1\n")
    spec = f"cot+best-of:2:python:{file}:score+verify"
    before = parse_strategy(spec).settings  # type: ignore[attr-defined]
    file.write_text("def score(prompt, output):\n    return 2\n")
    assert parse_strategy(spec).settings != before  # type: ignore[attr-defined]
    judged = parse_strategy("best-of:2:judge+cot", judge=NoJudge())
    assert judged.settings == "nobody"  # type: ignore[attr-defined]


def test_closing_reaches_the_judge_inside() -> None:
    judge = NoJudge()
    asyncio.run(parse_strategy("best-of:2:judge+cot+verify", judge=judge).aclose())  # type: ignore[attr-defined]
    assert judge.name == "closed"


def test_a_policy_is_read_with_its_strategies(tmp_path: Path) -> None:
    path = Policy({"text": TurnRule({1: "direct"}, "cot+best-of:2:majority")}).write(tmp_path / "policy.json")
    strategy = parse_strategy(f"adaptive:{path}+verify")
    assert strategy.name == f"adaptive:{path}+verify:1"


def test_a_policy_of_policies_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "policy.json"
    Policy({"text": TurnRule({}, f"adaptive:{path}")}).write(path)
    with pytest.raises(ArgumentError, match="cannot choose"):
        parse_strategy(f"adaptive:{path}")
