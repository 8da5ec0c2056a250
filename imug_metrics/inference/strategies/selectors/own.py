# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""The model grades its own candidates."""

from __future__ import annotations

from collections.abc import Sequence

from imug_metrics.inference.model import ModelError, Part, Want
from imug_metrics.inference.strategies.asking import replied
from imug_metrics.inference.strategies.verdicts import read_grade
from imug_metrics.inference.strategies.wording import GRADE
from imug_metrics.inference.turn import Turn, all_of


class OwnSelector:
    """The model is shown each candidate as its own reply and grades it from 0 to 10: one request a candidate.

    A grade that cannot be read, or has failed, is none.
    """

    name = "own"
    wants: Sequence[Want] = ("text", "image")

    async def scores(self, turn: Turn, outputs: Sequence[Part]) -> list[float | None]:
        """The grades."""
        return await all_of(self._grade(turn.within(place), output) for place, output in enumerate(outputs))

    async def _grade(self, turn: Turn, output: Part) -> float | None:
        try:
            reply = await replied(turn, output, GRADE).reply("text")
        except ModelError:
            return None
        return read_grade(reply.text or "", 0, 10)
