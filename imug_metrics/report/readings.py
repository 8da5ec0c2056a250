# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""The page's section on how answers were read, and the same for the summary."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from imug_metrics.reading.choice import READ, UNREAD
from imug_metrics.suite.unread import AnswersRead, answers_read

if TYPE_CHECKING:
    from imug_metrics.suite import ModelScores


def reading_rows(models: Sequence[ModelScores]) -> list[dict[str, Any]]:
    """One row for each model with answers that were looked at: how many were read and how, which were not and why.

    Returns:
        By row `name`, `colour`, the numbers of `answers`, `read` and `unread`, `rules` as pairs of a number and a
        sentence on how they were read, and `reasons` why they were not: `word`, `count`, `sentence` and `examples`.

    Example:
        >>> from types import SimpleNamespace
        >>> item = {"dialogue": "a", "turn": 1, "text": "No.", "target": "B", "reading": "unclear"}
        >>> [row] = reading_rows([SimpleNamespace(model="mine", scores={}, items=[item])])
        >>> row["answers"], row["read"], row["unread"], row["reasons"][0]["sentence"]
        (1, 0, 1, 'no option is named, or not as a choice')
    """
    found = [(index, model.model, answers_read(model.items)) for index, model in enumerate(models)]
    return [_row(index, name, answers) for index, name, answers in found if answers.answers]


def readings_json(models: Sequence[ModelScores]) -> dict[str, dict[str, Any]]:
    """By model, what the summary says of its answers; models without any are left out."""
    found = {model.model: answers_read(model.items) for model in models}
    return {
        name: {
            "read": answers.read,
            "unread": answers.unread,
            "examples": {reason: [one._asdict() for one in shown] for reason, shown in answers.examples.items()},
        }
        for name, answers in found.items()
        if answers.answers
    }


def _row(index: int, name: str, answers: AnswersRead) -> dict[str, Any]:
    return {
        "name": name,
        "colour": index,
        "answers": answers.answers,
        "read": sum(answers.read.values()),
        "unread": sum(answers.unread.values()),
        "rules": [(count, READ[word]) for word, count in answers.read.items()],
        "reasons": [
            {"word": word, "count": count, "sentence": UNREAD[word], "examples": answers.examples[word]}
            for word, count in answers.unread.items()
        ],
    }
