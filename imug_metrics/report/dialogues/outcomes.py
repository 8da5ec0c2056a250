# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""What became of single turns, in words that are true of the data: right, wrong, not read, absent, or not judged."""

from __future__ import annotations

import math
from enum import Enum
from typing import TYPE_CHECKING

from imug_metrics.reading.choice import UNREAD
from imug_metrics.report.estimates import as_float
from imug_metrics.report.metric_specs import is_missing

if TYPE_CHECKING:
    from imug_metrics.report.row_scores import Row
    from imug_metrics.report.tables.table import Tone


class Outcome(Enum):
    """What became of one turn.

    Attributes:
        sign: before the words, so that no colour is needed to tell outcomes apart.
        words: what became of it; empty where nothing judges it.
        tone: good, bad, or to be looked at.
    """

    RIGHT = ("✓", "right", "good")
    PARTLY = ("◐", "partly right", "warn")
    WRONG = ("✗", "wrong", "bad")
    UNREAD = ("?", "could not be read", "warn")
    NO_ANSWER = ("∅", "no answer", "warn")
    NO_IMAGE = ("∅", "no image", "warn")
    FITS = ("✓", "fits its prompt best", "good")
    MISFIT = ("✗", "fits another prompt better", "bad")
    UNJUDGED = ("", "", "")

    def __init__(self, sign: str, words: str, tone: Tone) -> None:
        self.sign, self.words, self.tone = sign, words, tone

    @property
    def is_fault(self) -> bool:
        """Whether something went wrong."""
        return self.tone in ("bad", "warn")


ANSWERED = frozenset({Outcome.RIGHT, Outcome.PARTLY, Outcome.WRONG, Outcome.UNREAD})
"""What may become of an answer that is compared with a key."""


def outcome(row: Row) -> Outcome:
    """What became of a turn.

    An image fits another prompt better only where its retrieval is 0: it is 1 / m where m prompts share the highest
    similarity, as they do where a prompt repeats. An answer whose letters could not be read scores 0, but nobody knows
    whether it's wrong; one without a key is not judged.

    Args:
        row: of `ModelScores.items`.

    Example:
        >>> turn = {"dialogue": "a", "turn": 1, "modality": "image", "image": "a.png"}
        >>> [outcome(turn | {"retrieval": value}).words for value in (1.0, 0.5, 0.0)]
        ['fits its prompt best', '', 'fits another prompt better']
    """
    if row.get("modality") == "image":
        return Outcome.NO_IMAGE if is_missing(row) else _image_outcome(as_float(row.get("retrieval")))
    return Outcome.NO_ANSWER if is_missing(row) else _answer_outcome(row)


def _image_outcome(retrieval: float) -> Outcome:
    return {1.0: Outcome.FITS, 0.0: Outcome.MISFIT}.get(retrieval, Outcome.UNJUDGED)


def _answer_outcome(row: Row) -> Outcome:
    strict, official = as_float(row.get("answer_strict")), as_float(row.get("answer_imug"))
    score = official if math.isnan(strict) else strict
    if math.isnan(score):
        return Outcome.UNJUDGED
    if not strict and row.get("reading") in UNREAD:
        return Outcome.UNREAD
    return Outcome.RIGHT if score >= 1 else Outcome.PARTLY if score > 0 else Outcome.WRONG
