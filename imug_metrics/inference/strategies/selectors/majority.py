# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""A vote of the candidates among themselves: self-consistency."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from imug_metrics.inference.model import Part, Want
from imug_metrics.inference.turn import Turn
from imug_metrics.protocols.imug.options import question_options
from imug_metrics.reading.choice import read_choice
from imug_metrics.reading.exact import normalize_answer


class MajoritySelector:
    """The score of a text is the share of all candidates that say the same (Wang et al., arXiv 2203.11171).

    Where the prompt lists options, texts say the same that choose the same of them, as `imug_metrics.reading.choice`
    reads them; else those that are equal once case, punctuation and articles are gone. A text in which nothing is read
    has no score.
    """

    name = "majority"
    wants: Sequence[Want] = ("text",)

    async def scores(self, turn: Turn, outputs: Sequence[Part]) -> list[float | None]:
        """The shares."""
        options = question_options(turn.prompt, None)
        texts = [output if isinstance(output, str) else "" for output in outputs]
        said = [read_choice(text, options).letters if options else normalize_answer(text) for text in texts]
        votes = Counter(said)
        return [votes[each] / len(said) if each else None for each in said]
