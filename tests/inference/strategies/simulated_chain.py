# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Models for the roles of a chain of evidence whose rates are known, and what follows from these rates."""

from __future__ import annotations

import random
import re
from collections.abc import Sequence
from dataclasses import dataclass

from imug_metrics.inference.model import Message
from imug_metrics.traces import STEPS

FAULT, SOUND = "- It is wrong. [prompt]", "- It is fine. [prompt]"
PLANTED = STEPS[:-1]
_AGAIN = re.compile(r"again from the step (\w+) on")


@dataclass(frozen=True)
class ChainRates:
    """Roles that err independently of each other.

    Attributes:
        right: chance that the first report has no fault; else one of its steps has, the conclusion excepted.
        accept_right, accept_wrong: of accepting.
        located: that the judger names the faulty step; else it names the conclusion, as it does without a fault.
        repaired: that a report made again from its fault has none.
        kept: that a report without a fault, made again, has none.
    """

    right: float = 0.5
    accept_right: float = 0.8
    accept_wrong: float = 0.3
    located: float = 0.7
    repaired: float = 0.9
    kept: float = 0.6

    def expected(self, rounds: int) -> tuple[float, float]:
        """Accuracy and requests of a turn, both exact unless `kept` is below 1 and there are several rounds."""
        right, wrong, share, requests, accuracy = self.right, 1 - self.right, 1.0, 2.0, 0.0
        for _ in range(rounds):
            requests += share  # the verdict
            accuracy += right * self.accept_right
            accepted = right * self.accept_right + wrong * self.accept_wrong
            rejected_right, rejected_wrong = right * (1 - self.accept_right), wrong * (1 - self.accept_wrong)
            mended = rejected_wrong * self.located * self.repaired
            right = rejected_right * self.kept + mended
            wrong = rejected_right * (1 - self.kept) + rejected_wrong - mended
            share -= accepted
            requests += 2 * share  # the faulty step, and the report again
        return accuracy + right, requests

    def reasoner(self, history: Sequence[Message], draw: random.Random) -> str:
        """A report of the steps that are asked for."""
        again = _AGAIN.search(history[-1].text)
        if again is None:
            return report(None if draw.random() < self.right else draw.choice(PLANTED))
        fault = faulty(history[-2].text)
        if fault is None:
            return report(None if draw.random() < self.kept else STEPS[-1])
        is_mended = STEPS.index(again[1]) <= STEPS.index(fault) and draw.random() < self.repaired
        return report(None if is_mended else fault)

    def checker(self, history: Sequence[Message], draw: random.Random) -> str:
        """A verdict on the report before it."""
        accepts = self.accept_right if faulty(history[-2].text) is None else self.accept_wrong
        return "ACCEPT." if draw.random() < accepts else "REJECT: something is wrong."

    def judger(self, history: Sequence[Message], draw: random.Random) -> str:
        """The name of a step of the report before the verdict."""
        fault = faulty(history[-4].text)
        return fault if fault is not None and draw.random() < self.located else STEPS[-1]


def report(fault: str | None) -> str:
    """A report of which one step is faulty."""
    return "\n".join(f"## {name}\n{FAULT if name == fault else SOUND}" for name in STEPS)


def faulty(text: str) -> str | None:
    """The faulty step of a report."""
    found = re.search(rf"## (\w+)\n{re.escape(FAULT)}", text)
    return None if found is None else found[1]
