# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Best of n: several candidates, of which a selector picks one."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from imug_metrics.errors import ArgumentError
from imug_metrics.inference.model import ModelError
from imug_metrics.inference.strategies.composed import Composed, name_around
from imug_metrics.inference.strategies.direct import Direct
from imug_metrics.inference.strategies.selectors.protocol import Selector
from imug_metrics.inference.turn import Answer, Candidate, Strategy, Turn, all_of
from imug_metrics.protocols.imug.candidates import MAX_CANDIDATES


class BestOf(Composed):
    """Make n candidates at the same time; the one with the highest score of a selector is the answer.

    The first of several with the same score is taken, and the first of all where none has a score. A candidate that
    fails is absent; where all fail, so does the turn, for the reason of the first. Candidates are kept with their
    scores, from which `BestOfN` estimates without bias what fewer of them would have brought.

    Of several selectors the first that scores outputs of the turn's kind is used. Where none does, nothing can be
    selected: the turn is answered once, without candidates.

    Args:
        n: number of candidates, from 2.
        selectors: one, or several for different kinds of outputs.
        inner: how each candidate is made.

    Raises:
        ArgumentError: if there are fewer than two candidates, too many, or no selector.
    """

    def __init__(self, n: int, selectors: Selector | Sequence[Selector], inner: Strategy | None = None) -> None:
        self.selectors = tuple(selectors) if isinstance(selectors, Sequence) else (selectors,)
        if not 2 <= n <= MAX_CANDIDATES:
            raise ArgumentError("n", f"expected 2 to {MAX_CANDIDATES} candidates for best-of, got {n}")
        if not self.selectors:
            raise ArgumentError("selectors", "expected a selector for best-of")
        self.n, self.inner = n, inner or Direct()
        names = ",".join(selector.name for selector in self.selectors)
        super().__init__(name_around(self.inner, f"best-of:{n}:{names}"), self.inner, *self.selectors)

    async def answer(self, turn: Turn) -> Answer:
        """Make candidates, score them, pick one.

        The log has the `selector`, the place of the `pick` among the candidates that are there, from 0, why others
        `failed`, and the candidates' own logs as `candidates`.
        """
        selector = next((each for each in self.selectors if turn.want in each.wants), None)
        if selector is None:
            return await self.inner.answer(turn)
        found = await all_of(self._candidate(turn, place) for place in range(self.n))
        answers = [each for each in found if isinstance(each, Answer)]
        errors = [each for each in found if isinstance(each, ModelError)]
        if not answers:
            raise errors[0]
        scores = await _scores(selector, turn, answers)
        ranked = [-math.inf if score is None else score for score in scores]
        pick = ranked.index(max(ranked))
        log: dict[str, Any] = {"selector": selector.name, "pick": pick}
        if errors:
            log["failed"] = [error.reason for error in errors]
        if any(each.log for each in answers):
            log["candidates"] = [dict(each.log) for each in answers]
        candidates = [Candidate(each.output, score) for each, score in zip(answers, scores, strict=True)]
        return Answer(answers[pick].output, tuple(candidates), log=log)

    async def _candidate(self, turn: Turn, place: int) -> Answer | ModelError:
        try:
            return await self.inner.answer(turn.within("candidate", place))
        except ModelError as error:
            return error


async def _scores(selector: Selector, turn: Turn, answers: Sequence[Answer]) -> list[float | None]:
    """Finite scores of candidates, None where there is none."""
    found = await selector.scores(turn.within("selector"), [each.output for each in answers])
    if len(found) != len(answers):
        raise ArgumentError(
            "strategy", f"the selector {selector.name} has {len(found)} scores for {len(answers)} outputs"
        )
    return [None if score is None or not math.isfinite(score) else float(score) for score in found]
