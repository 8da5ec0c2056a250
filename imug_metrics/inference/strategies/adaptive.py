# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Another strategy at each turn, by a policy."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import replace

from imug_metrics.errors import ArgumentError
from imug_metrics.inference.strategies.composed import Composed
from imug_metrics.inference.strategies.direct import Direct
from imug_metrics.inference.strategies.policy import Policy
from imug_metrics.inference.turn import Answer, Strategy, Turn


class Adaptive(Composed):
    """Answer each turn with the strategy that a policy names for it; directly where it has no rule.

    Requests are the same as those of the chosen strategy alone, so that a run under a policy is that strategy's run at
    those turns, with the same seeds.

    Args:
        policy: what is chosen.
        strategies: by the names that the policy uses.
        place: where the policy stands, for the name.

    Raises:
        ArgumentError: if the policy names another strategy.
    """

    def __init__(self, policy: Policy, strategies: Mapping[str, Strategy], place: str = "policy") -> None:
        unknown = [name for name in policy.strategies if name not in strategies]
        if unknown:
            raise ArgumentError("policy", f"the policy names {unknown[0]!r}, which is none of its strategies")
        super().__init__(f"adaptive:{place}", *strategies.values())
        self.policy, self.strategies = policy, strategies
        rules = repr(sorted((want, sorted(rule.turns.items()), rule.otherwise) for want, rule in policy.rules.items()))
        self.settings = f"{hashlib.sha256(rules.encode()).hexdigest()[:16]} {self.settings}".rstrip()

    async def answer(self, turn: Turn) -> Answer:
        """What the chosen strategy makes of the turn; the log has its name as `strategy`, and its log as `answer`."""
        name = self.policy.choose(turn.want, turn.number)
        answer = await (Direct() if name is None else self.strategies[name]).answer(turn)
        log = {"strategy": name or "direct", **({"answer": dict(answer.log)} if answer.log else {})}
        return replace(answer, log=log)
