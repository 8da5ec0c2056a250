# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Scores of judged answers to SpecV by weights, with missing answers missing, and with intervals by task."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from imug_metrics.metrics.answers.checklist_score import ChecklistScore
from imug_metrics.protocols.specv.tasks import Item, Task, TaskKey, plain_answer
from imug_metrics.protocols.specv.tracks import TRACKS
from imug_metrics.reading.files import Problems, inside, kind, read_json

Answers = Mapping[TaskKey, Mapping[str, "str | None"]]
"""By task and item what a judge answered: "yes", "no", or None where there is no answer that can be read."""


@dataclass(frozen=True)
class Differences:
    """What the rules of both protocols touch.

    Attributes:
        spelled: items whose answer is right but for case, blanks or a full stop, which the released script counts as
            not met.
        unanswered: items without an answer that can be read, which it counts as not met.
        unjudged: tasks without judged answers, which it leaves out in silence.
        unweighted: tasks whose items weigh differently, which it does not use.
    """

    spelled: int = 0
    unanswered: int = 0
    unjudged: int = 0
    unweighted: int = 0

    def __str__(self) -> str:
        told = {
            "answers spelled otherwise are read": self.spelled,
            "items without an answer are missing, not wrong": self.unanswered,
            "tasks without a judgement lower the coverage": self.unjudged,
            "tasks are scored by the weights of their items": self.unweighted,
        }
        return "; ".join(f"{count:,} {words}" for words, count in told.items() if count)


def read_answers(
    results: Path, model: str, tasks: Sequence[Task], problems: Problems
) -> tuple[dict[TaskKey, dict[str, str | None]], Differences]:
    """What a judge answered about one model's outputs.

    Args:
        results: by track, the folder that holds `<track>/results/<model>/<dimension>/<id>.json`, `eval` of a checkout.
        model: its name.
        tasks: those that may have been judged.
        problems: collects what cannot be read.
    """
    found: dict[TaskKey, dict[str, str | None]] = {}
    spelled = unanswered = unjudged = unweighted = 0
    for task in tasks:
        folder = results / task.key.track / "results" / model
        if not folder.is_dir():
            continue
        rows = _rows(folder / task.key.dimension / f"{task.key.id}.json", folder, problems)
        if rows is None:
            unjudged += 1
            continue
        given = {str(row.get("id")): row.get("answer") for row in rows}
        read = {item.id: plain_answer(given.get(item.id)) for item in task.items}
        found[task.key] = read
        expected = {str(row.get("id")): str(row.get("expected_answer")) for row in rows}
        spelled += sum(read[item.id] == item.expected != "" and str(given[item.id]) != expected[item.id]
                       for item in task.items if item.id in given)  # fmt: skip
        unanswered += sum(answer is None for answer in read.values())
        unweighted += len({item.weight for item in task.items}) > 1
    return found, Differences(spelled, unanswered, unjudged, unweighted)


def strict_scores(tasks: Sequence[Task], answers: Answers) -> dict[str, float]:
    """Scores of one model on tasks, of any tracks and dimensions.

    Args:
        tasks: those that count; one without answers lowers the coverage.
        answers: see `read_answers`.

    Returns:
        The details of `ChecklistScore` as shares from 0 to 1, of which `checklist_score_weighted` is the score: by the
        released weights of the items, within the groups that the track weighs; with 95 % intervals by task.
    """
    from imug_metrics.suite import metric_scores

    categories = sorted({item.category for task in tasks for item in task.items})
    metric = ChecklistScore(categories, detail=True, max_turns=1)
    rows: list[Any] = [
        None if task.key not in answers else [answers[task.key].get(item.id) for item in task.items] for task in tasks
    ]
    columns: dict[str, Any] = {
        "target": [[item.expected for item in task.items] for task in tasks],
        "weights": [item_weights(task) for task in tasks],
        "categories": [[item.category for item in task.items] for task in tasks],
    }
    if tasks:
        metric.update(rows, **columns, dialogue=[str(task.key) for task in tasks], turn=[1] * len(tasks))
    found = metric_scores(metric)
    return {key: value for key, value in found.items() if "_slope" not in key and "_turn_" not in key}


def item_weights(task: Task) -> list[float]:
    """How much each item of a task weighs: its released weight, and that of its group where the track has groups.

    Within a group weights add up to the group's, so that a long list of one kind does not outweigh the others.
    """
    track = TRACKS[task.key.track]
    if not track.groups:
        return [item.weight for item in task.items]
    groups = [track.group(_group_name(item, track.field)) for item in task.items]
    totals = {
        name: sum(item.weight for item, group in zip(task.items, groups, strict=True) if group == name)
        for name in track.groups
    }
    return [
        track.groups[group] * item.weight / totals[group] if group is not None and totals[group] else 0.0
        for item, group in zip(task.items, groups, strict=True)
    ]


def _group_name(item: Item, field: str) -> str:
    return item.category if field == "category" else item.subcategory


def _rows(path: Path, folder: Path, problems: Problems) -> list[Mapping[str, Any]] | None:
    if inside(path, folder) is None:
        problems.error(path, None, "", "no judged answers")
        return None
    value = read_json(path, problems)
    if not isinstance(value, list):
        problems.error(path, None, "", f"expected a list of items, got {kind(value)}")
        return None
    return [row for row in value if isinstance(row, Mapping)]
