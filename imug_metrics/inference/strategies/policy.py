# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""A rule that names a strategy for each turn, and its file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, get_args

from imug_metrics.errors import ArgumentError
from imug_metrics.inference.model import Want
from imug_metrics.reading.files import Problems, as_turn, read_json
from imug_metrics.report.files import json_text, write_whole


@dataclass(frozen=True)
class TurnRule:
    """Strategies by turn, for the turns of one modality.

    Attributes:
        turns: name of the strategy by number of the turn.
        otherwise: at turns that are not named.
        evidence: what is known of the rule: its budget, what it scored and cost on turns that it was not learned from.
    """

    turns: Mapping[int, str]
    otherwise: str
    evidence: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Policy:
    """Which strategy answers a turn, by what is known before it is answered: its number and what it asks for.

    Attributes:
        rules: by "text" and "image"; either may be absent.

    Example:
        >>> policy = Policy({"text": TurnRule({1: "direct"}, "cot")})
        >>> policy.choose("text", 1), policy.choose("text", 2), policy.choose("image", 1)
        ('direct', 'cot', None)
    """

    rules: Mapping[Want, TurnRule]

    @property
    def strategies(self) -> list[str]:
        """Names of all strategies that it may choose."""
        rules = self.rules.values()
        return sorted({name for rule in rules for name in (*rule.turns.values(), rule.otherwise)})

    def choose(self, want: Want, turn: int) -> str | None:
        """The strategy of a turn; None where there is no rule for what it asks for."""
        rule = self.rules.get(want)
        return None if rule is None else rule.turns.get(turn, rule.otherwise)

    def write(self, path: Path | str) -> Path:
        """Write it as JSON; returns the path."""
        rules = {
            want: {"turns": rule.turns, "otherwise": rule.otherwise, "evidence": rule.evidence}
            for want, rule in self.rules.items()
        }
        return write_whole(Path(path), json_text("policy", {"rules": rules}))


def read_policy(path: Path | str, argument: str = "strategy") -> Policy:
    """The policy of a file that `Policy.write` left, or that somebody wrote by hand.

    Raises:
        ArgumentError: if there is none; `argument` is what it was given as.
    """
    problems = Problems()
    content = read_json(Path(path), problems)
    if problems.errors:
        raise ArgumentError(argument, str(problems[0]))
    rows = content.get("rules") if isinstance(content, dict) else None
    if not isinstance(rows, dict) or not rows or not set(rows) <= set(get_args(Want)):
        raise ArgumentError(argument, f"{path}: expected `rules` for 'text', 'image' or both")
    return Policy({want: _rule(row, f"{path}: rules.{want}", argument) for want, row in rows.items()})


def _rule(row: Any, place: str, argument: str) -> TurnRule:
    turns, otherwise = (row.get("turns", {}), row.get("otherwise")) if isinstance(row, dict) else (None, None)
    if not isinstance(turns, dict) or not isinstance(otherwise, str):
        raise ArgumentError(argument, f"{place}: expected strategies as `turns` by number and `otherwise`")
    named = {as_turn(int(turn) if turn.isdecimal() else None): name for turn, name in turns.items()}
    if None in named or not all(isinstance(name, str) for name in named.values()):
        raise ArgumentError(argument, f"{place}.turns: expected names of strategies by number of the turn")
    evidence = row.get("evidence")
    return TurnRule(
        {turn: name for turn, name in named.items() if turn is not None},
        otherwise,
        evidence if isinstance(evidence, dict) else {},
    )
