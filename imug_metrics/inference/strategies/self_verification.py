# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Self-verification: the model checks its own output, and repairs what it rejects."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from imug_metrics.errors import ArgumentError
from imug_metrics.inference.model import ModelError, Part
from imug_metrics.inference.strategies.asking import LONGEST_LOG, replied
from imug_metrics.inference.strategies.composed import Composed, name_around
from imug_metrics.inference.strategies.direct import Direct
from imug_metrics.inference.strategies.verdicts import read_verdict
from imug_metrics.inference.strategies.wording import REPAIR, VERIFY
from imug_metrics.inference.turn import Answer, Strategy, Turn


class SelfVerificationLoop(Composed):
    """The model is shown its output and accepts or rejects it; what it rejects it makes again, knowing the criticism.

    The role `checker` gives the verdicts: the model itself, unless another one has that role.

    A verdict that cannot be read, or has failed, is none: the output stays as if it were accepted. A repair that fails
    leaves the output that it was to repair. With one round, a share p of outputs that are right, verdicts that accept a
    share T of the right and F of the wrong ones, and repairs of which a share q is right,

        accuracy = p T + (1 - (p T + (1 - p) F)) q,    requests = 2 + P(reject)

    and with more rounds the accuracy is the same with, for q, that of one round less which begins at q.

    Args:
        rounds: verdicts at most.
        inner: how each output is made, repairs included.

    Raises:
        ArgumentError: if there is no round.
    """

    def __init__(self, rounds: int = 1, inner: Strategy | None = None) -> None:
        if rounds < 1:
            raise ArgumentError("rounds", f"expected a number of rounds from 1, got {rounds}")
        self.rounds, self.inner = rounds, inner or Direct()
        super().__init__(name_around(self.inner, f"verify:{rounds}"), self.inner, roles=("checker",))

    async def answer(self, turn: Turn) -> Answer:
        """Generate, verify, repair.

        What was rejected is kept as attempts, the last output is the answer. The log has `verdicts`, True or False or
        None for each output that was checked, `criticism`, what was said with them, and `repair_error` where a repair
        has failed.
        """
        first = await self.inner.answer(turn.within("attempt", 0))
        loop = _Loop([first])
        for place in range(self.rounds):
            asked = replied(turn, loop.attempts[-1].output, VERIFY)
            if await loop.accepts(asked.asking("checker").within("verdict", place)):
                break
            turn = replied(asked, loop.criticism[-1], REPAIR[turn.want])
            try:
                loop.attempts.append(await self.inner.answer(turn.within("attempt", place + 1)))
            except ModelError as error:
                loop.errors["repair_error"] = error.reason
                break
        return loop.answer()


@dataclass
class _Loop:
    """What has come of a turn so far."""

    attempts: list[Answer]
    verdicts: list[bool | None] = field(default_factory=list)
    criticism: list[Part] = field(default_factory=list)
    errors: dict[str, str] = field(default_factory=dict)

    async def accepts(self, asked: Turn) -> bool:
        """Ask for a verdict; whether the output stays."""
        try:
            text = (await asked.reply("text")).text or ""
        except ModelError as error:
            text, self.errors["verdict_error"] = "", error.reason
        self.verdicts.append(read_verdict(text))
        self.criticism.append(text)
        return self.verdicts[-1] is not False

    def answer(self) -> Answer:
        """The last output, with all of them."""
        log: dict[str, Any] = {
            "verdicts": self.verdicts,
            "criticism": [text[:LONGEST_LOG] for text in self.criticism if isinstance(text, str)],
            **self.errors,
        }
        inner = [dict(attempt.log) for attempt in self.attempts]
        if any(inner):
            log["attempts"] = inner
        *replaced, last = self.attempts
        return Answer(last.output, attempts=tuple(attempt.output for attempt in replaced), log=log)
