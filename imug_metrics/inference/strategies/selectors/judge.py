# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""A judge grades the candidates."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from imug_metrics.inference.model import ImageFile, Part, Want
from imug_metrics.inference.strategies.verdicts import read_grade
from imug_metrics.inference.strategies.wording import JUDGE_AFTER, JUDGE_BEFORE, JUDGE_BETWEEN
from imug_metrics.inference.turn import Turn, all_of
from imug_metrics.judges.journal import Answer, Journal, address_of
from imug_metrics.judges.protocol import ImagePart, Judge, JudgeError, JudgeRequest, ReplyError


class JudgeSelector:
    """A judge reads the prompt of the turn and one candidate, and grades it from 1 to 5.

    Its requests are not among the costs of the turn, which are the model's. A grade that cannot be read, or has
    failed, is none.

    Args:
        judge: whom to ask.
        journal: keeps its replies, so that a run that goes on picks what it picked before; None: they are not kept.
    """

    name = "judge"
    wants: Sequence[Want] = ("text", "image")

    def __init__(self, judge: Judge, journal: Journal | None = None) -> None:
        self.judge, self.journal, self.settings = judge, journal, judge.name
        self._slots: tuple[asyncio.AbstractEventLoop, asyncio.Semaphore] | None = None

    async def scores(self, turn: Turn, outputs: Sequence[Part]) -> list[float | None]:
        """The grades."""
        return await all_of(self._grade(turn.within(place), output) for place, output in enumerate(outputs))

    async def aclose(self) -> None:
        """Close the judge's connections."""
        if hasattr(self.judge, "aclose"):
            await self.judge.aclose()

    async def _grade(self, turn: Turn, output: Part) -> float | None:
        shown = ImagePart(output.data, output.media_type) if isinstance(output, ImageFile) else output
        request = JudgeRequest(None, (JUDGE_BEFORE, turn.prompt, JUDGE_BETWEEN, shown, JUDGE_AFTER))
        address = address_of((turn.dialogue, turn.number, *turn.step), request, self.judge.name, 0)
        recorded = None if self.journal is None else self.journal.find(address)
        if recorded is None:
            recorded = Answer(1, *await self._ask(request))
            if self.journal is not None and recorded.reply is not None:
                self.journal.add(address, recorded)
        return None if recorded.reply is None else read_grade(recorded.reply, 1, 5)

    async def _ask(self, request: JudgeRequest) -> tuple[str | None, str | None]:
        """Reply and error."""
        async with self._semaphore():
            try:
                return await self.judge.ask(request), None
            except (JudgeError, ReplyError) as error:
                return getattr(error, "reply", None), str(error)

    def _semaphore(self) -> asyncio.Semaphore:
        """What keeps to the judge's concurrency, of the running event loop."""
        loop = asyncio.get_running_loop()
        if self._slots is None or self._slots[0] is not loop:
            self._slots = loop, asyncio.Semaphore(max(self.judge.concurrency, 1))
        return self._slots[1]
