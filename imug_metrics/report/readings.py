# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""How answers were read, for the summary."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from imug_metrics.suite.unread import answers_read

if TYPE_CHECKING:
    from imug_metrics.suite import ModelScores


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
