# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Chain of thought: the model thinks in words before it answers."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from imug_metrics.inference.model import ModelError
from imug_metrics.inference.strategies.asking import LONGEST_LOG, instructed, replied
from imug_metrics.inference.strategies.composed import Composed, name_around
from imug_metrics.inference.strategies.direct import Direct
from imug_metrics.inference.strategies.wording import ANSWER, THINK
from imug_metrics.inference.turn import Answer, Strategy, Turn


class ChainOfThought(Composed):
    """The model is asked for its thoughts first, and then, with them before its eyes, for the answer.

    One request more than `inner` takes. The thoughts are a text for images as well; they are kept in the log, not in
    the history of later turns. Where there are none, for whatever reason, the answer is asked without them, and the log
    holds the reason: a thought that fails is no failed turn.

    Args:
        inner: how the answer is made once there are thoughts.
    """

    def __init__(self, inner: Strategy | None = None) -> None:
        self.inner = inner or Direct()
        super().__init__(name_around(self.inner, "cot"), self.inner)

    async def answer(self, turn: Turn) -> Answer:
        """Think, then answer; the log has `thoughts`, cut at 4000 characters, or None and `thoughts_error`."""
        answering, log = turn, dict[str, Any]()
        thinking = instructed(turn, THINK[turn.want])
        try:
            thoughts = (await thinking.within("thoughts").reply("text")).text or ""
        except ModelError as error:
            log = {"thoughts": None, "thoughts_error": error.reason}
        else:
            answering = replied(thinking, thoughts, ANSWER[turn.want])
            log = {"thoughts": thoughts[:LONGEST_LOG]}
        answer = await self.inner.answer(answering.within("answer"))
        if answer.log:
            log["answer"] = dict(answer.log)
        return replace(answer, log=log)
