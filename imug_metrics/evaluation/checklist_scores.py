# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Checklists that a judge has answered, as scores of each model: by weight, by category, over turns, wishes kept."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from imug_metrics.juries import Judgement
from imug_metrics.metrics.answers.checklist_score import ChecklistScore
from imug_metrics.suite import metric_scores

MOST_TURNS = 40
MOST_CATEGORIES = 30


def checklist_scores(
    judgements: Iterable[Judgement], people: Sequence[str] = ()
) -> dict[str, dict[str, dict[str, float]]]:
    """The details of `ChecklistScore` by judge and model.

    A category whose name is that of a bound of another one, such as "a_lower" beside "a", has no score of its own.
    Of several answers to an item the first repeat counts, and that in which the output's images stand last.

    Args:
        judgements: of any judges; those of outputs as a whole are passed over.
        people: judges that are left out.
    """
    found: dict[str, dict[str, dict[tuple[str, int], dict[str, Judgement]]]] = {}
    given = [one for one in judgements if one.item is not None and one.expected is not None and not one.repeat]
    for one in sorted(given, key=lambda one: one.order == "first"):
        if one.judge in people or one.item is None:
            continue
        outputs = found.setdefault(one.judge, {}).setdefault(one.model, {})
        outputs.setdefault((one.dialogue, one.turn), {}).setdefault(one.item, one)
    return {judge: {model: _scored(lists) for model, lists in models.items()} for judge, models in found.items()}


def _scored(lists: Mapping[tuple[str, int], Mapping[str, Judgement]]) -> dict[str, float]:
    rows = [[*items.values()] for items in lists.values()]
    names = dict.fromkeys(one.category for items in rows for one in items if one.category is not None)
    bounds = {f"{name}_{side}" for name in names for side in ("lower", "upper")}
    categories = [name for name in names if name not in bounds][:MOST_CATEGORIES]
    turns = min(max(turn for _, turn in lists), MOST_TURNS)
    metric = ChecklistScore(categories, detail=True, max_turns=turns)
    columns: dict[str, Any] = {
        "target": [[one.expected for one in items] for items in rows],
        "weights": [[one.weight for one in items] for items in rows],
        "categories": [[one.category if one.category in names else None for one in items] for items in rows],
        "ages": [[max(one.turn - (one.asked or one.turn), 0) for one in items] for items in rows],
        "dialogue": [dialogue for dialogue, _ in lists],
        "turn": [turn for _, turn in lists],
    }
    if len(names) > len(categories):
        columns["categories"] = [
            [name if name in categories else None for name in row] for row in columns["categories"]
        ]
    metric.update([_answers(items) for items in rows], **columns)
    return metric_scores(metric)


def _answers(items: Sequence[Judgement]) -> list[Any] | None:
    """The answers to a list; None where the request failed."""
    if all(one.error is not None for one in items):
        return None
    return [-1.0 if not one.applies else math.nan if one.value is None else one.value for one in items]
