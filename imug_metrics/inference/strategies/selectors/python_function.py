# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""A function of the user's own scores the candidates."""

from __future__ import annotations

import inspect
from collections.abc import Sequence

from imug_metrics.errors import ArgumentError
from imug_metrics.inference.model import Part, Want
from imug_metrics.inference.python_file import load_function
from imug_metrics.inference.turn import Turn


class PythonSelector:
    """A function of the prompt and one candidate gives its score.

    It may be asynchronous. The candidate is a text or an `ImageFile`, whose `data` are the bytes of the file.

    Args:
        place: `FILE.py:FUNCTION`, a function `(prompt, output) -> number`, or None where there is no score.

    Raises:
        ArgumentError: if the file has no such function.
    """

    wants: Sequence[Want] = ("text", "image")

    def __init__(self, place: str) -> None:
        self.name = f"python:{place}"
        found = load_function(place, "strategy")
        self.function, self.settings = found.call, found.digest

    async def scores(self, turn: Turn, outputs: Sequence[Part]) -> list[float | None]:
        """The function's scores.

        Raises:
            ArgumentError: if one is no number, or the function raises: the run can go on once it is repaired.
        """
        return [await self._score(turn.prompt, output) for output in outputs]

    async def _score(self, prompt: str, output: Part) -> float | None:
        try:
            found = self.function(prompt, output)
            score = await found if inspect.isawaitable(found) else found
        except Exception as error:
            raise ArgumentError("strategy", f"{self.name} fails with {type(error).__name__}: {error}") from error
        try:
            return None if score is None else float(score)
        except (TypeError, ValueError):
            message = f"{self.name} must give a number or None, got {type(score).__name__}"
            raise ArgumentError("strategy", message) from None
