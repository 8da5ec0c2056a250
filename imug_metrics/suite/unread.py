# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""How the answers of one model were read: how many by which rule, and which of them could not be, and why."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from imug_metrics.reading.choice import READ, UNREAD

EXAMPLES = 3
"""Answers that are shown of each reason."""
LONGEST = 200
"""Characters that are shown of an answer."""


class UnreadAnswer(NamedTuple):
    """An answer that could not be read: where it is, its beginning, and the key that was asked for."""

    dialogue: str
    turn: int
    text: str
    target: str


@dataclass(frozen=True)
class AnswersRead:
    """How the answers of one model were read under protocol "strict"; its size does not grow with the answers.

    Attributes:
        read: by a word of `imug_metrics.reading.choice.READ`, how many were read in this way; the most frequent first.
        unread: by a word of `UNREAD`, how many could not be read for this reason.
        examples: by the same word, the first of these answers.
    """

    read: Mapping[str, int]
    unread: Mapping[str, int]
    examples: Mapping[str, tuple[UnreadAnswer, ...]]

    @property
    def answers(self) -> int:
        """How many answers there are whose question has a key."""
        return sum(self.read.values()) + sum(self.unread.values())

    def __str__(self) -> str:
        reasons = ", ".join(f"{count} {reason}" for reason, count in self.unread.items())
        found = f"{sum(self.unread.values())} of {self.answers} answers could not be read"
        return f"{found}: {reasons}" if reasons else found


def answers_read(items: Iterable[Mapping[str, Any]]) -> AnswersRead:
    """How answers were read, from rows of records with the column `reading`; rows without it are passed over.

    Args:
        items: see `ModelScores.items`.

    Example:
        >>> rows = [{"dialogue": "a", "turn": turn, "text": text, "target": "B", "reading": reading}
        ...         for turn, (text, reading) in enumerate([("B", "answer"), ("A cat", "unclear"), (None, None)], 1)]
        >>> print(answers_read(rows))
        1 of 2 answers could not be read: 1 unclear
        >>> answers_read(rows).examples["unclear"]
        (UnreadAnswer(dialogue='a', turn=2, text='A cat', target='B'),)
    """
    counts: Counter[str] = Counter()
    examples: dict[str, list[UnreadAnswer]] = {}
    for item in items:
        reason = item.get("reading")
        if reason not in (*READ, *UNREAD):
            continue
        counts[reason] += 1
        if reason in UNREAD and counts[reason] <= EXAMPLES:
            place = str(item["dialogue"]), int(item["turn"])
            examples.setdefault(reason, []).append(
                UnreadAnswer(*place, _cut(item.get("text")), str(item.get("target")))
            )
    ordered = dict(counts.most_common())
    return AnswersRead(
        {reason: count for reason, count in ordered.items() if reason in READ},
        {reason: count for reason, count in ordered.items() if reason in UNREAD},
        {reason: tuple(examples[reason]) for reason in ordered if reason in examples},
    )


def _cut(text: Any) -> str:
    shown = str(text)
    return shown if len(shown) <= LONGEST else shown[:LONGEST].rstrip() + "…"
